# SPDX-License-Identifier: GPL-2.0-or-later
"""Instances on a node: start, stop, migrate, look."""

from __future__ import annotations

from typing import Any

from ganeti.contracts.node.names import FileName, Guest
from ganeti.model.disk import Disk
from ganeti.model.nic import Nic
from ganeti.schema.contract import Contract, Timeout, call

Params = dict[str, Any]
Reason = list[tuple[str, str, int]]


class InstanceCalls(Contract):
    """Instances come with filled parameters, their disks and secondary nodes."""

    @call(Timeout.URGENT, repeatable=True, fenced=False)
    def instance_info(self, instance: FileName, hname: str, hvparams: Params) -> Params:
        """``{memory, vcpus, state, time}``, empty if it does not run; state 1: shut down by its user."""

    @call(Timeout.URGENT, repeatable=True, fenced=False)
    def instance_list(self, hypervisor_list: list[str], hvparams: dict[str, Params]) -> list[str]:
        """Names of the running instances."""

    @call(Timeout.URGENT, repeatable=True, fenced=False)
    def all_instances_info(
        self, hypervisor_list: list[str], all_hvparams: dict[str, Params]
    ) -> dict[str, Params]:
        """The info of every running instance by name."""

    @call(Timeout.NORMAL, fenced=False)
    def hypervisor_validate_params(self, hvname: str, hvfull: Params) -> None:
        """Fails if the parameters do not fit this node."""

    @call(Timeout.NORMAL)
    def instance_start(self, instance_hvp_bep: Guest, startup_paused: bool, reason: Reason) -> None:
        """Start the guest; running already is fine."""

    @call(Timeout.NORMAL)
    def instance_shutdown(self, instance: Guest, timeout: float, reason: Reason) -> None:
        """Ask the guest to stop, and end it when the time is over."""

    @call(Timeout.NORMAL)
    def instance_reboot(
        self, inst: Guest, reboot_type: str, shutdown_timeout: float, reason: Reason
    ) -> None:
        """Reboot, ``soft`` or ``hard``."""

    @call(Timeout.NORMAL)
    def instance_balloon_memory(self, instance: Guest, memory: int) -> None:
        """Give a running guest so many MiB."""

    @call(Timeout.NORMAL, fenced=False)
    def instance_migratable(self, instance: Guest) -> None:
        """Fails if the guest cannot be migrated now."""

    @call(Timeout.NORMAL, fenced=False)
    def migration_info(self, instance: Guest) -> str:
        """What the target needs to know of the running guest."""

    @call(Timeout.NORMAL)
    def accept_instance(self, instance: Guest, info: str, target: str) -> None:
        """Wait for the guest's memory at an address of this node."""

    @call(Timeout.SLOW)
    def instance_migrate(self, cluster_name: str, instance: Guest, target: str, live: bool) -> None:
        """Begin to send the guest's memory."""

    @call(Timeout.SLOW, fenced=False)
    def instance_get_migration_status(self, instance: Guest) -> Params:
        """``{status, transferred_ram, total_ram, postcopy_status}``."""

    @call(Timeout.NORMAL)
    def instance_finalize_migration_dst(
        self, instance: Guest, info: str | None, success: bool
    ) -> None:
        """The guest is here now, or is not to come."""

    @call(Timeout.SLOW)
    def instance_finalize_migration_src(self, instance: Guest, success: bool, live: bool) -> None:
        """The guest is gone, or goes on here."""

    @call(Timeout.NORMAL, fenced=False)
    def hotplug_supported(self, instance: Guest) -> None:
        """Fails if devices of the running guest cannot change."""

    @call(Timeout.NORMAL)
    def hotplug_device(
        self,
        instance: Guest,
        action: str,
        dev_type: str,
        device: Disk | Nic,
        extra: Any,
        seq: int,
    ) -> Any:
        """``hotadd``, ``hotremove`` or ``hotmod`` a ``disk`` or ``nic`` of a running guest."""
