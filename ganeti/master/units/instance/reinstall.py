# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_INSTANCE_REINSTALL: run the create scripts of an OS on the disks of a stopped instance."""

from __future__ import annotations

from ganeti.contracts.node.os import OsCalls
from ganeti.errors import Code, GenericError, OpExecError, OpPrereqError
from ganeti.master.disks import lifecycle
from ganeti.master.unit import Hooks, Target
from ganeti.master.units.instance import os_params
from ganeti.master.units.instance.subject import InstanceUnit, check_online
from ganeti.opcodes.instance import OpInstanceReinstall


class InstanceReinstall(InstanceUnit[OpInstanceReinstall]):
    """The disks go down again in any case."""

    hooks = Hooks("instance-reinstall", Target.INSTANCE)

    def check(self) -> None:
        instance = self.instance
        check_online(self.primary)
        if not instance.disks:
            raise OpPrereqError(
                f"instance {instance.name} has no disks to install on", Code.WRONG_INPUT
            )
        self.check_down("reinstalling it")
        self._os = self.op.os_type or instance.os
        self._given = os_params.Given.of(self.op)
        os_params.check(
            self,
            [self.primary.uuid],
            self._os,
            os_params.merged(self.cfg, instance, self._os, self._given),
            force_variant=self.op.force_variant,
        )

    def execute(self) -> None:
        if self._os != self.instance.os:
            self.log.plain(f"changing the OS of {self.instance.name} to '{self._os}'")
        if not self._os:
            return
        self.change_instance(os=self._os, **self._given.stored(self.instance))
        lifecycle.activate(self, self.instance, ignore_secondaries=True)
        try:
            self._install()
        finally:
            lifecycle.deactivate(self, self.instance)

    def _install(self) -> None:
        instance = self.instance
        self.log.info(f"running the create scripts of {instance.os} on {self.primary.name}")
        carried = os_params.carried(self.cfg, instance, self._given)
        try:
            self.rpc.one(instance.primary_node, OsCalls.instance_os_add)(
                carried, True, self.op.debug_level or 0
            )
        except GenericError as err:
            raise OpExecError(f"cannot install the OS of {instance.name}: {err}") from err
