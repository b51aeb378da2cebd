# SPDX-License-Identifier: GPL-2.0-or-later
"""What units of one existing instance share: its name, locks, hooks and the usual checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from ganeti.contracts.node.instance import InstanceCalls
from ganeti.contracts.node.system import SystemCalls
from ganeti.errors import Code, GenericError, OpPrereqError
from ganeti.master import hook_env
from ganeti.master.locks.plan import Level, LockPlan, exclusive
from ganeti.master.unit import HookNodes, LogicalUnit
from ganeti.model.config import Config
from ganeti.model.instance import Instance
from ganeti.model.node import Node
from ganeti.opcodes.base import OpCode

O = TypeVar("O", bound=OpCode)  # noqa: E741


class InstanceUnit(LogicalUnit[O], Generic[O]):
    """A unit about the instance that `instance_name` (or `instance_uuid`) names.

    Its lock is that of the name it has *now*; so a rename while the job waited is noticed.
    """

    op: Any

    def expand(self) -> None:
        instance = named(self.cfg, self.op.instance_uuid, self.op.instance_name)
        self.op.instance_uuid, self.op.instance_name = instance.uuid, instance.name

    def lock_plan(self) -> LockPlan:
        return LockPlan({Level.INSTANCE: exclusive(self.instance.name)})

    def hook_env(self) -> Mapping[str, Any]:
        return hook_env.instance_env(self.cfg, self.instance)

    def hook_nodes(self) -> HookNodes:
        nodes = with_master(self.cfg, self.cfg.nodes_of(self.instance))
        return HookNodes(nodes, nodes)

    @property
    def instance(self) -> Instance:
        """The instance as the configuration has it now."""
        found = self.cfg.instances.get(self.op.instance_uuid)
        if found is None:
            raise OpPrereqError(
                f"instance '{self.op.instance_name}' is no longer there", Code.UNKNOWN_ENTITY
            )
        return found

    @property
    def primary(self) -> Node:
        return self.cfg.nodes[self.instance.primary_node]

    def change_instance(self, **changes: Any) -> None:
        """Change attributes of the instance, durably."""
        with self.write() as cfg:
            cfg.put(cfg.root.instances[self.op.instance_uuid].replace(**changes))

    def reason(self) -> list[tuple[str, str, int]]:
        """The reason trail that calls to nodes carry on."""
        reason: list[tuple[str, str, int]] = self.op.reason
        return reason

    def is_running(self) -> bool:
        """Asks the primary node."""
        return bool(self.live_info())

    def live_info(self) -> Mapping[str, Any]:
        """What the primary's hypervisor says; empty if the instance does not run."""
        instance = self.instance
        return self.rpc.one(instance.primary_node, InstanceCalls.instance_info)(
            instance.name, instance.hypervisor, self.cfg.hvparams(instance)
        )

    def check_down(self, doing: str) -> None:
        """Raises unless the instance is down, by configuration and in fact."""
        if self.instance.admin_state == "up":
            raise OpPrereqError(
                f"instance {self.instance.name} is marked up; shut it down before {doing}",
                Code.WRONG_STATE,
            )
        check_online(self.primary)
        if self.is_running():
            raise OpPrereqError(
                f"instance {self.instance.name} runs on {self.primary.name};"
                f" shut it down before {doing}",
                Code.WRONG_STATE,
            )

    def check_not_offline(self, doing: str) -> None:
        """Raises if the administrator has put the instance out of service."""
        if self.instance.admin_state == "offline":
            raise OpPrereqError(
                f"instance {self.instance.name} is marked offline, which excludes {doing};"
                " use 'gnt-instance modify --online' first",
                Code.WRONG_STATE,
            )

    def check_bridges(self, node: str) -> None:
        check_bridges(self, self.instance, node)


def named(cfg: Config, uuid: str | None, name: str) -> Instance:
    """The instance a request means; a UUID that belongs to another name is an error."""
    if uuid is None:
        return cfg.instance(name)
    instance = cfg.instance(uuid)
    if name and cfg.instance(name).uuid != instance.uuid:
        raise OpPrereqError(f"instance '{name}' does not have the UUID {uuid}", Code.WRONG_INPUT)
    return instance


def with_master(cfg: Config, nodes: Iterable[str]) -> list[str]:
    """The master and the given nodes, each once."""
    return list(dict.fromkeys([cfg.cluster.master_node, *nodes]))


def check_online(node: Node) -> None:
    if node.offline:
        raise OpPrereqError(
            f"node {node.name} is marked offline; bring it back or fail the instance over",
            Code.WRONG_STATE,
        )


def check_accepts_instances(node: Node) -> None:
    """Raises unless the node may get new instances."""
    check_online(node)
    if node.drained:
        raise OpPrereqError(f"node {node.name} is drained and takes no instance", Code.WRONG_STATE)
    if not node.vm_capable:
        raise OpPrereqError(f"node {node.name} is not able to run instances", Code.WRONG_STATE)


def check_bridges(unit: LogicalUnit[Any], instance: Instance, node: str) -> None:
    """Raises if a bridge that the instance's NICs need is missing on the node."""
    group = unit.cfg.nodes[node].group
    params = [unit.cfg.nicparams(nic, group) for nic in instance.nics]
    bridges = sorted({p["link"] for p in params if p["mode"] == "bridged"})
    if not bridges:
        return
    try:
        unit.rpc.one(node, SystemCalls.bridges_exist)(bridges)
    except GenericError as err:
        name = unit.cfg.nodes[node].name
        raise OpPrereqError(
            f"node {name} lacks a bridge that {instance.name} needs: {err}", Code.ENVIRONMENT
        ) from err


def check_memory(
    unit: LogicalUnit[Any], instance: Instance, node: str, needed_mib: int, code: Code
) -> int:
    """Free memory of the node in MiB; raises if it is less than what is needed."""
    free = free_memory(unit, instance, node)
    if free < needed_mib:
        raise OpPrereqError(
            f"node {unit.cfg.nodes[node].name} has {free} MiB of free memory,"
            f" {instance.name} needs {needed_mib} MiB",
            code,
        )
    return free


def free_memory(unit: LogicalUnit[Any], instance: Instance, node: str) -> int:
    """What the node's hypervisor has free, in MiB."""
    hypervisor = instance.hypervisor
    specs = [(hypervisor, unit.cfg.cluster_hvparams(hypervisor))]
    try:
        _boot_id, _storage, answers = unit.rpc.one(node, SystemCalls.node_info)(None, specs)
    except GenericError as err:
        raise OpPrereqError(
            f"node {unit.cfg.nodes[node].name} does not tell its free memory: {err}",
            Code.ENVIRONMENT,
        ) from err
    return int(answers[0]["memory_free"]) if answers else 0
