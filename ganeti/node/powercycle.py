# SPDX-License-Identifier: GPL-2.0-or-later
"""Resets this machine, even if its disk is dead.

A thread waits and writes to the SysRq trigger, which was opened before: nothing is read, forked or
executed any more. A kernel without the trigger is asked by reboot(2), which in a container ends that
container only.
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading
from typing import Protocol

from ganeti.node.machine import Machine
from ganeti.utils.clock import Clock

log = logging.getLogger(__name__)

DELAY_S = 5.0
_RESET = b"b"
_REBOOT_AUTOBOOT = 0x01234567


class Kernel(Protocol):
    """What of the C library is needed."""

    def reboot(self, what: int, /) -> int: ...


def real_kernel() -> Kernel:
    return ctypes.CDLL(None)


class Powercycle:
    """Prepared at start, when files can still be opened."""

    def __init__(self, machine: Machine, clock: Clock, kernel: Kernel) -> None:
        self._clock, self._kernel = clock, kernel
        self._trigger = _opened(machine.sysrq_trigger)

    def schedule(self) -> str:
        """Reset in some seconds; returns what to tell meanwhile."""
        threading.Thread(target=self._reset, name="Powercycle", daemon=True).start()
        return f"the machine is reset in {DELAY_S:.0f} seconds"

    def _reset(self) -> None:
        self._clock.sleep(DELAY_S)
        if self._trigger is not None:
            try:
                os.write(self._trigger, _RESET)
            except OSError as err:
                log.critical("the SysRq trigger refuses: %s", err)
        if self._kernel.reboot(_REBOOT_AUTOBOOT) != 0:
            log.critical("the kernel refuses to reset the machine")


def _opened(path: str) -> int | None:
    try:
        return os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return None
