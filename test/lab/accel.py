# SPDX-License-Identifier: GPL-2.0-or-later
"""KVM or TCG: tried, not guessed.

`/dev/kvm` may open, QEMU may say that KVM is there, and yet the guest's kernel never prints a character (nested and
para-virtual machines). So the real guest is started under KVM, and KVM is chosen only if its login appears.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from test.lab import guest_build, launch, programs
from test.lab.places import LabPlace
from test.lab.programs import LabError

QEMU = "/usr/bin/qemu-system-x86_64"
PROBE_S = 5.0
LOGIN = b"login:"
VERDICT = guest_build.BUILD / "kvm"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Accelerator:
    """How guests run here, why, and the hypervisor parameters that say so to the cluster."""

    name: str
    reason: str
    hvparams: dict[str, str]


def tcg(reason: str) -> Accelerator:
    return Accelerator("TCG", reason, {"kvm_flag": "", "kvm_extra": "-accel tcg,tb-size=32"})


def chosen(place: LabPlace) -> Accelerator:
    """KVM if a guest boots with it, else TCG."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError as err:
        return tcg(f"/dev/kvm: {err.strerror}")
    if _tried(place):
        return Accelerator("KVM", "a guest booted with it", {"kvm_flag": "enabled"})
    return tcg(f"under KVM the guest printed no login within {PROBE_S:g} s")


def _tried(place: LabPlace) -> bool:
    """Whether KVM is good; the trial is made once in the life of a guest build and a machine's boot."""
    key = f"{guest_build.key()} {BOOT_ID.read_text().strip()}"
    with contextlib.suppress(FileNotFoundError):
        tried, _, good = VERDICT.read_text().partition(": ")
        if tried == key:
            return good == "good"
    found = guest_prints_under_kvm(place)
    VERDICT.write_text(f"{key}: {'good' if found else 'bad'}")
    return found


def guest_prints_under_kvm(place: LabPlace) -> bool:
    """Boot a guest without disk and network under KVM and wait for its login."""
    group = place.cgroup / "probe"
    serial = place.directory / "probe-serial"
    output = place.directory / "probe"
    group.create()
    try:
        launch.launch(group, output, _probe_command(place.guest, serial))
        with contextlib.suppress(LabError):
            programs.wait_until(
                lambda: _shows_login(serial) or not group.populated, PROBE_S, "a login under KVM"
            )
        return _shows_login(serial)
    finally:
        group.remove()
        serial.unlink(missing_ok=True)
        output.unlink(missing_ok=True)


def _shows_login(serial: Path) -> bool:
    return serial.exists() and LOGIN in serial.read_bytes()


def _probe_command(guest: Path, serial: Path) -> list[str]:
    kernel = ["-kernel", str(guest / "vmlinux"), "-initrd", str(guest / "initrd")]
    words = f"console=ttyS0 {guest_build.KERNEL_ARGS}"
    machine = ["-M", "pc", "-accel", "kvm", "-m", "128", "-nodefaults", "-no-user-config"]
    outlet = ["-display", "none", "-serial", f"file:{serial}"]
    return [QEMU, *machine, *kernel, "-append", words, *outlet]
