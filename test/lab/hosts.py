# SPDX-License-Identifier: GPL-2.0-or-later
"""A host from outside: its power, its faults, and commands in it.

The first process of the host is found in the host's control group, each time anew.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

from ganeti.utils import process
from test.lab import disks, first_process, launch, network, programs
from test.lab.places import LabPlace
from test.lab.programs import LabError

BOOT_S = 240.0
NAMESPACES = ["--mount", "--net", "--uts", "--ipc", "--pid"]
# A host shares the machine's kernel: it may neither set its clock nor load its modules.
LIMITS = [
    "setpriv",
    "--bounding-set",
    "-sys_time,-sys_module",
    "--inh-caps",
    "-sys_time,-sys_module",
]
# Of what a host says, as much as helps to see what went wrong.
TAIL_LINES = 20
KEPT_VARIABLES = ("TERM", "LANG", "LC_ALL")


class State(StrEnum):
    """How a host is."""

    UP = "up"
    BOOTING = "booting"
    FROZEN = "frozen"
    OFF = "off"


class Host:
    """One host of a lab, running or not."""

    def __init__(self, lab: LabPlace, name: str) -> None:
        self.name = name
        self.address = network.host_address(name)
        self.place = lab.host(name)
        self._lab = lab

    @property
    def state(self) -> State:
        if not self.place.cgroup.populated:
            return State.OFF
        if self.place.cgroup.frozen:
            return State.FROZEN
        return State.UP if self.place.up.exists() else State.BOOTING

    def power_on(self) -> None:
        """Start the host; `wait_up` sees the end of its boot."""
        if self.state is not State.OFF:
            raise LabError(f"{self.name} is {self.state}, not off")
        if not self.place.directory.exists():
            self._make_disks()
        disks.wait_free(self.place.directory)
        self.place.up.unlink(missing_ok=True)
        self.place.cgroup.create()
        self.place.cgroup.thaw()  # a power cut leaves it frozen
        first = [programs.PYTHON, "-B", "-m", first_process.__name__]
        arguments = [str(self._lab.base), self._lab.name, self.name, self._lab.switch_network()]
        apart = ["unshare", *NAMESPACES, "--fork", "--kill-child"]
        launch.launch(self.place.cgroup, self.place.console, [*apart, *LIMITS, *first, *arguments])

    def _make_disks(self) -> None:
        self.place.directory.mkdir(parents=True)
        disks.copy_image(self._lab.system_image, self.place.system_image)
        disks.make_image(self.place.data_image, disks.DATA_SIZE)

    def wait_up(self) -> None:
        programs.wait_until(self._up_or_ended, BOOT_S, f"{self.name} booted")
        if self.state is State.OFF:
            raise LabError(f"{self.name} did not boot:\n{self.console_tail()}")

    def power_cut(self) -> None:
        """End the host as a power cut does: what was not fsynced is gone, and no process sees it coming."""
        if self.state is State.OFF:
            raise LabError(f"{self.name} is off already")
        self.place.cgroup.freeze()
        self._pull_cables()
        with contextlib.suppress(LabError):  # no first process: then there are no disks to cut
            for descriptor in (first_process.SYSTEM_FD, first_process.DATA_FD):
                self._on_disk(disks.shut_down, descriptor)
        self.place.cgroup.kill()
        disks.wait_free(self.place.directory)

    def _pull_cables(self) -> None:
        """The kernel ends a network some time after its last process, and answers for it until then."""
        in_switch = f"--net={self._lab.switch_network()}"
        for port in (self.name, network.replication_port(self.name)):
            programs.run(["nsenter", in_switch, "ip", "link", "delete", port], good=(0, 1))

    def data_disk(self, action: Callable[[int], None]) -> None:
        """Do something to the disk with /var/lib/ganeti and /srv."""
        self._on_disk(action, first_process.DATA_FD)

    @property
    def data_is_filled(self) -> bool:
        found: list[bool] = []
        with contextlib.suppress(LabError):
            self.data_disk(lambda root: found.append(disks.is_filled(root)))
        return found == [True]

    def command(self, argv: Sequence[str]) -> list[str]:
        """What runs `argv` in the host, from outside; `join` first."""
        if self.state is State.FROZEN:
            raise LabError(f"{self.name} is frozen: thaw it first")
        enter = [
            "nsenter",
            "--target",
            str(self.first_pid()),
            *NAMESPACES,
            "--root",
            "--wdns=/root",
        ]
        return [*enter, *LIMITS, *argv]

    def environment(self) -> dict[str, str]:
        """A login's environment; nothing of the caller's but the terminal and the language."""
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        return {
            "PATH": programs.PATH,
            "HOME": "/root",
            "USER": "root",
            "SHELL": "/bin/bash",
            **kept,
        }

    def become(self, argv: Sequence[str]) -> None:
        """Turn the calling process into `argv` in the host; a kill of the host ends it too."""
        command = self.command(argv)
        self.place.cgroup.join()
        os.execvpe(command[0], command, self.environment())

    def outcome(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout_s: float = 60
    ) -> process.Result:
        """Run a command in the host through the lab's own tool, and see how it ended."""
        return programs.RUNNER.run(self.tool_command(argv), input=stdin, timeout_s=timeout_s)

    def tool_command(self, argv: Sequence[str]) -> list[str]:
        """The lab's tool as one would type it to run `argv` in the host."""
        tool = str(programs.TREE / "tools/ganeti-lab")
        which = ["--name", self._lab.name, "--dir", str(self._lab.base)]
        return [tool, "exec", *which, self.name, "--", *argv]

    def run(self, argv: Sequence[str], *, stdin: str | None = None, timeout_s: float = 60) -> str:
        """Run a command that must succeed, and return what it printed."""
        done = self.outcome(argv, stdin=stdin, timeout_s=timeout_s)
        if done.failed:
            raise LabError(f"{self.name}: {done._replace(argv=tuple(argv)).error_text()}")
        return done.stdout

    def first_pid(self) -> int:
        """The process that is number 1 in the host."""
        for pid in self.place.cgroup.processes():
            numbers = list(_numbers(pid))
            if len(numbers) > 1 and numbers[-1] == 1:
                return pid
        raise LabError(f"{self.name} is {self.state}; start it by the fault `boot`")

    def console_tail(self) -> str:
        lines = self.place.console.read_text(errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    def _up_or_ended(self) -> bool:
        return self.place.up.exists() or not self.place.cgroup.populated

    def _on_disk(self, action: Callable[[int], None], descriptor: int) -> None:
        path = Path(f"/proc/{self.first_pid()}/fd/{descriptor}")
        root = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            action(root)
        finally:
            os.close(root)


def _numbers(pid: int) -> Iterator[int]:
    """The numbers of a process, from this namespace inwards."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("NSpid:"):
                yield from map(int, line.split()[1:])
