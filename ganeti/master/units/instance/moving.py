# SPDX-License-Identifier: GPL-2.0-or-later
"""What migration and failover share: where an instance may go, and its disks on the way.

The disks of an externally mirrored template are reachable from every node of the group, so the
request names the target. (Templates that mirror between two nodes go to their secondary.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from ganeti.contracts.node.blockdev import BlockdevCalls
from ganeti.contracts.node.instance import InstanceCalls
from ganeti.errors import Code, GenericError, OpExecError, OpPrereqError
from ganeti.master.disks import lifecycle
from ganeti.master.locks.plan import Held, Level, LockPlan, Want, exclusive
from ganeti.master.unit import HookNodes
from ganeti.master.units.instance.subject import (
    InstanceUnit,
    check_accepts_instances,
    check_memory,
    with_master,
)
from ganeti.model import ipolicy, templates
from ganeti.model.node import Node
from ganeti.opcodes.base import OpCode

O = TypeVar("O", bound=OpCode)  # noqa: E741


class MovingUnit(InstanceUnit[O], Generic[O]):
    """A unit that gives an instance another primary node."""

    def expand(self) -> None:
        super().expand()
        self._check_template()
        if self.op.iallocator:
            raise OpPrereqError(
                "name the target with --target-node: no allocator is installed on this cluster",
                Code.WRONG_INPUT,
            )
        target = self.cfg.node(self.op.target_node_uuid or self._target_name())
        self.op.target_node, self.op.target_node_uuid = target.name, target.uuid

    def _check_template(self) -> None:
        name = self.cfg.disk_template(self.instance)
        if not templates.TEMPLATES[name].mirrored:
            raise OpPrereqError(
                f"the disks of {self.instance.name} are of template {name}, which other nodes"
                " cannot reach",
                Code.WRONG_STATE,
            )

    def _target_name(self) -> str:
        secondaries = self.cfg.nodes_of(self.instance)[1:]
        if self.op.target_node:
            if secondaries:
                raise OpPrereqError(
                    f"instance {self.instance.name} can only go to its secondary node;"
                    " leave out --target-node",
                    Code.WRONG_INPUT,
                )
            return str(self.op.target_node)
        if secondaries:
            return secondaries[0]
        raise OpPrereqError(
            f"name the node that {self.instance.name} shall go to, with --target-node",
            Code.WRONG_INPUT,
        )

    def lock_plan(self) -> LockPlan:
        def nodes(_held: Held) -> Want:
            return exclusive(*self.cfg.nodes_of(self.instance), self.op.target_node_uuid)

        return LockPlan(
            {
                Level.INSTANCE: exclusive(self.instance.name),
                Level.NODE: nodes,
                Level.NODE_RES: nodes,
            }
        )

    @property
    def target(self) -> Node:
        return self.cfg.nodes[self.op.target_node_uuid]

    def hook_env(self) -> Mapping[str, Any]:
        """Which node the instance leaves and which it goes to; they are those of the start."""
        secondary = self._source.uuid != self.target.uuid and self._has_secondary
        return {
            **super().hook_env(),
            "OLD_PRIMARY": self._source.name,
            "NEW_PRIMARY": self.target.name,
            "OLD_SECONDARY": self.target.name if secondary else "",
            "NEW_SECONDARY": self._source.name if secondary else "",
        }

    def hook_nodes(self) -> HookNodes:
        nodes = with_master(self.cfg, [*self.cfg.nodes_of(self.instance), self.target.uuid])
        return HookNodes(nodes, nodes)

    def check(self) -> None:
        self._source = self.primary
        self._has_secondary = len(self.cfg.nodes_of(self.instance)) > 1
        if self.target.uuid == self._source.uuid:
            raise OpPrereqError(
                f"instance {self.instance.name} is on node {self.target.name} already",
                Code.WRONG_STATE,
            )
        check_accepts_instances(self.target)
        self._check_policy()
        self.check_bridges(self.target.uuid)

    def _check_policy(self) -> None:
        if not self.op.ignore_ipolicy:
            ipolicy.check_instance(self.cfg, self.instance, self.target.group)

    def check_memory_on_target(self) -> int:
        """Free memory of the target in MiB; raises if the instance cannot run there at all."""
        needed = self.cfg.beparams(self.instance)["minmem"]
        return check_memory(self, self.instance, self.target.uuid, needed, Code.NO_RESOURCES)

    def check_consistent(self, *, ignore: bool) -> None:
        """The target must have good disks; `ignore` goes on with a warning."""
        self.log.step(f"checking that the disks are consistent on {self.target.name}")
        for disk in self.cfg.disks_of(self.instance):
            problem = self._disk_problem(disk)
            if problem and not ignore:
                raise OpExecError(
                    f"{disk.iv_name} of {self.instance.name} is not good on"
                    f" {self.target.name}: {problem}"
                )
            if problem:
                self.log.warning(f"{disk.iv_name} on {self.target.name}: {problem}; going on")

    def _disk_problem(self, disk: Any) -> str | None:
        device = self.cfg.annotated(disk, self.instance, self.target.uuid)
        try:
            status = self.rpc.one(self.target.uuid, BlockdevCalls.blockdev_find)(device)
        except GenericError as err:
            return str(err)
        if status is None:
            return "there is no such device"
        return "it is degraded" if status["is_degraded"] else None

    def close_disks(self, node: Node) -> None:
        self.rpc.one(node.uuid, BlockdevCalls.blockdev_close)(
            self.instance.name, self._devices(node)
        )

    def open_disks(self, node: Node, *, exclusive: bool) -> None:
        self.rpc.one(node.uuid, BlockdevCalls.blockdev_open)(
            self.instance.name, self._devices(node), exclusive
        )

    def leave_disks_to(self, owner: Node, others: Iterable[Node]) -> None:
        """One node has the disks for itself; what another one keeps of them is only warned about."""
        for node in others:
            self.log.step(f"closing the disks on {node.name}")
            try:
                self.close_disks(node)
            except GenericError as err:
                self.log.warning(f"the disks were not closed on {node.name}: {err}")
        self.log.step(f"opening the disks exclusively on {owner.name}")
        self.open_disks(owner, exclusive=True)

    def end_on_source(self, node: Node, *, success: bool, live: bool = True) -> None:
        """The guest has gone from the node, or goes on there."""
        self.rpc.one(node.uuid, InstanceCalls.instance_finalize_migration_src)(
            self.cfg.for_node(self.instance, node.uuid), success, live
        )

    def end_on_target(self, node: Node, info: str | None = None, *, success: bool) -> None:
        """The guest has come to the node, or is not to come."""
        self.rpc.one(node.uuid, InstanceCalls.instance_finalize_migration_dst)(
            self.cfg.for_node(self.instance, node.uuid), info, success
        )

    def _devices(self, node: Node) -> list[Any]:
        disks = self.cfg.disks_of(self.instance)
        return [self.cfg.annotated(disk, self.instance, node.uuid) for disk in disks]

    def make_primary(self, node: Node) -> None:
        """Write down that the instance is on the node now."""
        self.change_instance(primary_node=node.uuid)

    def deactivate_on_source(self) -> None:
        if not lifecycle.deactivate(self, self.instance, ignore_primary=True):
            raise OpExecError(f"cannot shut down the disks of {self.instance.name}")
