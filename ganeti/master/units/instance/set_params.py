# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_INSTANCE_SET_PARAMS: change parameters, NICs and disks of an instance.

`check` works out every change as values; `execute` writes them down in one transaction, after the
devices of new disks exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.errors import Code, OpPrereqError
from ganeti.master import hook_env
from ganeti.master.locks.plan import Held, Level, LockPlan, Want, exclusive, shared
from ganeti.master.unit import Hooks, Target
from ganeti.master.units.instance import device_changes, os_params, overrides, runtime_memory
from ganeti.master.units.instance.subject import InstanceUnit, check_online
from ganeti.model import ipolicy, templates
from ganeti.model.params import be
from ganeti.model.params.hv import registry
from ganeti.opcodes.instance import OpInstanceSetParams
from ganeti.utils.rollback import Rollback

Result = list[tuple[str, Any]]

_ASKED = (
    *("nics", "disks", "beparams", "hvparams", "osparams", "osparams_private", "os_name"),
    *("runtime_mem", "disk_template", "offline", "pnode", "instance_communication", "ext_params"),
)
_NOT_HERE = {
    "disk_template": "conversion between disk templates",
    "pnode": "a change of the primary node",
    "instance_communication": "the instance communication network",
    "hotplug": "hotplug",
}


class InstanceSetParams(InstanceUnit[OpInstanceSetParams]):
    """Nothing changes unless every change is possible."""

    hooks = Hooks("instance-modify", Target.INSTANCE)

    def expand(self) -> None:
        if not any(getattr(self.op, name) not in (None, {}, []) for name in _ASKED):
            raise OpPrereqError("no changes were asked for", Code.WRONG_INPUT)
        for name, what in _NOT_HERE.items():
            if getattr(self.op, name):
                raise OpPrereqError(f"this release does not do {what}", Code.WRONG_INPUT)
        super().expand()

    def lock_plan(self) -> LockPlan:
        def groups(_held: Held) -> Want:
            nodes = self.cfg.nodes_of(self.instance)
            return shared(*{self.cfg.nodes[uuid].group for uuid in nodes})

        return LockPlan(
            {
                Level.INSTANCE: exclusive(self.instance.name),
                Level.NODEGROUP: groups,
                Level.NODE: lambda _held: exclusive(*self.cfg.nodes_of(self.instance)),
            }
        )

    def hook_env(self) -> Mapping[str, Any]:
        new = self.instance.replace(nics=tuple(self._nics.nics))
        env = hook_env.instance_env(self.cfg, new)
        env |= hook_env.sizes_env({**self.cfg.beparams(self.instance), **self._be})
        if self.op.runtime_mem is not None:
            env["RUNTIME_MEMORY"] = self.op.runtime_mem
        return env

    def check(self) -> None:
        self._be: dict[str, Any] = {}
        self._hv: dict[str, Any] = {}
        if self.op.offline is not None:
            self._check_offline()
        self._check_backend()
        self._check_hypervisor()
        self._check_os()
        self._nics = device_changes.nics_plan(self, self.instance, self.op.nics)
        self._disks = device_changes.disks_plan(self, self.instance, self.op.disks)
        if self.op.runtime_mem is not None:
            runtime_memory.check(self, self.op.runtime_mem, force=self.op.force)
        if not self.op.ignore_ipolicy:
            self._check_policy()

    def _check_offline(self) -> None:
        """Neither way for one that runs, or is meant to."""
        if self.instance.admin_state == "up":
            raise OpPrereqError(
                f"instance {self.instance.name} is marked up; shut it down before marking it"
                f" {'offline' if self.op.offline else 'online'}",
                Code.WRONG_STATE,
            )
        if not self.primary.offline and self.is_running():
            raise OpPrereqError(
                f"instance {self.instance.name} runs; shut it down first", Code.WRONG_STATE
            )

    def _check_backend(self) -> None:
        if not self.op.beparams:
            return
        changes = be.typed(self.op.beparams)
        self._be = {**self.cfg.beparams(self.instance), **be.without_defaults(changes)}
        self._be |= {k: self.cfg.cluster_beparams()[k] for k in be.reset(changes)}
        be.check(self._be)
        self._be_changes = changes
        grows = self._be["maxmem"] > self.cfg.beparams(self.instance)["maxmem"]
        if grows and not self.op.force:
            runtime_memory.check_room(self, self._be["maxmem"])

    def _check_hypervisor(self) -> None:
        if not self.op.hvparams:
            return
        hypervisor = self.instance.hypervisor
        self._hv_changes = registry.typed(hypervisor, self.op.hvparams, allow_default=True)
        own = os_params.updated(self.instance.hvparams, self._hv_changes)
        filled = self.cfg.hvparams(self.instance.replace(hvparams=own))
        registry.check_syntax(hypervisor, filled)
        overrides.check_on_nodes(self, self.cfg.nodes_of(self.instance), hypervisor, filled)
        self._hv = own

    def _check_os(self) -> None:
        self._os_given = os_params.Given.of(self.op)
        self._os = self.op.os_name or self.instance.os
        changed = self._os_given.all() or (self.op.os_name and not self.op.force)
        if not changed:
            return
        check_online(self.primary)
        os_params.check(
            self,
            [self.primary.uuid],
            self._os,
            os_params.merged(self.cfg, self.instance, self._os, self._os_given),
            force_variant=self.op.force_variant,
        )

    def _check_policy(self) -> None:
        ipolicy.check_spec(
            self.cfg,
            self.primary.group,
            ipolicy.Spec.of(
                self._be or self.cfg.beparams(self.instance),
                disk_sizes=[disk.size for disk in self._disks.disks],
                nic_count=len(self._nics.nics),
                template=templates.template_of(self._disks.disks),
            ),
        )

    def execute(self) -> Result:
        before = self.instance
        with Rollback() as undo:
            device_changes.create_devices(self, before, self._disks)
            undo.on_failure(device_changes.discard_devices, self, before, self._disks)
            if self.op.runtime_mem is not None:
                runtime_memory.balloon(self, self.op.runtime_mem)
            with self.write() as cfg:
                device_changes.store_disks(cfg, self._disks)
                cfg.put(before.replace(**self._changes(before)))
        device_changes.remove_devices(self, before, self._disks)
        return self._report()

    def _changes(self, instance: Any) -> dict[str, Any]:
        changes: dict[str, Any] = {
            "nics": self._nics.nics,
            "disks": [disk.uuid for disk in self._disks.disks],
        }
        if self.op.beparams:
            changes["beparams"] = os_params.updated(instance.beparams, self._be_changes)
        if self.op.hvparams:
            changes["hvparams"] = self._hv
        changes |= self._os_given.stored(instance)
        if self.op.os_name:
            changes["os"] = self.op.os_name
        if self.op.offline is not None:
            changes["admin_state"] = "offline" if self.op.offline else "down"
        return changes

    def _report(self) -> Result:
        """What changed, in the order in which users know it."""
        rows: Result = [*self._disks.report, *self._nics.report]
        rows += [(f"be/{key}", value) for key, value in self.op.beparams.items()]
        rows += [(f"hv/{key}", value) for key, value in self.op.hvparams.items()]
        rows += [(f"os/{key}", value) for key, value in self.op.osparams.items()]
        rows += [(f"os_private/{key}", "<redacted>") for key in self.op.osparams_private or {}]
        if self.op.runtime_mem is not None:
            rows.append(("runtime_memory", self.op.runtime_mem))
        if self.op.offline is not None:
            rows.append(("admin_state", "offline" if self.op.offline else "down"))
        return rows
