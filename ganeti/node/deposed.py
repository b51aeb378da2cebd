# SPDX-License-Identifier: GPL-2.0-or-later
"""What this node does when it was the master, and hears of another one that it did not know of."""

from __future__ import annotations

import logging

from ganeti import superseded
from ganeti.contracts.node.sender import Sender
from ganeti.paths import Paths
from ganeti.ssconf import Ssconf
from ganeti.utils import net
from ganeti.utils.clock import Clock
from ganeti.utils.files import Disk

log = logging.getLogger(__name__)


class Deposition:
    """Called by the fence before the new master is obeyed, so before anything is overwritten."""

    def __init__(self, paths: Paths, ssconf: Ssconf, disk: Disk, clock: Clock) -> None:
        self._paths, self._ssconf, self._disk, self._clock = paths, ssconf, disk, clock

    def __call__(self, new_master: Sender) -> None:
        """Keep what this host may have acknowledged alone."""
        old = self._ssconf.get("master_node", default="")
        if not old or old == new_master.name or old != net.resolve(net.own_name()).name:
            return
        now = self._clock.now()
        places = (
            superseded.copy_queue(self._paths, self._disk, now),
            superseded.set_config_aside(self._paths, self._disk, now),
        )
        log.critical(
            "%s of epoch %d became master while this host was the master and could not be asked;"
            " what this host had is kept in %s",
            *(new_master.name, new_master.epoch, " and ".join(filter(None, places))),
        )
