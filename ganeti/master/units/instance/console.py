# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_INSTANCE_CONSOLE: how to reach the console of a running instance."""

from __future__ import annotations

from typing import Any

from ganeti.contracts.node.instance import InstanceCalls
from ganeti.errors import OpExecError
from ganeti.master import consoles
from ganeti.master.locks.plan import Level, LockPlan, shared
from ganeti.master.units.instance.subject import InstanceUnit, check_online
from ganeti.opcodes.instance import OpInstanceConsole


class InstanceConsole(InstanceUnit[OpInstanceConsole]):
    """The answer names kind, host and command; the client opens the console itself."""

    def lock_plan(self) -> LockPlan:
        return LockPlan({Level.INSTANCE: shared(self.instance.name)})

    def check(self) -> None:
        check_online(self.primary)

    def execute(self) -> dict[str, Any]:
        instance = self.instance
        params = {instance.hypervisor: self.cfg.cluster_hvparams(instance.hypervisor)}
        running = self.rpc.one(instance.primary_node, InstanceCalls.instance_list)(
            [instance.hypervisor], params
        )
        if instance.name not in running:
            raise OpExecError(self._not_running())
        return consoles.console(self.cfg, self.paths, instance)

    def _not_running(self) -> str:
        instance = self.instance
        if instance.admin_state == "up":
            return f"instance {instance.name} should be up but is not running"
        return f"instance {instance.name} is not running: it is marked {instance.admin_state}"
