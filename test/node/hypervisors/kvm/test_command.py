# SPDX-License-Identifier: GPL-2.0-or-later
"""Command lines of QEMU, argument by argument: golden files in ``test/goldens/kvm``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from ganeti.errors import HypervisorError
from ganeti.node.hypervisors.kvm import command, devices, display
from ganeti.node.hypervisors.kvm.capabilities import Capabilities
from ganeti.node.hypervisors.kvm.command import Launch, Site
from ganeti.node.hypervisors.kvm.network import Tap
from ganeti.node.hypervisors.kvm.places import GuestFiles
from ganeti.node.hypervisors.kvm.runtime import Runtime
from ganeti.paths import Paths
from test.node.hypervisors.kvm.guests import QEMU_7_2, QEMU_10, an_instance, attached

FILES = GuestFiles(Paths(), "web")


@dataclass
class Case:
    """What differs from a guest that boots its only disk."""

    hv: dict[str, Any] = field(default_factory=dict)
    be: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    taps: list[Tap] | None = None
    user: str | None = None
    incoming: tuple[str, int] | None = None


CASES = {
    "disk": Case(),
    "kernel": Case(
        {
            "kernel_path": "/boot/vmlinuz",
            "initrd_path": "/boot/initrd",
            "kernel_args": "ro quiet",
            "kvm_extra": "-accel tcg,tb-size=32",
        },
        attributes={"disks": 2, "nics": 2},
    ),
    "bare": Case({"serial_console": False}, attributes={"template": "diskless", "nics": 0}),
    "processors": Case(
        {
            "cpu_type": "host",
            "cpu_cores": 2,
            "cpu_threads": 1,
            "cpu_sockets": 2,
            "kvm_flag": "enabled",
            "mem_path": "/dev/hugepages",
        },
        {"vcpus": 4, "maxmem": 4096},
    ),
    "queues": Case(
        {"virtio_net_queues": 2, "vhost_net": True}, taps=[Tap("tap0", (10, 11), (12, 13))]
    ),
    "vnc": Case(
        {
            "vnc_bind_address": "0.0.0.0",
            "vnc_password_file": "/etc/ganeti/vnc-cluster-password",
            "vnc_tls": True,
            "vnc_x509_path": "/etc/ganeti/vnc",
            "vnc_x509_verify": True,
            "keymap": "de",
            "cdrom_image_path": "/srv/install,2.iso",
            "boot_order": "cdrom",
        },
        attributes={"template": "file"},
    ),
    "vnc-socket": Case({"vnc_bind_address": "/run/vnc", "vnc_tls": True, "vga": "std"}),
    "spice": Case(
        {
            "spice_bind": "10.0.0.1",
            "spice_use_tls": True,
            "spice_password_file": "/etc/ganeti/spice-password",
            "spice_image_compression": "lz",
            "spice_playback_compression": False,
            "soundhw": "ac97,hda",
            "usb_mouse": "tablet",
            "usb_devices": "keyboard,host:1.2,host:046d:c00e,usb-hub",
        }
    ),
    "spice-plain": Case({"spice_bind": "fd00::1", "spice_use_vdagent": False}),
    "old-hardware": Case(
        {
            "acpi": False,
            "reboot_behavior": "exit",
            "disk_type": "ide",
            "nic_type": "e1000",
            "disk_cache": "writethrough",
            "disk_aio": "",
            "kvm_flag": "disabled",
            "machine_version": "pc",
            "floppy_image_path": "/srv/floppy.img",
            "cdrom2_image_path": "https://example.com/tools.iso",
            "use_localtime": True,
        },
        attributes={"template": "file"},
    ),
    "scsi": Case(
        {
            "disk_type": "scsi-hd",
            "scsi_controller_type": "virtio-scsi-pci",
            "disk_aio": "native",
            "disk_cache": "none",
            "disk_discard": "unmap",
            "cdrom_image_path": "/srv/install.iso",
            "machine_version": "q35",
        },
        attributes={"template": "file", "disks": 2},
    ),
    "confined": Case(
        {"security_model": "user", "security_domain": "guest", "use_chroot": True},
        user="guest",
    ),
    "agent": Case({"use_guest_agent": True, "kvm_pci_reservations": 20, "nic_type": "ne2k_isa"}),
    "incoming": Case(incoming=("10.1.0.2", 8102)),
    "incoming-ipv6": Case(incoming=("fd00::2", 8103)),
}


def arguments(case: Case, qemu: Capabilities) -> list[str]:
    instance = an_instance(case.hv, case.be, **case.attributes)
    hv = instance.hvparams
    shown = display.Site(
        hv["vnc_bind_address"] or hv["spice_bind"],
        "/var/lib/ganeti/spice.pem",
        "/var/lib/ganeti/spice-ca.pem",
    )
    board = devices.Board(hv, devices.pci_bus(qemu.machine(hv["machine_version"])))
    disks = [a._replace(disk=board.place_disk(a.disk)) for a in attached(instance)]
    nics = [board.place_nic(nic) for nic in instance.nics]
    base = command.base_command(instance, qemu, Site(FILES, shown))
    taps = case.taps or [Tap(f"tap{n}", (10 + n,)) for n in range(len(nics))]
    launch = Launch(taps, case.user, case.incoming)
    return command.launch_command(Runtime(base, nics, hv, disks), launch, qemu, FILES)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("qemu", [QEMU_7_2, QEMU_10], ids=["7.2", "10.0"])
def test_command(golden: Callable[[str, str], None], name: str, qemu: Capabilities) -> None:
    text = "".join(f"{word}\n" for word in arguments(CASES[name], qemu))
    golden(f"kvm/{name}-{qemu.release}.args", text)


def test_a_guest_from_elsewhere_does_not_wait() -> None:
    """It goes on as soon as it is here, even if its command says that it was started paused."""
    words = arguments(CASES["incoming"], QEMU_7_2)
    assert "-S" not in words
    assert arguments(CASES["disk"], QEMU_7_2)[-1] == "-S"


def test_a_stored_command_with_pause_goes_on_when_it_comes() -> None:
    guest = Runtime([*arguments(CASES["bare"], QEMU_7_2)], [], an_instance().hvparams, [])
    assert "-S" in guest.command
    words = command.launch_command(guest, Launch([], None, ("10.1.0.2", 8102)), QEMU_7_2, FILES)
    assert "-S" not in words


def test_a_read_only_disk_is_refused() -> None:
    instance = an_instance()
    (disk,) = attached(instance)
    read_only = disk._replace(disk=disk.disk.replace(mode="ro"))
    with pytest.raises(HypervisorError, match="read-only"):
        command.disk_arguments(read_only, instance.hvparams)


def test_an_unknown_machine_is_refused() -> None:
    with pytest.raises(HypervisorError, match="no machine type 'pc-1'"):
        arguments(Case({"machine_version": "pc-1"}), QEMU_7_2)


def test_a_display_needs_a_port() -> None:
    case = Case({"vnc_bind_address": "0.0.0.0"}, attributes={"network_port": None})
    with pytest.raises(HypervisorError, match="no port"):
        arguments(case, QEMU_7_2)


CACHES = [
    ("file", {}, None),
    ("file", {"disk_cache": "writeback"}, "writeback"),
    ("file", {"disk_aio": "native"}, "none"),
    ("sharedfile", {"disk_cache": "writeback"}, "none"),
    ("rbd", {"disk_cache": "writeback"}, "writeback"),
    ("drbd", {"disk_cache": "default"}, None),
]


@pytest.mark.parametrize(("template", "hv", "expected"), CACHES)
def test_what_others_reach_is_not_cached(
    template: str, hv: dict[str, Any], expected: str | None
) -> None:
    defaults = {"disk_aio": "threads", "disk_cache": "default"}
    assert command.cache_mode(template, {**defaults, **hv}) == expected
