# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_INSTANCE_FAILOVER: stop an instance on its primary node and start it on another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.errors import GenericError, OpExecError
from ganeti.master.unit import HookNodes, Hooks, Target
from ganeti.master.units.instance import running
from ganeti.master.units.instance.moving import MovingUnit
from ganeti.master.units.instance.subject import with_master
from ganeti.opcodes.instance import OpInstanceFailover


class InstanceFailover(MovingUnit[OpInstanceFailover]):
    """The way out when a node is dead: it must then be marked offline first."""

    hooks = Hooks(
        "instance-failover", Target.INSTANCE, env=("ignore_consistency", "shutdown_timeout")
    )

    def hook_env(self) -> Mapping[str, Any]:
        return {**super().hook_env(), "FAILOVER_CLEANUP": self.op.cleanup}

    def hook_nodes(self) -> HookNodes:
        pre = with_master(self.cfg, [*self.cfg.nodes_of(self.instance)[1:], self.target.uuid])
        return HookNodes(pre, [*pre, self._source.uuid])

    def check(self) -> None:
        super().check()
        if self.instance.admin_state == "up":
            self.check_memory_on_target()

    def execute(self) -> None:
        fail_over(self, self.op.ignore_consistency, self.op.shutdown_timeout)


def fail_over(unit: MovingUnit[Any], ignore_consistency: bool, timeout_s: int) -> None:
    """The steps of a failover; a migration that cannot be live takes them too."""
    instance, source, target = unit.instance, unit.primary, unit.target
    tolerant = ignore_consistency or source.offline
    unit.log.plain(f"failing over instance {instance.name} from {source.name} to {target.name}")
    if instance.disks_active:
        unit.check_consistent(ignore=tolerant)
    _stop_on_source(unit, tolerant, timeout_s)
    _take_disks_from_source(unit, tolerant)
    unit.make_primary(target)
    if instance.admin_state == "up":
        unit.log.step(f"activating the disks on {target.name}")
        unit.log.step(f"starting {instance.name} on {target.name}")
        running.start_with_disks(unit, unit.instance, ignore_secondaries=True)


def _stop_on_source(unit: MovingUnit[Any], tolerant: bool, timeout_s: int) -> None:
    source = unit.primary
    unit.log.step(f"shutting down {unit.instance.name} on {source.name}")
    if source.offline:
        unit.log.warning(
            f"node {source.name} is offline and was not asked to stop {unit.instance.name}",
            hint="make sure that the node is really off",
        )
        return
    try:
        running.stop(unit, unit.instance, timeout_s)
    except OpExecError as err:
        if not tolerant:
            raise
        unit.log.warning(f"{err}; going on as asked", hint="make sure that the node is really off")


def _take_disks_from_source(unit: MovingUnit[Any], tolerant: bool) -> None:
    source = unit.primary
    unit.log.step(f"closing the disks on {source.name}")
    if source.offline:
        return
    try:
        unit.close_disks(source)
        unit.log.step(f"deactivating the disks on {source.name}")
        unit.deactivate_on_source()
    except GenericError as err:
        if not tolerant:
            raise
        unit.log.warning(f"the disks on {source.name} could not be taken down: {err}")
