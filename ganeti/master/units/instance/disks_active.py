# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_INSTANCE_ACTIVATE_DISKS and OP_INSTANCE_DEACTIVATE_DISKS: disks up or down without the guest."""

from __future__ import annotations

from typing import Any

from ganeti.errors import Code, OpExecError, OpPrereqError
from ganeti.master.disks import lifecycle
from ganeti.master.locks.plan import Level, LockPlan, exclusive
from ganeti.master.units.instance.subject import InstanceUnit, check_online
from ganeti.opcodes.instance import OpInstanceActivateDisks, OpInstanceDeactivateDisks
from ganeti.utils.rollback import Rollback


def _plan(unit: InstanceUnit[Any]) -> LockPlan:
    return LockPlan(
        {
            Level.INSTANCE: exclusive(unit.instance.name),
            Level.NODE: lambda _held: exclusive(*unit.cfg.nodes_of(unit.instance)),
        }
    )


class InstanceActivateDisks(InstanceUnit[OpInstanceActivateDisks]):
    """Returns rows of node name, disk and device."""

    def lock_plan(self) -> LockPlan:
        return _plan(self)

    def check(self) -> None:
        check_online(self.primary)

    def execute(self) -> list[tuple[str, str, str]]:
        before = self.instance.disks_active
        with Rollback() as undo:
            undo.on_failure(self._mark, before)
            self._mark(True)
            attached = lifecycle.activate(self, self.instance)
        return [(a.node_name, a.iv_name, a.device) for a in attached]

    def _mark(self, active: bool) -> None:
        """Before they are up, or the watcher would take them down again."""
        self.change_instance(disks_active=active)


class InstanceDeactivateDisks(InstanceUnit[OpInstanceDeactivateDisks]):
    """Refused while the guest runs, unless forced."""

    def lock_plan(self) -> LockPlan:
        return _plan(self)

    def check(self) -> None:
        if self.op.force:
            return
        check_online(self.primary)
        if self.is_running():
            raise OpPrereqError(
                f"instance {self.instance.name} runs; its disks stay up", Code.WRONG_STATE
            )

    def execute(self) -> None:
        if not lifecycle.deactivate(self, self.instance):
            raise OpExecError(f"not all disks of {self.instance.name} could be taken down")
        self.change_instance(disks_active=False)
