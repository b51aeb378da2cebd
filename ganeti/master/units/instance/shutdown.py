# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_INSTANCE_SHUTDOWN: stop an instance."""

from __future__ import annotations

from ganeti.errors import Code, OpPrereqError
from ganeti.master.disks import lifecycle
from ganeti.master.unit import Hooks, Target
from ganeti.master.units.instance import running
from ganeti.master.units.instance.subject import InstanceUnit, check_online
from ganeti.opcodes.instance import OpInstanceShutdown

USER_SHUTDOWN = 1


class InstanceShutdown(InstanceUnit[OpInstanceShutdown]):
    """The wish is stored first, so that the watcher does not start the instance again."""

    hooks = Hooks("instance-stop", Target.INSTANCE, env=("timeout",))

    def check(self) -> None:
        if not self.op.force:
            self.check_not_offline("shutting it down")
        if not (self.primary.offline and self.op.ignore_offline_nodes):
            check_online(self.primary)
        if self.op.admin_state_source == "user" and not self._is_user_down():
            raise OpPrereqError(
                f"instance {self.instance.name} was not shut down by its user", Code.WRONG_STATE
            )

    def _is_user_down(self) -> bool:
        return self.live_info().get("state") == USER_SHUTDOWN

    def execute(self) -> None:
        if not self.op.no_remember and self.instance.admin_state != "offline":
            self.change_instance(
                admin_state="down", admin_state_source=self.op.admin_state_source or "admin"
            )
        if self.primary.offline:
            self.log.info(
                f"node {self.primary.name} is offline: {self.instance.name} only marked down"
            )
            return
        running.stop(self, self.instance, self.op.timeout)
        lifecycle.deactivate(self, self.instance)
        if self.instance.disks_active and not self.op.no_remember:
            self.change_instance(disks_active=False)
