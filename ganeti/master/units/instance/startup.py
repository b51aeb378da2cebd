# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_INSTANCE_STARTUP: start an instance."""

from __future__ import annotations

from ganeti.contracts.node.instance import InstanceCalls
from ganeti.errors import Code
from ganeti.master.disks import lifecycle
from ganeti.master.locks.plan import Level, LockPlan, exclusive
from ganeti.master.unit import Hooks, Target
from ganeti.master.units.instance import overrides, running
from ganeti.master.units.instance.subject import InstanceUnit, check_memory, check_online
from ganeti.opcodes.instance import OpInstanceStartup


class InstanceStartup(InstanceUnit[OpInstanceStartup]):
    """Already running is fine; a guest that shut itself down is cleaned up first."""

    hooks = Hooks("instance-start", Target.INSTANCE, env=("force",))

    def lock_plan(self) -> LockPlan:
        return LockPlan(
            {
                Level.INSTANCE: exclusive(self.instance.name),
                Level.NODE_RES: lambda _held: exclusive(self.instance.primary_node),
            }
        )

    def check(self) -> None:
        self._runs = self._user_down = False
        self.check_not_offline("starting it")
        self.op.hvparams, self.op.beparams = overrides.checked(
            self, self.instance, self.op.hvparams, self.op.beparams
        )
        if self.primary.offline and self.op.ignore_offline_nodes:
            return
        check_online(self.primary)
        self.check_bridges(self.instance.primary_node)
        self._look()
        if not self._runs:
            be = {**self.cfg.beparams(self.instance), **self.op.beparams}
            check_memory(self, self.instance, self.primary.uuid, be["minmem"], Code.NO_RESOURCES)

    def _look(self) -> None:
        info = self.live_info()
        self._user_down = bool(info) and info["state"] == 1
        self._runs = bool(info) and not self._user_down

    def execute(self) -> None:
        if not self.op.no_remember:
            self.change_instance(admin_state="up", admin_state_source="admin", disks_active=True)
        if self.primary.offline:
            self.log.info(
                f"node {self.primary.name} is offline: {self.instance.name} only marked up"
            )
            return
        if self._runs:
            return
        if self._user_down:
            self._clean_up()
        self._start()

    def _clean_up(self) -> None:
        instance = self.instance
        self.rpc.one(instance.primary_node, InstanceCalls.instance_shutdown)(
            self.cfg.for_node(instance), self.op.shutdown_timeout, self.reason()
        )
        lifecycle.deactivate(self, instance)

    def _start(self) -> None:
        instance = self.instance
        lifecycle.activate(self, instance, ignore_secondaries=self.op.force)
        running.start(
            self,
            instance,
            hvparams=self.op.hvparams,
            beparams=self.op.beparams,
            paused=self.op.startup_paused,
        )
