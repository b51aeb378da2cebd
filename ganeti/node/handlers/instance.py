# SPDX-License-Identifier: GPL-2.0-or-later
"""Instances of this node; what each hypervisor does is its driver's business.

Calls are safe to give twice: starting what runs and stopping what does not run is success.
"""

from __future__ import annotations

import logging
from typing import Any

import simplejson

from ganeti.contracts.node.instance import InstanceCalls, Params, Reason
from ganeti.errors import HotplugError, HypervisorError
from ganeti.model.disk import Disk
from ganeti.model.instance import Instance
from ganeti.model.nic import Nic
from ganeti.node.host import Host
from ganeti.node.hypervisors.base import Attached, Hypervisor
from ganeti.node.storage import links, registry
from ganeti.utils.rollback import Rollback

log = logging.getLogger(__name__)

REASON_MODE = 0o640
REASON_SOURCE = "gnt:daemon:noded"


class InstanceHandlers(InstanceCalls):
    """Looks at the guest first, then acts."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._hypervisors = host.hypervisors

    def _driver(self, instance: Instance) -> Hypervisor:
        return self._hypervisors.of(instance.hypervisor)

    # Looking.

    def instance_info(self, instance: str, hname: str, hvparams: Params) -> Params:
        guest = self._hypervisors.of(hname).guest(instance)
        return guest.info() if guest else {}

    def instance_list(self, hypervisor_list: list[str], hvparams: dict[str, Params]) -> list[str]:
        return [n for name in hypervisor_list for n in self._hypervisors.of(name).names()]

    def all_instances_info(
        self, hypervisor_list: list[str], all_hvparams: dict[str, Params]
    ) -> dict[str, Params]:
        guests = [g for name in hypervisor_list for g in self._hypervisors.of(name).guests()]
        return {guest.name: guest.info() for guest in guests}

    def hypervisor_validate_params(self, hvname: str, hvfull: Params) -> None:
        self._hypervisors.of(hvname).validate(hvfull)

    def _runs(self, instance: Instance) -> bool:
        return self._driver(instance).is_running(instance.name)

    def _require_running(self, instance: Instance) -> None:
        if not self._runs(instance):
            raise HypervisorError(f"instance {instance.name} does not run on this node")

    # Starting and stopping.

    def instance_start(
        self, instance_hvp_bep: Instance, startup_paused: bool, reason: Reason
    ) -> None:
        instance = instance_hvp_bep
        if self._runs(instance):
            return
        with Rollback() as undo:
            undo.on_failure(links.remove_all, self._host.paths, instance.name)
            disks = self._attached(instance)
            self._driver(instance).start(instance, disks, paused=startup_paused)
        self._remember(instance.name, "start", reason)

    def _attached(self, instance: Instance) -> list[Attached]:
        """The disks, opened for a guest of this node and under their links."""
        return [
            self._attach(instance, disk, index)
            for index, disk in enumerate(instance.disks_info or ())
        ]

    def _attach(self, instance: Instance, disk: Disk, index: int) -> Attached:
        device = registry.device(self._host, disk)
        device.open(exclusive=True)
        link = links.make(self._host.paths, instance.name, index, device.path)
        return Attached(disk, link, device.uri(instance.hypervisor))

    def instance_shutdown(self, instance: Instance, timeout: float, reason: Reason) -> None:
        driver = self._driver(instance)
        if self._runs(instance):
            driver.shut_down(instance, timeout)
            self._remember(instance.name, "shutdown", reason)
        driver.clean_up(instance.name)
        links.remove_all(self._host.paths, instance.name)

    def instance_reboot(
        self, inst: Instance, reboot_type: str, shutdown_timeout: float, reason: Reason
    ) -> None:
        self._require_running(inst)
        if reboot_type == "soft":
            self._attached(inst)
            self._driver(inst).reboot(inst, shutdown_timeout)
        elif reboot_type == "hard":
            self.instance_shutdown(inst, shutdown_timeout, reason)
            self.instance_start(inst, False, reason)
        else:
            raise HypervisorError(f"unknown kind of reboot: '{reboot_type}'")
        self._remember(inst.name, "reboot", reason)

    def _remember(self, name: str, action: str, reason: Reason) -> None:
        """Keep why the guest is in the state it is in, for who asks later.

        The guest is in that state already: that the reason cannot be kept makes nothing undone.
        """
        stamp = int(self._host.clock.now() * 1e9)
        trail = [*map(list, reason), [f"{REASON_SOURCE}:{action}", "", stamp]]
        directory = self._host.paths.instance_reason_dir
        text = simplejson.dumps(trail) + "\n"
        try:
            self._host.disk.ensure_dir(directory, mode=0o755)
            self._host.disk.write(f"{directory}/{name}", text.encode(), mode=REASON_MODE)
        except OSError as err:
            log.warning("the reason of the %s of %s cannot be kept: %s", action, name, err)

    def instance_balloon_memory(self, instance: Instance, memory: int) -> None:
        self._require_running(instance)
        self._driver(instance).balloon(instance, memory)

    # Migrating.

    def instance_migratable(self, instance: Instance) -> None:
        self._require_running(instance)
        for index in range(len(instance.disks_info or ())):
            links.require(self._host.paths, instance.name, index)

    def migration_info(self, instance: Instance) -> str:
        return self._driver(instance).migration_info(instance)

    def accept_instance(self, instance: Instance, info: str, target: str) -> None:
        """The disks are open already, as far as the guest's coming needs it."""
        self._driver(instance).accept(instance, info, target)

    def instance_migrate(
        self, cluster_name: str, instance: Instance, target: str, live: bool
    ) -> None:
        self._driver(instance).migrate(instance, target, live=live)

    def instance_get_migration_status(self, instance: Instance) -> Params:
        return self._driver(instance).migration_status(instance).info()

    def instance_finalize_migration_dst(
        self, instance: Instance, info: str | None, success: bool
    ) -> None:
        self._driver(instance).finish_on_target(instance, info, success=success)
        if not success:
            links.remove_all(self._host.paths, instance.name)

    def instance_finalize_migration_src(
        self, instance: Instance, success: bool, live: bool
    ) -> None:
        self._driver(instance).finish_on_source(instance, success=success)

    # Devices of running guests.

    def hotplug_supported(self, instance: Instance) -> None:
        self._driver(instance).check_hotplug(instance)

    def hotplug_device(
        self,
        instance: Instance,
        action: str,
        dev_type: str,
        device: Disk | Nic,
        extra: Any,
        seq: int,
    ) -> Any:
        driver = self._driver(instance)
        match action, dev_type, device:
            case "hotadd", "disk", Disk():
                driver.plug_disk(instance, self._attach(instance, device, seq), seq)
            case "hotremove", "disk", Disk():
                driver.unplug_disk(instance, device, seq)
            case "hotmod", "disk", Disk():
                return  # nothing of a disk that can change is known to the guest
            case "hotadd", "nic", Nic():
                driver.plug_nic(instance, device, seq)
            case "hotremove", "nic", Nic():
                driver.unplug_nic(instance, device, seq)
            case "hotmod", "nic", Nic():
                driver.replug_nic(instance, device, seq)
            case _:
                raise HotplugError(f"'{action}' of a device '{dev_type}' is unknown")
