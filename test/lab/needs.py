# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lab needs of the machine, said before anything is made."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from test.lab import programs
from test.lab.programs import LabError

# Program and the Debian package that has it; `make lab-packages` installs them.
PROGRAMS = {
    "arping": "iputils-arping",
    "cpio": "cpio",
    "e2fsck": "e2fsprogs",
    "ip": "iproute2",
    "lz4": "lz4",
    "make": "make",
    "mkfs.ext4": "e2fsprogs",
    "mount": "mount",
    "nft": "nftables",
    "nsenter": "util-linux",
    "qemu-system-x86_64": "qemu-system-x86",
    "setpriv": "util-linux",
    "socat": "socat",
    "ssh-keygen": "openssh-client",
    "sshd": "openssh-server",
    "unshare": "util-linux",
    "xz": "xz-utils",
    "zstd": "zstd",
}


def require_root(uid: int) -> None:
    if uid != 0:
        raise LabError(
            "the lab makes hosts of namespaces and mounts, which only root can do: use sudo"
        )


def require_programs() -> None:
    missing = {p for name, p in PROGRAMS.items() if not shutil.which(name, path=programs.PATH)}
    if missing:
        raise LabError(
            "programs are missing; install their packages by `make lab-packages`, or:\n"
            f"    apt-get install --no-install-recommends {' '.join(sorted(missing))}"
        )


def require_disk(base: Path) -> None:
    """The hosts' disks must lie on a disk, and /usr on the root file system."""
    base.mkdir(parents=True, exist_ok=True)
    if file_system_kind(base) in ("tmpfs", "ramfs"):
        raise LabError(
            f"{base} is in memory, so fsync would mean nothing: set GANETI_LAB_DIR to a directory on a disk"
        )
    if os.stat("/usr").st_dev != os.stat("/").st_dev:
        raise LabError(
            "/usr is a file system of its own here: the hosts are made of / and would lack it"
        )


def file_system_kind(path: Path) -> str:
    """The kind of the file system that holds a path."""
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        front, _, back = line.partition(" - ")
        if front.split()[2] == wanted:
            return back.split()[0]
    return "unknown"
