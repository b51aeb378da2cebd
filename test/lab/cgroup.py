# SPDX-License-Identifier: GPL-2.0-or-later
"""Control groups (version 2): the kernel's own record of which processes the lab has started.

Each host, and the switch, is one group; a process joins before it does anything else and all its children
are born in it. So the end of a host is exact whatever happened to the process that started it, and no
number of a process is ever remembered.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from test.lab import programs
from test.lab.programs import LabError

END_S = 10.0


def hierarchy() -> Path:
    """Where this machine has the version 2 hierarchy."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    raise LabError(
        "no control groups of version 2 here; try: mkdir -p /sys/fs/cgroup/unified; "
        "mount -t cgroup2 none /sys/fs/cgroup/unified"
    )


def cgroup_of(directory: Path) -> Cgroup:
    """The group of the lab that lives in `directory`; its name is the same whoever asks."""
    tag = f"{zlib.crc32(os.fsencode(directory)):08x}"
    return Cgroup(hierarchy() / f"ganeti-lab.{directory.name}.{tag}")


class Cgroup:
    """One group; it may not exist, and then has no processes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __truediv__(self, name: str) -> Cgroup:
        return Cgroup(self.path / name)

    def create(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)

    def join(self) -> None:
        """Move the calling process into the group."""
        (self.path / "cgroup.procs").write_text("0")

    def processes(self) -> list[int]:
        try:
            return [int(pid) for pid in (self.path / "cgroup.procs").read_text().split()]
        except OSError:
            return []

    @property
    def populated(self) -> bool:
        return self._event("populated")

    @property
    def frozen(self) -> bool:
        return self._event("frozen")

    def freeze(self) -> None:
        """Stop every process of the group where it is; they cannot notice."""
        self._set("cgroup.freeze", 1)
        programs.wait_until(lambda: self.frozen, END_S, f"{self.path.name} frozen")

    def thaw(self) -> None:
        self._set("cgroup.freeze", 0)
        programs.wait_until(lambda: not self.frozen, END_S, f"{self.path.name} thawed")

    def kill(self) -> None:
        """End every process of the group and below it, frozen ones too, and see them gone."""
        with contextlib.suppress(FileNotFoundError):
            self._set("cgroup.kill", 1)
        programs.wait_until(lambda: not self.populated, END_S, f"{self.path.name} ended")

    def remove(self) -> None:
        """End all and take the group and those below it away."""
        self.kill()
        for folder, folders, _ in os.walk(self.path, topdown=False):
            for name in folders:
                os.rmdir(os.path.join(folder, name))
        with contextlib.suppress(FileNotFoundError):
            self.path.rmdir()

    def _set(self, attribute: str, value: int) -> None:
        (self.path / attribute).write_text(str(value))

    def _event(self, name: str) -> bool:
        return dict(self._events()).get(name) == "1"

    def _events(self) -> Iterator[list[str]]:
        with contextlib.suppress(FileNotFoundError):
            for line in (self.path / "cgroup.events").read_text().splitlines():
                yield line.split()
