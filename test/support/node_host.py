# SPDX-License-Identifier: GPL-2.0-or-later
"""A host for handlers of calls: its files lie below one directory, its programs are a fake runner's."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from ganeti.node.fence import Fence
from ganeti.node.host import Host
from ganeti.node.hypervisors.registry import Hypervisors
from ganeti.node.machine import Machine
from ganeti.paths import Paths
from ganeti.ssconf import Ssconf
from ganeti.utils.files import Disk
from test.support.clock import FakeClock
from test.support.runner import FakeRunner

MEMINFO = """MemTotal:        8388608 kB
MemFree:         1048576 kB
MemAvailable:    4194304 kB
Buffers:          524288 kB
Cached:           524288 kB
Active:          2097152 kB
"""
STAT = """cpu  1 2 3 4
cpu0 1 2 3 4
cpu1 1 2 3 4
intr 5
"""
BOOT_ID = "b00710"


class FakeKernel:
    """Says what it was asked to do, and that it is done."""

    def __init__(self) -> None:
        self.reboots: list[int] = []
        self.was_asked = threading.Event()

    def reboot(self, what: int, /) -> int:
        self.reboots.append(what)
        self.was_asked.set()
        return 0


@dataclass
class NodeHost:
    """`host` is what handlers get; `stops` and `ssconf_changes` count what they asked the daemon for."""

    root: Path
    paths: Paths = field(init=False)
    runner: FakeRunner = field(default_factory=FakeRunner)
    clock: FakeClock = field(default_factory=FakeClock)
    kernel: FakeKernel = field(default_factory=FakeKernel)
    stops: int = 0
    ssconf_changes: int = 0

    def __post_init__(self) -> None:
        self.paths = Paths(str(self.root))
        for path, text in (
            ("proc/meminfo", MEMINFO),
            ("proc/stat", STAT),
            ("proc/sys/kernel/random/boot_id", f"{BOOT_ID}\n"),
        ):
            self.write(path, text)
        for directory in ("sys/block", "sys/class/net"):
            os.makedirs(self.root / directory)
        for path in (self.paths.data_dir, self.paths.lock_dir, self.paths.run_dir):
            os.makedirs(path)
        self.host = Host(
            paths=self.paths,
            runner=self.runner,
            disk=Disk(),
            clock=self.clock,
            ssconf=Ssconf(self.paths),
            fence=Fence(self.paths.master_epoch, Disk()),
            machine=Machine(str(self.root)),
            kernel=self.kernel,
            hypervisors=Hypervisors(self.paths, self.runner, self.clock, Machine(str(self.root))),
            ssconf_changed=self._ssconf_changed,
            stop=self._stop,
        )

    def _ssconf_changed(self) -> None:
        self.ssconf_changes += 1

    def _stop(self) -> None:
        self.stops += 1

    def write(self, path: str, text: str = "", *, mode: int = 0o644) -> Path:
        """A file below the root; an absolute path is taken as it is."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def script(self, path: str) -> str:
        """An executable that the fake runner answers for."""
        file = str(self.write(path, "#!/bin/false\n", mode=0o755))
        self.runner.on(file)
        return file

    def ssconf(self, **values: str) -> None:
        self.host.ssconf.write(self.host.disk, values)

    def allow_files(self, *directories: str) -> None:
        """What the administrator lists in ``file-storage-paths``, one directory a line."""
        lines = "".join(f"{directory}\n" for directory in directories)
        self.write(self.paths.file_storage_paths_file, f"# allowed\n\n{lines}")
