# SPDX-License-Identifier: GPL-2.0-or-later
"""Users of the pool that guests with ``security_model=pool`` run as, each under its own.

A user is taken while a process runs under it, or while its file in ``/run/ganeti/uid-pool`` is locked,
which bridges the time until QEMU runs. So nothing is lost when a daemon or a guest dies. The files stay:
to remove one that somebody is about to lock would let two have it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Iterable, Iterator

from ganeti.errors import HypervisorError, LockError
from ganeti.node.machine import Machine
from ganeti.paths import Paths
from ganeti.ssconf import Ssconf
from ganeti.utils.filelock import FileLock


def expand(lines: Iterable[str]) -> list[int]:
    """The UIDs of ``uid_pool``: a number or a range a line."""
    found: list[int] = []
    for line in lines:
        first, _, last = line.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def runas(uid: int) -> str:
    """The user as QEMU wants it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"{uid}:{uid}"


class UidPool:
    """The users that the cluster has set aside for guests."""

    def __init__(self, paths: Paths, machine: Machine) -> None:
        self._directory, self._machine = paths.uid_pool_dir, machine
        self._ssconf = Ssconf(paths)

    @contextlib.contextmanager
    def one(self) -> Iterator[int]:
        """A free user; it must run a process before the block is left."""
        busy = self._machine.users_with_processes()
        os.makedirs(self._directory, 0o750, exist_ok=True)
        for uid in expand(self._ssconf.lines("uid_pool")):
            if uid in busy:
                continue
            with FileLock(f"{self._directory}/{uid}") as lock:
                try:
                    lock.acquire(timeout_s=0)
                except LockError:
                    continue
                yield uid
                return
        raise HypervisorError(
            "no user of the pool is free; enlarge it with 'gnt-cluster modify --uid-pool'"
        )
