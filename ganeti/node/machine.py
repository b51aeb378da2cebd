# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel tells about this machine and its processes: ``/proc`` and ``/sys``.

Memory as the field counts it: free is what is free or holds only caches.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from ganeti.utils import files

_KIB_PER_MIB = 1024


class Memory(NamedTuple):
    """In MiB; `active` stands for what the node itself needs."""

    total: int
    free: int
    active: int


class Machine:
    """Reads below `root`, which is empty but in tests."""

    def __init__(self, root: str = "") -> None:
        self._proc, self._sys = f"{root}/proc", f"{root}/sys"

    @property
    def sysrq_trigger(self) -> str:
        return f"{self._proc}/sysrq-trigger"

    def boot_id(self) -> str:
        """Another one after every boot."""
        return files.read_text(f"{self._proc}/sys/kernel/random/boot_id").strip()

    def memory(self) -> Memory:
        kib: dict[str, int] = {}
        for line in files.read_lines(f"{self._proc}/meminfo"):
            name, _, rest = line.partition(":")
            kib[name] = int(rest.split()[0])
        free = kib["MemFree"] + kib["Buffers"] + kib["Cached"]
        return Memory(*(round(v / _KIB_PER_MIB) for v in (kib["MemTotal"], free, kib["Active"])))

    def cpus(self) -> int:
        lines = files.read_lines(f"{self._proc}/stat")
        return sum(line.startswith("cpu") and line[3].isdigit() for line in lines)

    def node_info(self) -> dict[str, int]:
        """The part of a hypervisor's node information that Linux alone tells."""
        memory, cpus = self.memory(), self.cpus()
        return {
            "memory_total": memory.total,
            "memory_free": memory.free,
            "memory_dom0": memory.active,
            "cpu_total": cpus,
            "cpu_dom0": cpus,
            "cpu_nodes": 1,
            "cpu_sockets": 1,
        }

    def missing_bridges(self, names: list[str]) -> list[str]:
        """Those of the names that are no bridge here."""
        return [n for n in names if not os.path.isdir(f"{self._sys}/class/net/{n}/bridge")]

    def setup_problems(self) -> list[str]:
        """What every node must have, for `gnt-cluster verify`."""
        directories = (f"{self._sys}/block", f"{self._sys}/class/net", f"{self._proc}/sys")
        problems = [f"{path} is not a directory" for path in directories if not os.path.isdir(path)]
        if not os.path.isfile(self.sysrq_trigger):
            problems.append(f"{self.sysrq_trigger} is not a file")
        return problems

    def command_line(self, pid: int) -> list[str]:
        """The arguments a process was started with, whatever bytes; empty if there is no such process."""
        try:
            with open(f"{self._proc}/{pid}/cmdline", "rb") as file:
                return os.fsdecode(file.read()).split("\0")[:-1]
        except (FileNotFoundError, ProcessLookupError):
            return []

    def threads(self, pid: int) -> list[int]:
        return [int(name) for name in os.listdir(f"{self._proc}/{pid}/task")]

    def cpu_seconds(self, pid: int) -> float:
        """The processor time of a process; 0 if it is gone."""
        try:
            with open(f"{self._proc}/{pid}/stat", "rb") as file:
                ticks = file.read().rpartition(b")")[2].split()[11:13]
        except (FileNotFoundError, ProcessLookupError):
            return 0.0
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def users_with_processes(self) -> set[int]:
        """The UIDs that at least one process runs under."""
        found = set()
        for name in os.listdir(self._proc):
            if name.isdigit():
                try:
                    found.add(os.stat(f"{self._proc}/{name}").st_uid)
                except FileNotFoundError:
                    continue
        return found
