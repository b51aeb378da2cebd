# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest from outside: where its QEMU runs, and what it has counted.

Nothing here asks the cluster: processes are looked up in the hosts, the counter is read from the guest's disk.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from test.lab import programs
from test.lab.hosts import Host
from test.lab.lab import Lab
from test.lab.os import lab_guest
from test.lab.os.lab_guest import Counter

BOOT_S = 60.0


class Guest:
    """A guest with one disk of template sharedfile."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.name = name
        self._lab = lab

    def hosts(self) -> list[str]:
        """The hosts in which a QEMU runs this guest now."""
        return [host.name for host in self._lab.hosts if self.processes(host)]

    def processes(self, host: Host) -> list[int]:
        """Its QEMU processes in one host."""
        return [pid for pid in host.place.cgroup.processes() if self._is_process(pid)]

    def counter(self) -> Counter | None:
        """What it last wrote to its disk; None before its first number."""
        disks = [path for path in (self._lab.place.shared / self.name).glob("*") if path.is_file()]
        return lab_guest.read_counter(disks[0]) if disks else None

    def wait(
        self, true: Callable[[Counter], bool], what: str, timeout_s: float = BOOT_S
    ) -> Counter:
        """Wait until its counter is such, and return it."""
        seen: list[Counter] = []

        def look() -> bool:
            found = self.counter()
            if found is not None and true(found):
                seen.append(found)
            return bool(seen)

        programs.wait_until(look, timeout_s, f"{self.name} {what}")
        return seen[0]

    def wait_counting(self) -> Counter:
        """Wait until it has counted on from where it is now."""
        before = self.counter()
        return self.wait(lambda now: now.state == "running" and now != before, "counts")

    def _is_process(self, pid: int) -> bool:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            argv = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            if "qemu" in argv[0] and "-name" in argv:
                return argv[argv.index("-name") + 1].split(",")[0] == self.name
        return False
