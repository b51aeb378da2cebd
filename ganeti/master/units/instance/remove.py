# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_INSTANCE_REMOVE: stop an instance, remove its disks and forget it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.errors import GenericError, OpExecError
from ganeti.master.disks import layout, lifecycle
from ganeti.master.locks.plan import Held, Level, LockPlan, Want, exclusive
from ganeti.master.unit import HookNodes, Hooks, Target
from ganeti.master.units.instance import running
from ganeti.master.units.instance.subject import InstanceUnit, with_master
from ganeti.opcodes.instance import OpInstanceRemove


class InstanceRemove(InstanceUnit[OpInstanceRemove]):
    """With `ignore_failures` what cannot be stopped or removed is named and left behind."""

    hooks = Hooks("instance-remove", Target.INSTANCE, env=("shutdown_timeout",))

    def lock_plan(self) -> LockPlan:
        def nodes(_held: Held) -> Want:
            return exclusive(*self.cfg.nodes_of(self.instance))

        return LockPlan(
            {
                Level.INSTANCE: exclusive(self.instance.name),
                Level.NODE: nodes,
                Level.NODE_RES: nodes,
            }
        )

    def hook_nodes(self) -> HookNodes:
        return HookNodes(with_master(self.cfg, ()), with_master(self.cfg, self._nodes))

    def check(self) -> None:
        self._nodes = self.cfg.nodes_of(self.instance)
        self._env = super().hook_env()

    def hook_env(self) -> Mapping[str, Any]:
        return self._env

    def execute(self) -> None:
        instance = self.instance
        if not instance.forthcoming:
            self._stop()
            self._remove_disks()
        with self.write() as cfg:
            for disk in cfg.root.disks_of(instance):
                cfg.remove(disk)
            cfg.remove(instance)

    def _stop(self) -> None:
        try:
            running.stop(self, self.instance, self.op.shutdown_timeout)
        except GenericError as err:
            if not self.op.ignore_failures:
                raise OpExecError(
                    f"{err}; use --ignore-failures to remove it all the same"
                ) from err
            self.log.warning(str(err))

    def _remove_disks(self) -> None:
        instance = self.instance
        disks = self.cfg.disks_of(instance)
        directory = layout.directory_of(disks)
        gone = lifecycle.remove(self, instance, disks, directory=directory)
        if not gone and not self.op.ignore_failures:
            raise OpExecError(
                f"not all disks of {instance.name} could be removed, so it stays;"
                " use --ignore-failures to forget it all the same"
            )
