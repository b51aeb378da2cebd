# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_CLUSTER_DESTROY: the master's part of taking a cluster down for good.

The client ends the daemons and removes the files afterwards, by calls to the last node.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.contracts.node.system import SystemCalls
from ganeti.errors import Code, GenericError, OpPrereqError
from ganeti.master.hooks import UnitHooks
from ganeti.master.unit import HookNodes, Hooks, LogicalUnit, Target
from ganeti.model import master_network
from ganeti.opcodes.cluster import OpClusterDestroy


class ClusterDestroy(LogicalUnit[OpClusterDestroy]):
    """Only for a cluster that has no instance and no node but the master."""

    exclusive = True
    hooks = Hooks("cluster-destroy", Target.CLUSTER)

    def hook_env(self) -> Mapping[str, Any]:
        return {"OP_TARGET": self.cfg.cluster.cluster_name}

    def hook_nodes(self) -> HookNodes:
        return HookNodes()

    def check(self) -> None:
        others = sorted(n.name for n in self.cfg.nodes.values() if n.uuid != self.cfg.master.uuid)
        if others:
            raise OpPrereqError(
                f"there are other nodes in the cluster, remove them first: {', '.join(others)}",
                Code.WRONG_STATE,
            )
        instances = sorted(i.name for i in self.cfg.instances.values())
        if instances:
            raise OpPrereqError(
                f"there are instances in the cluster, remove them first: {', '.join(instances)}",
                Code.WRONG_STATE,
            )

    def execute(self) -> str:
        master = self.cfg.cluster.master_node
        UnitHooks(self, self.services, self.log).run_post_on([master])
        try:
            self.rpc.one(master, SystemCalls.node_deactivate_master_ip)(
                master_network.parameters(self.cfg.cluster),
                self.cfg.cluster.use_external_mip_script,
            )
        except GenericError as err:
            self.log.warning(f"the master's address could not be taken down: {err}")
        return master
