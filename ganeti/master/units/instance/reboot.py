# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_INSTANCE_REBOOT: restart an instance; one that does not run is started."""

from __future__ import annotations

from ganeti.contracts.node.instance import InstanceCalls
from ganeti.errors import GenericError, OpExecError
from ganeti.master.disks import lifecycle
from ganeti.master.unit import Hooks, Target
from ganeti.master.units.instance import running
from ganeti.master.units.instance.subject import InstanceUnit, check_online
from ganeti.opcodes.instance import OpInstanceReboot


class InstanceReboot(InstanceUnit[OpInstanceReboot]):
    """Soft and hard are the hypervisor's business; full takes the disks down and up as well."""

    hooks = Hooks(
        "instance-reboot",
        Target.INSTANCE,
        env=("ignore_secondaries", "reboot_type", "shutdown_timeout"),
    )

    def check(self) -> None:
        self.check_not_offline("rebooting it")
        check_online(self.primary)
        self.check_bridges(self.primary.uuid)

    def execute(self) -> None:
        runs = self.is_running()
        if runs and self.op.reboot_type != "full":
            self._reboot()
        else:
            self._restart(runs)
        self.change_instance(admin_state="up", admin_state_source="admin", disks_active=True)

    def _reboot(self) -> None:
        instance = self.instance
        try:
            self.rpc.one(instance.primary_node, InstanceCalls.instance_reboot)(
                self.cfg.for_node(instance),
                self.op.reboot_type,
                self.op.shutdown_timeout,
                self.op.reason,
            )
        except GenericError as err:
            raise OpExecError(f"cannot reboot instance {instance.name}: {err}") from err

    def _restart(self, runs: bool) -> None:
        if runs:
            running.stop(self, self.instance, self.op.shutdown_timeout)
            lifecycle.deactivate(self, self.instance)
        running.start_with_disks(self, self.instance, ignore_secondaries=self.op.ignore_secondaries)
