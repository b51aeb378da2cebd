# SPDX-License-Identifier: GPL-2.0-or-later
"""What this node does when it was the master, and hears of another one that it did not know of."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial

from ganeti import superseded
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
        host = self._host
        old = host.ssconf.get("master_node", default="")
        if not old or old == new_master.name or old != net.resolve(net.own_name()).name:
            return
        cluster, now = self._cluster(), host.clock.now()
        places = (
            superseded.copy_queue(host.paths, host.disk, now),
            superseded.set_config_aside(host.paths, host.disk, now),
        )
        log.critical(
            "%s of epoch %d became master while this host was the master and could not be asked;"
            " what this host had is kept in %s",
            *(new_master.name, new_master.epoch, " and ".join(filter(None, places))),
        )
        if cluster is not None:
            self._beside(partial(self._give_address_back, cluster))

    def _cluster(self) -> Cluster | None:
        try:
            with open(self._host.paths.config_data, "rb") as file:
                return Cluster.from_raw(configfile.parse(file.read())["cluster"])
        except (OSError, GenericError) as err:
            log.warning("the cluster's address stays as it is here: %s", err)
            return None

    def _give_address_back(self, cluster: Cluster) -> None:
        parameters = master_network.parameters(cluster)
        try:
            master_ip.deactivate(
                self._host, parameters, external=bool(cluster.use_external_mip_script)
            )
        except GenericError as err:
            log.error("the cluster's address is still up here: %s", err)
