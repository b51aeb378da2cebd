# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_NODE_SET_PARAMS: change the role, flags, secondary address or parameters of a node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.contracts.node.system import SystemCalls
from ganeti.errors import Code, GenericError, OpPrereqError
from ganeti.master.locks.plan import Level, LockPlan, all_exclusive, exclusive
from ganeti.master.unit import HookNodes, Hooks, LogicalUnit, Target
from ganeti.master.units.node import membership, pool, roles
from ganeti.model.node import Node
from ganeti.model.params import nd
from ganeti.opcodes.node import OpNodeSetParams
from ganeti.rpc import nodes
from ganeti.utils import net

_FLAGS = ("master_candidate", "offline", "drained", "master_capable", "vm_capable", "powered")
_ALL = (*_FLAGS, "secondary_ip", "ndparams", "hv_state", "disk_state")


class NodeSetParams(LogicalUnit[OpNodeSetParams]):
    """The result lists what changed."""

    hooks = Hooks("node-modify", Target.NODE, env=_FLAGS[:5])

    def expand(self) -> None:
        if all(getattr(self.op, name) is None for name in _ALL):
            raise OpPrereqError("no changes were asked for", Code.WRONG_INPUT)
        node = self.cfg.node(self.op.node_uuid or self.op.node_name)
        self.op.node_uuid, self.op.node_name = node.uuid, node.name
        self._asked = {name: getattr(self.op, name) for name in _FLAGS}
        roles.check_request(self._asked)

    def lock_plan(self) -> LockPlan:
        flags = roles.after(self.node, self._asked)
        others = self.op.auto_promote and roles.leaves_pool(self.node, flags)
        want = all_exclusive() if others else exclusive(self.node.uuid)
        return LockPlan({Level.NODE: want, Level.NODE_RES: want})

    @property
    def node(self) -> Node:
        return self.cfg.node(str(self.op.node_uuid))

    def hook_env(self) -> Mapping[str, Any]:
        return {"OP_TARGET": self.op.node_name}

    def hook_nodes(self) -> HookNodes:
        nodes = list(dict.fromkeys([self.cfg.cluster.master_node, self.node.uuid]))
        return HookNodes(nodes, nodes)

    def check(self) -> None:
        node = self.node
        if node.uuid == self.cfg.cluster.master_node:
            roles.check_master(node, self._asked)
        self._flags = roles.after(node, self._asked)
        self._promoted: list[Node] = []
        if roles.leaves_pool(node, self._flags):
            self._check_pool()
        if self.op.vm_capable is False:
            self._check_no_instances()
        if node.offline and not self._flags["offline"]:
            self._check_answers()
        self._self_promotion()
        if self.op.secondary_ip is not None:
            self._check_secondary_ip(self.op.secondary_ip)
        self._settings = membership.settings(self.op, node)

    def _check_pool(self) -> None:
        without = {self.node.uuid}
        missing = pool.target(self.cfg, without) - pool.current(self.cfg, without)
        if missing > 0 and not self.op.auto_promote:
            raise OpPrereqError(
                f"without {self.node.name} there are too few master candidates;"
                " use --auto-promote to let other nodes take its place",
                Code.WRONG_STATE,
            )
        self._promoted = pool.promotions(self.cfg, without)

    def _check_no_instances(self) -> None:
        uuid = self.node.uuid
        if self.cfg.instances_on(uuid) or self.cfg.secondaries_on(uuid):
            raise OpPrereqError(
                f"node {self.node.name} still has instances; move them away first",
                Code.WRONG_STATE,
            )

    def _check_answers(self) -> None:
        oob_program = self.cfg.ndparams(self.node)["oob_program"]
        if oob_program and not self.node.powered and not self.op.powered:
            raise OpPrereqError(
                f"node {self.node.name} is marked as powered off; use --node-powered yes as well",
                Code.WRONG_STATE,
            )
        try:
            self.rpc.one(nodes.direct(self.node), SystemCalls.version)()
        except GenericError as err:
            raise OpPrereqError(
                f"node {self.node.name} does not answer and stays offline: {err}; one that was away"
                " for long, or is another machine, comes back by 'gnt-node add --readd'",
                Code.ENVIRONMENT,
            ) from err
        self.log.warning(
            f"node {self.node.name} comes back without being added again",
            hint="use 'gnt-node add --readd' if it missed changes while it was away",
        )

    def _self_promotion(self) -> None:
        """A node that can be a candidate again becomes one if the pool has room."""
        free = roles.comes_back(self.node, self._flags) and self.op.master_candidate is None
        if free and pool.has_room(self.cfg, newcomers=1):
            self._flags["master_candidate"] = True

    def _check_secondary_ip(self, address: str) -> None:
        if not net.is_ipv4(address):
            raise OpPrereqError(f"'{address}' is not an IPv4 address", Code.WRONG_INPUT)
        if self.node.uuid == self.cfg.cluster.master_node:
            self._check_master_homing(address)
        else:
            membership.check_homing(self.cfg, self.node.primary_ip, address)
        membership.check_unique(self.cfg, self.node.uuid, [address])
        if not self.node.offline:
            membership.check_has_address(self, self.node, address)

    def _check_master_homing(self, address: str) -> None:
        """The master goes first when a cluster gets a second network, or gives it up."""
        if not self.op.force:
            raise OpPrereqError(
                "the master's secondary address changes the whole cluster; use --force",
                Code.WRONG_INPUT,
            )
        single = address == self.node.primary_ip
        if single != (self.node.secondary_ip == self.node.primary_ip):
            needed = "no secondary address any more" if single else "a secondary address as well"
            self.log.warning(f"from now on all nodes need {needed} ('gnt-node modify -s')")

    def execute(self) -> list[tuple[str, Any]]:
        node = self.node
        changes = self._changes(node)
        leaves = roles.leaves_pool(node, self._flags)
        joins = self._flags["master_candidate"] and not node.master_candidate
        joining = membership.digests(self, [*([node] if joins else []), *self._promoted])
        with self.write() as cfg:
            cfg.put(cfg.root.nodes[node.uuid].replace(**changes, **self._settings))
            for other in self._promoted:
                cfg.put(cfg.root.nodes[other.uuid].replace(master_candidate=True))
            if joining or leaves:
                gone = {node.uuid} if leaves else ()
                cfg.put(membership.with_certificates(cfg.root.cluster, joining, gone))
        membership.welcome(self, joining)
        if leaves:
            membership.dismiss(self, self.node)
        elif not joins:
            self._keys_follow(node)
        return [(name, str(value)) for name, value in changes.items()] + [
            (f"ndparams/{name}", value) for name, value in nd.typed(self.op.ndparams or {}).items()
        ]

    def _changes(self, node: Node) -> dict[str, Any]:
        changes: dict[str, Any] = {
            name: value for name, value in self._flags.items() if value != getattr(node, name)
        }
        for name in ("vm_capable", "powered", "secondary_ip"):
            value = getattr(self.op, name)
            if value is not None and value != getattr(node, name):
                changes[name] = value
        for name, value in self._asked.items():
            if value is not None and name not in changes:
                self.log.info(f"{name} of node {node.name} is {value} already")
        return changes

    def _keys_follow(self, before: Node) -> None:
        """A node that can become a candidate has the keys of all others before it is one."""
        if before.master_capable and not self.node.master_capable:
            membership.remove_ssh_key(self, self.node)
        elif self.node.master_capable and not before.master_capable:
            membership.add_ssh_key(self, self.node)
