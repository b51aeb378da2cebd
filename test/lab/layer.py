# SPDX-License-Identifier: GPL-2.0-or-later
"""The system disk of a new host: the product, the guest's OS definition, and a host's own /etc and /root.

It lies over the machine's root. The product comes by `make install`, so that all stands at production paths.
Directories of which a host must see nothing of the machine's are marked opaque for the overlay.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from test.lab import disks, guest_build, network, programs
from test.lab.places import LabPlace

GUEST_DIRECTORY = "/boot/lab-guest"
GUEST_KERNEL = f"{GUEST_DIRECTORY}/vmlinux"
GUEST_INITRD = f"{GUEST_DIRECTORY}/initrd"
OS_DIRECTORY = "/usr/local/lib/ganeti/os/lab-guest"
OS_SOURCES = Path(__file__).parent / "os"
OPAQUE = (
    "etc/ganeti",
    "etc/ssh",
    "root",
    "srv",
    "usr/lib/ganeti",
    "usr/local/lib/ganeti",
    "usr/share/ganeti",
    "var/lib/ganeti",
    "var/log",
    "var/tmp",
)
FILE_STORAGE_PATHS = "/srv/ganeti/file-storage\n/srv/ganeti/shared-file-storage\n"
SSHD_CONFIG = """\
PermitRootLogin yes
PasswordAuthentication yes
UsePAM no
UseDNS no
PrintMotd no
Subsystem sftp internal-sftp
"""
# The password of root, in hosts that no one outside can reach, is `lab`.
ROOT_PASSWORD = (
    "$6$lab$8Didkn.UcNG/jLg7V7QIVX8TXEUMaHiIjiDSTr0wAgIU0I3PLx3iJU9IWSsHB2a53VxKmQZAq1Hyy09qF/fXn1"
)
INSTALL_S = 300


def make_system(place: LabPlace, hosts: Iterable[str], *, product: bool) -> None:
    """Write the image, and the guest beside it; without the product the hosts are bare machines."""
    disk = place.directory / "system"
    (disk / "work").mkdir(parents=True)
    root = disk / "upper"
    for directory in OPAQUE:
        (root / directory).mkdir(parents=True)
        os.setxattr(root / directory, "trusted.overlay.opaque", b"y")
    if product:
        _install_product(root)
    _install_os_definition(root)
    _write_etc(root / "etc", network.hosts_file(hosts))
    _write_admin_key(root / "root", place.admin_key)
    disks.make_image(place.system_image, disks.SYSTEM_SIZE, disk)
    shutil.rmtree(disk)
    _place_guest(place.guest)


def _install_product(root: Path) -> None:
    where = [f"DESTDIR={root}", "PREFIX=/usr", "SYSCONFDIR=/etc", "LOCALSTATEDIR=/var"]
    make = ["make", "--silent", "-C", str(programs.TREE), "install", *where]
    programs.run(make, timeout_s=INSTALL_S, env={"PATH": programs.PATH})


def _install_os_definition(root: Path) -> None:
    target = root / OS_DIRECTORY.removeprefix("/")
    unwanted = shutil.ignore_patterns("__*")
    shutil.copytree(OS_SOURCES, target, symlinks=True, ignore=unwanted)


def _write_etc(etc: Path, hosts_file: str) -> None:
    (etc / "hosts").write_text(hosts_file)
    (etc / "resolv.conf").write_text("# a lab has no name server\n")
    (etc / "ssh/sshd_config").write_text(SSHD_CONFIG)
    (etc / "ganeti/file-storage-paths").write_text(FILE_STORAGE_PATHS)
    shadow = etc / "shadow"
    shadow.touch(0o600)
    shadow.write_text(with_root_password(Path("/etc/shadow").read_text()))


def with_root_password(shadow: str) -> str:
    """A shadow file where root has the lab's password and all else is as it was."""
    lines = []
    for line in shadow.splitlines():
        name, password, *rest = line.split(":")
        lines.append(":".join([name, ROOT_PASSWORD if name == "root" else password, *rest]))
    return "\n".join(lines) + "\n"


def _write_admin_key(home: Path, key: Path) -> None:
    """The key by which the admin, who sits at node1, gets into every host for the first time."""
    comment = ["-C", "admin of the lab"]
    programs.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", *comment, "-f", str(key)])
    home.chmod(0o700)
    (home / ".ssh").mkdir(0o700)
    accepted = home / ".ssh/authorized_keys"
    accepted.touch(0o600)
    accepted.write_text(key.with_suffix(".pub").read_text())


def _place_guest(directory: Path) -> None:
    """The guest's files; links where it can be, as the kernel has 50 MB."""
    directory.mkdir()
    guest = guest_build.built()
    for source in (guest.kernel, guest.initrd):
        try:
            (directory / source.name).hardlink_to(source)
        except OSError:
            shutil.copy(source, directory)
