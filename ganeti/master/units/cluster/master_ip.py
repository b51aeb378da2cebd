# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_CLUSTER_ACTIVATE_MASTER_IP and OP_CLUSTER_DEACTIVATE_MASTER_IP: the cluster's own address."""

from __future__ import annotations

from ganeti.contracts.node.system import SystemCalls
from ganeti.master.unit import LogicalUnit
from ganeti.model import master_network
from ganeti.opcodes.cluster import OpClusterActivateMasterIp, OpClusterDeactivateMasterIp


class ClusterActivateMasterIp(LogicalUnit[OpClusterActivateMasterIp]):
    """Bring it up on the master node."""

    exclusive = True

    def execute(self) -> None:
        cluster = self.cfg.cluster
        self.rpc.one(cluster.master_node, SystemCalls.node_activate_master_ip)(
            master_network.parameters(self.cfg.cluster), cluster.use_external_mip_script
        )


class ClusterDeactivateMasterIp(LogicalUnit[OpClusterDeactivateMasterIp]):
    """Take it down on the master node; the daemons go on."""

    exclusive = True

    def execute(self) -> None:
        cluster = self.cfg.cluster
        self.rpc.one(cluster.master_node, SystemCalls.node_deactivate_master_ip)(
            master_network.parameters(self.cfg.cluster), cluster.use_external_mip_script
        )
