# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_NODE_REMOVE: take a node out of the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.contracts.node.system import SystemCalls
from ganeti.errors import Code, GenericError, OpPrereqError
from ganeti.master import ancillary
from ganeti.master.hooks import UnitHooks
from ganeti.master.unit import HookNodes, Hooks, LogicalUnit, Target
from ganeti.master.units.node import membership, pool
from ganeti.opcodes.node import OpNodeRemove
from ganeti.rpc import nodes


class NodeRemove(LogicalUnit[OpNodeRemove]):
    """The node forgets the cluster; one that is offline is only forgotten."""

    exclusive = True
    hooks = Hooks("node-remove", Target.NODE)

    def expand(self) -> None:
        node = self.cfg.node(self.op.node_uuid or self.op.node_name)
        self.op.node_uuid, self.op.node_name = node.uuid, node.name

    def hook_env(self) -> Mapping[str, Any]:
        return {"OP_TARGET": self.op.node_name, "NODE_NAME": self.op.node_name}

    def hook_nodes(self) -> HookNodes:
        others = [uuid for uuid in self.cfg.nodes if uuid != self.op.node_uuid]
        return HookNodes(others, others)

    def check(self) -> None:
        self._node = self.cfg.node(str(self.op.node_uuid))
        if self._node.uuid == self.cfg.cluster.master_node:
            raise OpPrereqError(
                "the master cannot be removed; make another node master first, by"
                " 'gnt-cluster master-failover' there",
                Code.WRONG_INPUT,
            )
        uuid = self._node.uuid
        used = [*self.cfg.instances_on(uuid), *self.cfg.secondaries_on(uuid)]
        if used:
            names = ", ".join(sorted({instance.name for instance in used}))
            raise OpPrereqError(
                f"node {self._node.name} still has instances: {names}", Code.WRONG_INPUT
            )

    def execute(self) -> None:
        node = self._node
        promoted = pool.promotions(self.cfg, {node.uuid})
        joining = membership.digests(self, promoted)
        membership.remove_ssh_key(self, node, leaving=True)
        if not node.offline:
            UnitHooks(self, self.services, self.log).run_post_on([node.uuid])
        with self.write() as cfg:
            cfg.put(membership.with_certificates(cfg.root.cluster, joining, {node.uuid}))
            cfg.remove(node)
            for other in promoted:
                cfg.put(cfg.root.nodes[other.uuid].replace(master_candidate=True))
        membership.welcome(self, joining)
        self._dismiss()
        try:
            membership.change_etc_hosts(self, "remove", node)
        except GenericError as err:
            self.log.warning(str(err))
        ancillary.distribute(self, [n.uuid for n in self.cfg.online_nodes()])

    def _dismiss(self) -> None:
        """Let the node clean up after itself; it is no longer in the configuration."""
        if self._node.offline:
            self.log.warning(
                f"node {self._node.name} is offline and keeps its files",
                hint="clean it by hand before it comes back",
            )
            return
        try:
            self.rpc.one(nodes.direct(self._node), SystemCalls.node_leave_cluster)(
                self.cfg.cluster.modify_ssh_setup
            )
        except GenericError as err:
            self.log.warning(f"node {self._node.name} did not clean up: {err}")
