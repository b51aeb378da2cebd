# SPDX-License-Identifier: GPL-2.0-or-later
"""Namespaces for tests of scripts that change addresses and routes: nothing else sees them.

Network and mounts are of their own, so that /sys shows the interfaces that are there.

A namespace lives as long as a process sleeps in it, so none outlives the test by much.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping

import pytest

from ganeti.utils.process import Result, Runner

LIFE_S = 60
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root makes network namespaces")


class Namespace:
    """Commands run inside it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._runner = Runner()

    def try_run(self, *argv: str, env: Mapping[str, str] | None = None) -> Result:
        """`env` is the whole environment of the command, whatever its outcome."""
        inside = ["nsenter", "-t", str(self.pid), "-n", "-m", "--", *argv]
        return self._runner.run(
            inside,
            timeout_s=20,
            env={"PATH": PATH} if env is None else env,
            reset_env=True,
        )

    def run(self, *argv: str) -> str:
        result = self.try_run(*argv)
        assert not result.failed, result.error_text()
        return result.stdout


@contextlib.contextmanager
def namespaces(count: int) -> Iterator[list[Namespace]]:
    """Fresh namespaces, with the loopback up."""
    runner = Runner()
    sleeper = ["unshare", "-n", "-m", "sleep", str(LIFE_S)]
    pids = [runner.start_detached(sleeper) for _ in range(count)]
    try:
        found = [_ready(pid) for pid in pids]
        for namespace in found:
            namespace.run("mount", "-t", "sysfs", "sysfs", "/sys")
            namespace.run("ip", "link", "set", "lo", "up")
        yield found
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)


def _ready(pid: int) -> Namespace:
    """Once it sleeps, the process has left the namespaces of this one."""
    for _ in range(100_000):
        with open(f"/proc/{pid}/cmdline", encoding="ascii") as file:
            if file.read().startswith("sleep"):
                return Namespace(pid)
    raise AssertionError("unshare does not make a namespace")
