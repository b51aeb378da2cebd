# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line of QEMU, as a pure function of the instance, its filled parameters and the binary.

`base_command` is what belongs to the guest; it is kept and goes along in a migration. `launch_command`
adds what belongs to this node and this start: devices, sockets, user. The order is that of the node
daemon's "Command line order", the spellings are those that QEMU 7 and newer have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganeti.errors import HypervisorError
from ganeti.model import templates
from ganeti.model.instance import Instance
from ganeti.model.nic import Nic
from ganeti.node.hypervisors.base import Attached
from ganeti.node.hypervisors.kvm import devices, display
from ganeti.node.hypervisors.kvm.capabilities import Capabilities
from ganeti.node.hypervisors.kvm.network import Tap
from ganeti.node.hypervisors.kvm.places import GuestFiles
from ganeti.node.hypervisors.kvm.runtime import Runtime
from ganeti.utils import net

Hv = Mapping[str, Any]

_BOOT_LETTERS = {"disk": "c", "cdrom": "d", "floppy": "a", "network": "n"}
_ACCELERATORS = {"enabled": "kvm", "disabled": "tcg"}
_INTERFACES = {"paravirtual": "virtio"}
_SOUND = "soundhw"
_SOUND_DEVICES = {
    "ac97": ("AC97",),
    "adlib": ("adlib",),
    "cs4231a": ("cs4231a",),
    "es1370": ("ES1370",),
    "gus": ("gus",),
    "hda": ("intel-hda", "hda-duplex"),
    "sb16": ("sb16",),
}
_PAUSED = "-S"


@dataclass(frozen=True)
class Site:
    """What of this node the guest's own part of the command names."""

    files: GuestFiles
    display: display.Site


def base_command(instance: Instance, capabilities: Capabilities, site: Site) -> list[str]:
    """The guest's own part; raises HypervisorError for what cannot be."""
    hv = instance.hvparams
    return [
        *_identity(instance, site.files),
        *_sound(hv),
        *_controllers(hv),
        *("-daemonize", "-D", site.files.log),
        *(["-no-reboot"] if hv["reboot_behavior"] == "exit" else []),
        *_machine(hv, capabilities),
        *_boot(hv),
        *_kernel(hv),
        *(["-mem-path", hv["mem_path"], "-mem-prealloc"] if hv["mem_path"] else []),
        *("-monitor", _socket(site.files.monitor)),
        *("-serial", _socket(site.files.serial) if hv["serial_console"] else "none"),
        *display.pointer(hv),
        *display.arguments(instance, site.display),
        *(["-rtc", "base=localtime"] if hv["use_localtime"] else []),
        *_chroot(hv, capabilities, site.files),
        *(["-cpu", hv["cpu_type"]] if hv["cpu_type"] else []),
        *display.usb_devices(hv),
        *("-uuid", instance.uuid),
        *_agent(hv, site.files),
        *hv["kvm_extra"].split(),
    ]


def _socket(path: str) -> str:
    return f"unix:{path},server=on,wait=off"


def _identity(instance: Instance, files: GuestFiles) -> list[str]:
    hv, be = instance.hvparams, instance.beparams
    counts = {"cores": hv["cpu_cores"], "threads": hv["cpu_threads"], "sockets": hv["cpu_sockets"]}
    smp = [str(be["vcpus"]), *(f"{name}={count}" for name, count in counts.items() if count)]
    return [
        hv["kvm_path"],
        *("-name", instance.name),
        *("-m", str(be["maxmem"])),
        *("-smp", ",".join(smp)),
        *("-pidfile", files.pid),
    ]


def _sound(hv: Hv) -> list[str]:
    """QEMU takes one card by model; more are devices on the same output."""
    driver = "spice" if hv["spice_bind"] else "none"
    first, *others = hv["soundhw"].split(",")
    if not first:
        return []
    more = [word for card in others for word in _sound_devices(card)]
    return ["-audio", f"driver={driver},model={first},id={_SOUND}", *more]


def _sound_devices(card: str) -> list[str]:
    if card not in _SOUND_DEVICES:
        known = ", ".join(_SOUND_DEVICES)
        raise HypervisorError(f"soundhw: there is no second sound card '{card}' (known: {known})")
    *controllers, device = _SOUND_DEVICES[card]
    words = [*controllers, f"{device},audiodev={_SOUND}"]
    return [argument for word in words for argument in ("-device", word)]


def _controllers(hv: Hv) -> list[str]:
    scsi = ["-device", f"{hv['scsi_controller_type']},id=scsi"]
    return [
        *(scsi if devices.needs_scsi_controller(hv) else []),
        *("-device", "virtio-balloon"),
    ]


def _machine(hv: Hv, capabilities: Capabilities) -> list[str]:
    """By its full name, so that a migration to another version of QEMU keeps the machine."""
    words = [capabilities.machine(hv["machine_version"])]
    if hv["kvm_flag"]:
        words.append(f"accel={_ACCELERATORS[hv['kvm_flag']]}")
    if not hv["acpi"]:
        words.append("acpi=off")
    return ["-machine", ",".join(words)]


def _boot(hv: Hv) -> list[str]:
    order = hv["boot_order"]
    arguments = [] if hv["kernel_path"] else ["-boot", f"order={_BOOT_LETTERS[order]}"]
    kind = hv["cdrom_disk_type"] or hv["disk_type"]
    boots_cdrom = order == "cdrom" and not hv["kernel_path"]
    images = (hv["cdrom_image_path"], hv["cdrom2_image_path"])
    for number, image in enumerate(images):
        is_booted = number == 0 and boots_cdrom
        arguments += _cdrom(image, "ide" if is_booted else kind, number) if image else []
    if hv["floppy_image_path"]:
        arguments += ["-drive", f"file={escaped(hv['floppy_image_path'])},format=raw,if=floppy"]
    return arguments


def _cdrom(image: str, kind: str, number: int) -> list[str]:
    drive = f"file={escaped(image)},format=raw,media=cdrom,readonly=on"
    if not devices.is_scsi(kind):
        return ["-drive", f"{drive},if={_INTERFACES.get(kind, kind)}"]
    name, scsi_id = f"cdrom{number + 1}", devices.CDROM_SCSI_IDS[number]
    return [
        *("-drive", f"{drive},if=none,id={name}"),
        *("-device", f"scsi-cd,id={name},bus={devices.SCSI_BUS},scsi-id={scsi_id},drive={name}"),
    ]


def _kernel(hv: Hv) -> list[str]:
    if not hv["kernel_path"]:
        return []
    words = [f"root={hv['root_path']}", hv["kernel_args"]]
    if hv["serial_console"]:
        words.append(f"console=ttyS0,{hv['serial_speed']}")
    return [
        *("-kernel", hv["kernel_path"]),
        *(["-initrd", hv["initrd_path"]] if hv["initrd_path"] else []),
        *("-append", " ".join(word for word in words if word)),
    ]


def _chroot(hv: Hv, capabilities: Capabilities, files: GuestFiles) -> list[str]:
    if not hv["use_chroot"]:
        return []
    if "run-with.chroot" in capabilities.options:
        return ["-run-with", f"chroot={escaped(files.chroot)}"]
    return ["-chroot", files.chroot]


def _agent(hv: Hv, files: GuestFiles) -> list[str]:
    if not hv["use_guest_agent"]:
        return []
    return [
        *("-device", "virtio-serial,id=qga0"),
        *("-chardev", f"socket,path={escaped(files.agent)},server=on,wait=off,id=qga0"),
        *("-device", "virtserialport,chardev=qga0,name=org.qemu.guest_agent.0"),
    ]


@dataclass(frozen=True)
class Launch:
    """What belongs to one start on this node. `incoming` is the address to wait for a guest at."""

    taps: Sequence[Tap]
    user: str | None = None
    incoming: tuple[str, int] | None = None


def launch_command(
    runtime: Runtime, launch: Launch, capabilities: Capabilities, files: GuestFiles
) -> list[str]:
    """The whole command. It waits paused, but for a guest that comes from elsewhere: that one goes
    on as soon as it is here, whatever has become of the node daemons meanwhile."""
    hv = runtime.hvparams
    base = [word for word in runtime.command if launch.incoming is None or word != _PAUSED]
    return [
        *base,
        *_run_as(launch.user, capabilities),
        *(["-k", hv["keymap"]] if hv["keymap"] else []),
        *_nics(runtime.nics, launch.taps, hv),
        *_incoming(launch),
        *("-qmp", _socket(files.qmp)),
        *("-qmp", _socket(files.events)),
        *(word for disk in runtime.disks for word in disk_arguments(disk, hv)),
        *([_PAUSED] if launch.incoming is None else []),
    ]


def _run_as(user: str | None, capabilities: Capabilities) -> list[str]:
    if user is None:
        return []
    if "run-with.user" in capabilities.options:
        return ["-run-with", f"user={user}"]
    return ["-runas", user]


def _incoming(launch: Launch) -> list[str]:
    return ["-incoming", migration_uri(*launch.incoming)] if launch.incoming else []


def migration_uri(address: str, port: int) -> str:
    return f"tcp:{net.bracketed(address)}:{port}"


def _nics(nics: Sequence[Nic], taps: Sequence[Tap], hv: Hv) -> list[str]:
    if not nics:
        return ["-net", "none"]
    return [
        word
        for nic, tap in zip(nics, taps, strict=True)
        for word in ("-netdev", netdev(nic, tap), "-device", nic_device(nic, hv))
    ]


def _hvinfo(device: Any) -> Mapping[str, Any]:
    if device.hvinfo is None:
        raise HypervisorError(f"device {device.uuid} has no place in the guest")
    return dict(device.hvinfo)


def netdev(nic: Nic, tap: Tap) -> str:
    """The ``-netdev`` argument: the tap's descriptors, and those of vhost, are inherited."""
    words = ["type=tap", f"id={_hvinfo(nic)['id']}", _descriptors("fd", tap.fds)]
    if tap.vhost_fds:
        words += ["vhost=on", _descriptors("vhostfd", tap.vhost_fds)]
    return ",".join(words)


def _descriptors(name: str, fds: Sequence[int]) -> str:
    return f"{name}{'s' if len(fds) > 1 else ''}={':'.join(map(str, fds))}"


def nic_device(nic: Nic, hv: Hv) -> str:
    """The ``-device`` argument of an interface."""
    hvinfo = _hvinfo(nic)
    words = [devices.properties(hvinfo), f"netdev={hvinfo['id']}", f"mac={nic.mac}"]
    queues = queues_of(hv)
    if queues > 1:
        words += ["mq=on", f"vectors={2 * queues + 2}"]
    return ",".join(words)


def queues_of(hv: Hv) -> int:
    """More than one queue is for virtio only."""
    return int(hv["virtio_net_queues"]) if hv["nic_type"] == "paravirtual" else 1


def disk_arguments(attached: Attached, hv: Hv) -> list[str]:
    """The arguments of a disk: a drive, and where it is one a device."""
    disk = attached.disk
    if disk.mode != "rw":
        raise HypervisorError(f"{disk.iv_name} is read-only, which KVM guests cannot have")
    source = f"file={escaped(attached.uri or attached.link)},format=raw"
    options = [f"aio={hv['disk_aio']}"] if hv["disk_aio"] else []
    cache = cache_mode(disk.dev_type, hv)
    options += [f"cache={cache}"] if cache else []
    if hv["disk_discard"] in ("ignore", "unmap"):
        options.append(f"discard={hv['disk_discard']}")
    if disk.hvinfo is None:
        kind = _INTERFACES.get(hv["disk_type"], hv["disk_type"])
        return ["-drive", ",".join([source, f"if={kind}", *options])]
    name = disk.hvinfo["id"]
    drive = ",".join([source, "if=none", *options, f"id={name}", "auto-read-only=off"])
    return ["-device", f"{devices.properties(disk.hvinfo)},drive={name}", "-drive", drive]


def cache_mode(template: str, hv: Hv) -> str | None:
    """What other nodes reach too must not be cached on this one, or a migrated guest reads old data."""
    if hv["disk_aio"] == "native" or _is_shared(template):
        return "none"
    return None if hv["disk_cache"] == "default" else str(hv["disk_cache"])


def _is_shared(template: str) -> bool:
    known = templates.TEMPLATES.get(template)
    return known is not None and known.externally_mirrored and known.name != "rbd"


def escaped(value: str) -> str:
    """A value within an argument: a comma is doubled."""
    return value.replace(",", ",,")
