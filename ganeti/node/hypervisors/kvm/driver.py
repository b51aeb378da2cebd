# SPDX-License-Identifier: GPL-2.0-or-later
"""The KVM driver: what the cluster wants of guests, done by QEMU processes that outlive this daemon.

With systemd each guest runs in a scope of its own in ``ganeti.slice``, otherwise it is fully detached
by QEMU itself. Everything a driver needs to know later is in the guest's files.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ganeti.errors import HotplugError, HypervisorError
from ganeti.model.disk import Disk
from ganeti.model.instance import Instance
from ganeti.model.nic import Nic
from ganeti.node.hypervisors.base import (
    Attached,
    Guest,
    GuestState,
    Hypervisor,
    MigrationStatus,
    Params,
)
from ganeti.node.hypervisors.kvm import (
    checks,
    command,
    cpus,
    devices,
    display,
    hotplug,
    migrate,
    places,
    process,
    runtime,
    settle,
)
from ganeti.node.hypervisors.kvm.capabilities import Capabilities, Prober
from ganeti.node.hypervisors.kvm.launch import Launcher, Start
from ganeti.node.hypervisors.kvm.network import Connector, Taps, TapWish
from ganeti.node.hypervisors.kvm.places import GuestFiles
from ganeti.node.hypervisors.kvm.qmp import Monitors, Qmp, QmpError
from ganeti.node.hypervisors.kvm.runtime import Runtime
from ganeti.node.machine import Machine
from ganeti.node.storage import links
from ganeti.paths import Paths
from ganeti.utils.clock import Clock
from ganeti.utils.process import Runner

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""How long a look at a guest waits for its QEMU, which may be stopped."""


class KvmHypervisor(Hypervisor):
    NAME = "kvm"

    def __init__(
        self,
        paths: Paths,
        runner: Runner,
        clock: Clock,
        machine: Machine,
        taps: Taps | None = None,
    ) -> None:
        super().__init__(paths, runner, clock, machine)
        self._taps, self._connector = taps or Taps(), Connector(paths, runner)
        self._prober = Prober(runner)
        self._monitors = Monitors()
        self._launcher = Launcher(paths, runner, machine, self._taps)

    def _files(self, name: str) -> GuestFiles:
        return GuestFiles(self._paths, name)

    # What runs

    def names(self) -> list[str]:
        return [name for name in places.names(self._paths) if self.is_running(name)]

    def is_running(self, name: str) -> bool:
        return process.find(self._files(name), self._machine) is not None

    def guest(self, name: str) -> Guest | None:
        guest_files = self._files(name)
        pid = process.find(guest_files, self._machine)
        if pid is None:
            return None
        words = self._machine.command_line(pid)
        started_with = int(process.argument(words, "-m") or 0)
        vcpus = int((process.argument(words, "-smp") or "1").partition(",")[0])
        memory = self._memory_now(guest_files, started_with)
        return Guest(name, memory, vcpus, GuestState.RUNNING, self._machine.cpu_seconds(pid))

    def _memory_now(self, guest_files: GuestFiles, started_with_mib: int) -> int:
        """What the guest has given back counts as free; one that does not answer has all."""
        try:
            with self._monitors.connect(guest_files.qmp, deadline_s=LOOK_S) as qmp:
                return int(qmp.execute("query-balloon")["actual"]) // migrate.MIB
        except QmpError as err:
            log.debug("%s: %s", guest_files.name, err)
            return started_with_mib

    # Start and stop

    def start(self, instance: Instance, disks: Sequence[Attached], *, paused: bool) -> None:
        hv = instance.hvparams
        cpus.check(hv["cpu_mask"], instance.beparams["vcpus"])
        guest_files = self._files(instance.name)
        guest_files.check_lengths()
        capabilities = self._prober.of(hv["kvm_path"])
        self._start(instance, self._new_runtime(instance, disks, capabilities), paused=paused)

    def _new_runtime(
        self, instance: Instance, disks: Sequence[Attached], capabilities: Capabilities
    ) -> Runtime:
        hv = instance.hvparams
        site = command.Site(
            self._files(instance.name),
            display.Site(
                checks.display_address(hv), self._paths.spice_pem, self._paths.spice_ca_pem
            ),
        )
        bus = devices.pci_bus(capabilities.machine(hv["machine_version"]))
        board = devices.Board(hv, bus)
        placed = [a._replace(disk=board.place_disk(a.disk)) for a in disks]
        nics = [board.place_nic(nic) for nic in instance.nics]
        base = command.base_command(instance, capabilities, site)
        return Runtime(base, nics, hv, placed)

    def _start(self, instance: Instance, guest: Runtime, *, paused: bool) -> None:
        memory = settle.start_memory(instance.beparams, self._machine.memory().free)
        self._launch(instance, guest, None)
        try:
            with self._monitors.connect(self._files(instance.name).qmp) as qmp:
                self._settle(qmp, instance, guest)
                settle.give_back(qmp, instance.beparams, memory)
                if not paused:
                    qmp.execute("cont")
        except (HypervisorError, OSError) as err:
            self._fail(instance, err)

    def _launch(self, instance: Instance, guest: Runtime, incoming: tuple[str, int] | None) -> None:
        """QEMU runs when this returns."""
        self.clean_up(instance.name)
        capabilities = self._prober.of(guest.command[0])
        self._launcher.launch(Start(instance, guest, capabilities, incoming))

    def _settle(self, qmp: Qmp, instance: Instance, guest: Runtime) -> None:
        pid = process.find(self._files(instance.name), self._machine)
        if pid is None:
            raise HypervisorError("QEMU has ended right after its start")
        settle.pin(qmp, guest.hvparams["cpu_mask"], self._machine.threads(pid))
        settle.set_passwords(qmp, guest.hvparams)

    def _fail(self, instance: Instance, err: Exception) -> None:
        """Take back a start that went wrong half-way."""
        said = self._files(instance.name).log_end()
        self.kill(instance)
        self.clean_up(instance.name)
        raise HypervisorError(f"instance {instance.name} did not come up: {err}{said}") from err

    def ask_to_stop(self, instance: Instance) -> None:
        if not instance.hvparams["acpi"]:
            self.kill(instance)
            return
        try:
            with self._monitors.connect(self._files(instance.name).qmp) as qmp:
                qmp.execute("system_powerdown")
        except QmpError as err:
            # It may have ended in this moment; if it has not, it is asked again and killed in the end.
            log.info("%s cannot be asked to shut down: %s", instance.name, err)

    def kill(self, instance: Instance) -> None:
        process.end(self._files(instance.name), self._machine)

    def clean_up(self, name: str) -> None:
        guest_files = self._files(name)
        if self.is_running(name):
            raise HypervisorError(f"instance {name} runs; its files cannot be removed")
        guest_files.remove()

    def reboot(self, instance: Instance, timeout_s: float) -> None:
        """The guest comes back with the devices and the command it has now."""
        guest = self._relinked(instance, runtime.load(self._files(instance.name).runtime))
        self.shut_down(instance, timeout_s)
        self._start(instance, guest, paused=False)

    def _relinked(self, instance: Instance, guest: Runtime) -> Runtime:
        """Links are by index, which has changed if disks came and went while the guest ran."""
        order = {disk.uuid: n for n, disk in enumerate(instance.disks_info or ())}
        unknown = [a.disk.uuid for a in guest.disks if a.disk.uuid not in order]
        if unknown:
            raise HypervisorError(
                f"the running guest {instance.name} has disks that the cluster does not know:"
                f" {', '.join(unknown)}"
            )
        disks = [
            a._replace(link=links.link_of(self._paths, instance.name, order[a.disk.uuid]))
            for a in guest.disks
        ]
        return replace(guest, disks=disks)

    # The node

    def node_info(self, hvparams: Params) -> dict[str, Any]:
        info: dict[str, Any] = dict(self._machine.node_info())
        try:
            info["hv_version"] = list(self._prober.of(hvparams["kvm_path"]).version)
        except HypervisorError as err:
            log.warning("%s", err)
        return info

    def problem(self, hvparams: Params) -> str | None:
        return checks.node_problem(hvparams, self._prober)

    def validate(self, hvparams: Params) -> None:
        super().validate(hvparams)
        problems = checks.problems(hvparams, self._prober.of(hvparams["kvm_path"]))
        if problems:
            raise HypervisorError(f"hypervisor kvm: {'; '.join(problems)}")

    # Memory and migration

    def balloon(self, instance: Instance, memory_mib: int) -> None:
        with self._monitors.connect(self._files(instance.name).qmp) as qmp:
            qmp.execute("balloon", {"value": memory_mib * migrate.MIB})

    def migration_info(self, instance: Instance) -> str:
        return runtime.load(self._files(instance.name).runtime).text()

    def accept(self, instance: Instance, info: str, address: str) -> None:
        guest = self._relinked(instance, runtime.parse(info))
        self._launch(instance, guest, (address, instance.hvparams["migration_port"]))
        try:
            with self._monitors.connect(self._files(instance.name).qmp) as qmp:
                migrate.set_capabilities(qmp, instance.hvparams, on=True)
                self._settle(qmp, instance, guest)
        except (HypervisorError, OSError) as err:
            self._fail(instance, err)

    def migrate(self, instance: Instance, address: str, *, live: bool) -> None:
        with self._monitors.connect(self._files(instance.name).qmp) as qmp:
            migrate.begin(qmp, instance.hvparams, address, live=live)

    def migration_status(self, instance: Instance) -> MigrationStatus:
        """A QEMU that is busy with the last pages may be slow to answer."""
        for attempt in range(migrate.BAD_ANSWERS):
            try:
                with self._monitors.connect(self._files(instance.name).qmp) as qmp:
                    return migrate.status(qmp)
            except HypervisorError as err:
                log.warning("migration of %s: %s", instance.name, err)
                if attempt + 1 < migrate.BAD_ANSWERS:
                    self._clock.sleep(migrate.AFTER_BAD_ANSWER_S)
        return MigrationStatus("failed")

    def finish_on_source(self, instance: Instance, *, success: bool) -> None:
        if success:
            self.kill(instance)
            self.clean_up(instance.name)
            return
        with self._monitors.connect(self._files(instance.name).qmp) as qmp:
            migrate.give_up(qmp, self._clock)

    def finish_on_target(self, instance: Instance, info: str | None, *, success: bool) -> None:
        guest_files = self._files(instance.name)
        if not success:
            self.kill(instance)
            self.clean_up(instance.name)
            return
        with self._monitors.connect(guest_files.qmp) as qmp:
            migrate.complete(qmp, instance.hvparams, self._clock)
        guest = runtime.load(guest_files.runtime)
        self._launcher.connect_late(instance, guest, guest_files)

    # Devices of running guests

    def check_hotplug(self, instance: Instance) -> None:
        guest_files = self._files(instance.name)
        if not self.is_running(instance.name):
            raise HotplugError(f"instance {instance.name} does not run")
        guest = runtime.load(guest_files.runtime)
        if devices.pci_bus(_machine_of(guest)) != "pci.0":
            raise HotplugError(
                f"the machine type of {instance.name} takes no devices while it runs"
            )
        with self._monitors.connect(guest_files.qmp) as qmp:
            qmp.execute("query-status")

    def plug_disk(self, instance: Instance, disk: Attached, seq: int) -> None:
        guest_files = self._files(instance.name)
        guest = runtime.load(guest_files.runtime)
        hotplug.check_type("disk", guest.hvparams["disk_type"], hotplug.DISK_TYPES)
        placed = disk._replace(disk=_board(guest).place_disk(disk.disk))
        with self._monitors.connect(guest_files.qmp) as qmp:
            hotplug.add_disk(qmp, placed, guest.hvparams)
        guest.disks.insert(seq, placed)
        runtime.save(guest_files.runtime, guest)

    def unplug_disk(self, instance: Instance, disk: Disk, seq: int) -> None:
        guest_files = self._files(instance.name)
        guest = runtime.load(guest_files.runtime)
        there = _find(disk.uuid, [attached.disk for attached in guest.disks])
        with self._monitors.connect(guest_files.qmp) as qmp:
            hotplug.remove_disk(qmp, there.hvinfo["id"])
        guest.disks[:] = [a for a in guest.disks if a.disk.uuid != disk.uuid]
        runtime.save(guest_files.runtime, guest)

    def plug_nic(self, instance: Instance, nic: Nic, seq: int) -> None:
        guest_files = self._files(instance.name)
        guest = runtime.load(guest_files.runtime)
        placed = _board(guest).place_nic(nic)
        self._plug_nic(instance, guest, placed, seq)
        guest.nics.insert(seq, placed)
        runtime.save(guest_files.runtime, guest)

    def _plug_nic(self, instance: Instance, guest: Runtime, nic: Nic, seq: int) -> None:
        guest_files = self._files(instance.name)
        hotplug.check_type("NIC", guest.hvparams["nic_type"], hotplug.NIC_TYPES)
        tap = self._taps.open(TapWish.of(guest.hvparams))
        try:
            self._connector.connect(instance, seq, nic, tap.name)
            with self._monitors.connect(guest_files.qmp) as qmp:
                hotplug.add_nic(qmp, nic, tap, guest.hvparams)
        finally:
            tap.close()
        guest_files.note_tap(seq, tap.name)

    def unplug_nic(self, instance: Instance, nic: Nic, seq: int) -> None:
        guest_files = self._files(instance.name)
        guest = runtime.load(guest_files.runtime)
        there = _find(nic.uuid, guest.nics)
        with self._monitors.connect(guest_files.qmp) as qmp:
            hotplug.remove_nic(qmp, there.hvinfo["id"])
        guest_files.forget_tap(seq, len(guest.nics))
        guest.nics.remove(there)
        runtime.save(guest_files.runtime, guest)

    def replug_nic(self, instance: Instance, nic: Nic, seq: int) -> None:
        guest_files = self._files(instance.name)
        guest = runtime.load(guest_files.runtime)
        there = _find(nic.uuid, guest.nics)
        changed = nic.replace(hvinfo=there.hvinfo)
        with self._monitors.connect(guest_files.qmp) as qmp:
            hotplug.remove_nic(qmp, there.hvinfo["id"])
        self._plug_nic(instance, guest, changed, seq)
        guest.nics[guest.nics.index(there)] = changed
        runtime.save(guest_files.runtime, guest)


def _machine_of(guest: Runtime) -> str:
    return (process.argument(guest.command, "-machine") or "").partition(",")[0]


def _board(guest: Runtime) -> devices.Board:
    taken: list[Disk | Nic] = [*guest.nics, *(attached.disk for attached in guest.disks)]
    return devices.Board(guest.hvparams, devices.pci_bus(_machine_of(guest)), taken)


def _find(uuid: str, there: Sequence[Any]) -> Any:
    """The device as it sits in the guest."""
    for device in there:
        if device.uuid == uuid and device.hvinfo:
            return device
    raise HotplugError(f"the running guest has no device {uuid}")
