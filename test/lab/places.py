# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a lab keeps what: everything of lab NAME lies in one directory, `$GANETI_LAB_DIR/NAME`.

lab.json        what the lab is: its hosts, and which cables are cut
admin-key(.pub) the key with which node1 may enter every host
system.img      the system disk of a new host: the product, and files in /etc and /root
guest/          the guest's kernel and initrd
shared/         the directory that all hosts share
hosts/NODE/     system.img and data.img (the host's disks), console (what its first process says),
                up (there once it is booted), system/ data/ root/ (mount points)
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from test.lab.cgroup import Cgroup, cgroup_of
from test.lab.programs import LabError

DEFAULT_BASE = "/var/tmp/ganeti-lab"
DEFAULT_NAME = "lab"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
# Characters that mean something in the options of an overlay mount.
_UNFIT = re.compile(r"[:,\\\s]")


@dataclass(frozen=True)
class HostPlace:
    """What belongs to one host."""

    name: str
    directory: Path
    cgroup: Cgroup

    @property
    def system_image(self) -> Path:
        return self.directory / "system.img"

    @property
    def data_image(self) -> Path:
        return self.directory / "data.img"

    @property
    def console(self) -> Path:
        return self.directory / "console"

    @property
    def up(self) -> Path:
        return self.directory / "up"

    def mount_point(self, name: str) -> Path:
        return self.directory / name


@dataclass(frozen=True)
class LabPlace:
    """What belongs to one lab."""

    base: Path
    name: str

    @property
    def directory(self) -> Path:
        return self.base / self.name

    @property
    def state(self) -> Path:
        return self.directory / "lab.json"

    @property
    def system_image(self) -> Path:
        return self.directory / "system.img"

    @property
    def guest(self) -> Path:
        return self.directory / "guest"

    @property
    def shared(self) -> Path:
        return self.directory / "shared"

    @property
    def admin_key(self) -> Path:
        return self.directory / "admin-key"

    @property
    def cgroup(self) -> Cgroup:
        return cgroup_of(self.directory)

    @property
    def switch(self) -> Cgroup:
        return self.cgroup / "switch"

    def switch_network(self) -> str:
        """The network namespace of the switch, as a path."""
        processes = self.switch.processes()
        if not processes:
            raise LabError(
                f"the switch of lab {self.name} is gone, as after a restart of the machine: "
                f"tools/ganeti-lab down --name {self.name}, then up"
            )
        return f"/proc/{processes[0]}/ns/net"

    def host(self, name: str) -> HostPlace:
        return HostPlace(name, self.directory / "hosts" / name, self.cgroup / name)


def lab_place(name: str, base: str | None = None) -> LabPlace:
    """The place of lab `name`; the base is `base`, the environment's, or the usual one."""
    if not _NAME.fullmatch(name):
        raise LabError(f"'{name}' cannot be the name of a lab: use a-z, 0-9 and '-', 31 at most")
    chosen = base or os.environ.get("GANETI_LAB_DIR") or DEFAULT_BASE
    directory = Path(chosen).resolve()
    if _UNFIT.search(str(directory)):
        raise LabError(f"{directory}: no blank, comma, colon or backslash in the lab's directory")
    return LabPlace(directory, name)
