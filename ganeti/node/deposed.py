# SPDX-License-Identifier: GPL-2.0-or-later
"""What this node does when it hears of a new master that has not asked it what it has.

The master that it obeyed may have acknowledged something that the new one does not know. That is kept
aside, so that it counts no more when the next master is looked for; but for a candidate which knows
that the new master had all that it has itself.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ganeti import queue_record, superseded
from ganeti.contracts.node.sender import Sender
from ganeti.errors import GenericError
from ganeti.model import configfile, master_network
from ganeti.model.cluster import Cluster
from ganeti.node import master_ip
from ganeti.node.host import Host
from ganeti.utils import net

log = logging.getLogger(__name__)

Work = Callable[[], None]


def _in_a_thread(work: Work) -> None:
    threading.Thread(target=work, name="Deposition", daemon=True).start()


class Deposition:
    """Called by the fence before the new master is obeyed, so before anything is overwritten.

    The fence waits for it. So the script that takes the cluster's address down runs `beside`.
    """

    def __init__(self, host: Host, beside: Callable[[Work], None] = _in_a_thread) -> None:
        self._host, self._beside = host, beside

    def __call__(self, new_master: Sender) -> None:
        """Keep what this host may have acknowledged alone, and give the cluster's address back."""
        old = self._host.ssconf.get("master_node", default="")
        me = net.resolve(net.own_name()).name
        if not old or new_master.name == me:
            return
        raw = self._configuration()
        if old == me:
            self._set_aside(new_master)
            if raw is not None:
                cluster = Cluster.from_raw(raw["cluster"])
                self._beside(partial(self._give_address_back, cluster))
        elif raw is not None and not self._had_all(new_master, raw):
            self._set_aside(new_master)

    def _configuration(self) -> dict[str, Any] | None:
        try:
            with open(self._host.paths.config_data, "rb") as file:
                return configfile.parse(file.read())
        except FileNotFoundError:
            return None
        except (OSError, GenericError) as err:
            log.warning("%s", err)
            return None

    def _had_all(self, new_master: Sender, raw: Mapping[str, Any]) -> bool:
        """Whether the new master was in sync in the newest that this host has."""
        host = self._host
        known = queue_record.read(host.paths.queue_candidates)
        nodes = raw.get("nodes", {})
        in_sync = {nodes[uuid]["name"] for uuid in known.in_sync if uuid in nodes}
        return known.epoch == host.fence.epoch and new_master.name in in_sync

    def _set_aside(self, new_master: Sender) -> None:
        host, now = self._host, self._host.clock.now()
        places = (
            superseded.copy_queue(host.paths, host.disk, now),
            superseded.set_config_aside(host.paths, host.disk, now),
        )
        host.disk.remove_many(superseded.archived_alone(host.paths))
        log.critical(
            "%s of epoch %d became master and could not ask this host what it has; that is kept in %s",
            *(new_master.name, new_master.epoch, " and ".join(filter(None, places))),
        )

    def _give_address_back(self, cluster: Cluster) -> None:
        parameters = master_network.parameters(cluster)
        try:
            master_ip.deactivate(
                self._host, parameters, external=bool(cluster.use_external_mip_script)
            )
        except GenericError as err:
            log.error("the cluster's address is still up here: %s", err)
