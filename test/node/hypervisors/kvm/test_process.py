# SPDX-License-Identifier: GPL-2.0-or-later
"""Finding and ending processes that play QEMU: their command line is what counts."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ganeti.node.hypervisors.kvm import process
from ganeti.node.hypervisors.kvm.places import GuestFiles
from ganeti.node.machine import Machine
from ganeti.paths import Paths
from ganeti.utils.process import Runner

SLEEPER = "import time; open({ready!r}, 'w').close(); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER


@pytest.fixture
def files(tmp_path: Path) -> GuestFiles:
    found = GuestFiles(Paths(str(tmp_path)), "web")
    found.ensure_directories()
    return found


@pytest.fixture
def guest(files: GuestFiles, tmp_path: Path) -> Iterator[Callable[[str, str], int]]:
    """Starts a process that runs some Python and has `-name` on its command line."""
    pids = []

    def start(code: str, name: str) -> int:
        ready = tmp_path / "ready"
        argv = [sys.executable, "-S", "-c", code.format(ready=str(ready)), "-name", name]
        pid = Runner().start_detached(argv)
        pids.append(pid)
        while not ready.exists():
            os.sched_yield()
        Path(files.pid).write_text(f"{pid}\n")
        return pid

    yield start
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_a_guest_is_found(files: GuestFiles, guest: Callable[[str, str], int]) -> None:
    pid = guest(SLEEPER, "web")
    assert process.find(files, Machine()) == pid


def test_another_process_with_its_number_is_not_it(
    files: GuestFiles, guest: Callable[[str, str], int]
) -> None:
    guest(SLEEPER, "webmail")
    assert process.find(files, Machine()) is None


@pytest.mark.parametrize("content", ["", "x", "99999999"])
def test_a_pid_file_without_process(files: GuestFiles, content: str) -> None:
    Path(files.pid).write_text(content)
    assert process.find(files, Machine()) is None


def test_no_pid_file(files: GuestFiles) -> None:
    assert process.find(files, Machine()) is None
    process.end(files, Machine())


@pytest.mark.parametrize("code", [SLEEPER, STUBBORN])
def test_a_guest_is_ended(files: GuestFiles, guest: Callable[[str, str], int], code: str) -> None:
    """Politely, and if that does not help, at once."""
    guest(code, "web")
    process.end(files, Machine(), term_s=0.2 if code == STUBBORN else 30)
    assert process.find(files, Machine()) is None


def test_arguments_are_found() -> None:
    words = ["qemu", "-m", "64", "-smp", "2,cores=2"]
    assert process.argument(words, "-smp") == "2,cores=2"
    assert process.argument(words, "-name") is None
    assert process.argument([], "-name") is None
