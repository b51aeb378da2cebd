# SPDX-License-Identifier: GPL-2.0-or-later
"""The QEMU process of a guest: found by its PID file, known by its ``-name``, ended by its pidfd."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import signal
from collections.abc import Sequence

from ganeti.errors import HypervisorError
from ganeti.node.hypervisors.kvm.places import GuestFiles
from ganeti.node.machine import Machine
from ganeti.utils import files

TERM_S = 30.0
KILL_S = 5.0


def argument(command_line: Sequence[str], option: str) -> str | None:
    """The word after an option."""
    for word, following in itertools.pairwise(command_line):
        if word == option:
            return following
    return None


def find(guest: GuestFiles, machine: Machine) -> int | None:
    """The PID of the running guest; another process that has the number now does not count."""
    try:
        pid = int(files.read_text(guest.pid))
    except (FileNotFoundError, ValueError):
        return None
    return pid if argument(machine.command_line(pid), "-name") == guest.name else None


def end(guest: GuestFiles, machine: Machine, *, term_s: float = TERM_S) -> None:
    """Terminate the guest, and kill it if it does not go; raises HypervisorError if it stays."""
    pid = find(guest, machine)
    if pid is None:
        return
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        # Only now is it certain that the number is not somebody else's by the time of the signal.
        if find(guest, machine) == pid:
            _end(pidfd, guest.name, pid, term_s)
    finally:
        os.close(pidfd)


def _end(pidfd: int, name: str, pid: int, term_s: float) -> None:
    for number, patience_s in ((signal.SIGTERM, term_s), (signal.SIGKILL, KILL_S)):
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, number)
        if _has_ended(pidfd, patience_s):
            return
    raise HypervisorError(f"process {pid} of instance {name} cannot be killed; its disk may hang")


def _has_ended(pidfd: int, timeout_s: float) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))
