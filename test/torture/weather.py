# SPDX-License-Identifier: GPL-2.0-or-later
"""What else goes wrong while the master works and is killed."""

from __future__ import annotations

import contextlib
import fcntl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from test.lab import faults
from test.lab.hosts import Host
from test.lab.lab import Lab

Climate = Callable[[Lab, Host], contextlib.AbstractContextManager[None]]
_FIFREEZE, _FITHAW = 0xC0045877, 0xC0045878
STALL_S, FLOW_S = 0.4, 0.1
"""A slow thing stands still and goes on again, so long each; others wait five seconds for a candidate."""


def _fault(begin: str, *end: str) -> Climate:
    @contextlib.contextmanager
    def climate(lab: Lab, host: Host) -> Iterator[None]:
        faults.inject(lab, host.name, begin, [])
        try:
            yield
        finally:
            for name in end:
                faults.inject(lab, host.name, name, [])

    return climate


def _disk_stalls(host: Host) -> None:
    host.data_disk(lambda root: _ioctl(root, _FIFREEZE))


def _disk_flows(host: Host) -> None:
    host.data_disk(lambda root: _ioctl(root, _FITHAW))


def _ioctl(descriptor: int, request: int) -> None:
    fcntl.ioctl(descriptor, request, 0)


@contextlib.contextmanager
def _disk_hangs(_lab: Lab, host: Host) -> Iterator[None]:
    """Whoever writes waits."""
    _disk_stalls(host)
    try:
        yield
    finally:
        _disk_flows(host)


def _in_turn(stall: Callable[[Host], None], flow: Callable[[Host], None]) -> Climate:
    """Standing still and going on, time and again."""

    @contextlib.contextmanager
    def climate(_lab: Lab, host: Host) -> Iterator[None]:
        is_over = threading.Event()

        def alternate() -> None:
            while not is_over.is_set():
                stall(host)
                is_over.wait(STALL_S)
                flow(host)
                is_over.wait(FLOW_S)

        thread = threading.Thread(target=alternate)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    return climate


def _stands_still(host: Host) -> None:
    host.place.cgroup.freeze()


def _goes_on(host: Host) -> None:
    host.place.cgroup.thaw()


@dataclass(frozen=True)
class Weather:
    """A fault of the master's host, or of a candidate's, as long as it lasts."""

    climate: Climate
    of_master: bool = False
    before_start: bool = False
    """It must end before the master daemon can be started again."""
    leaves_behind: bool = False
    """The candidate cannot keep what it is sent, and must be named."""
    ends_guests: bool = False


WEATHER = {
    "candidate off": Weather(_fault("kill", "boot"), leaves_behind=True, ends_guests=True),
    "candidate frozen": Weather(_fault("freeze", "thaw"), leaves_behind=True),
    "candidate cut off": Weather(_fault("cut", "heal"), leaves_behind=True),
    "candidate slow": Weather(_in_turn(_stands_still, _goes_on)),
    "candidate's disk full": Weather(_fault("fill", "unfill"), leaves_behind=True),
    "candidate's disk slow": Weather(_in_turn(_disk_stalls, _disk_flows)),
    "candidate's disk hangs": Weather(_disk_hangs, leaves_behind=True),
    "candidate's disk read-only": Weather(
        _fault("readonly", "kill", "boot"), leaves_behind=True, ends_guests=True
    ),
    "candidate's disk dead": Weather(
        _fault("dead-disk", "kill", "boot"), leaves_behind=True, ends_guests=True
    ),
    "master's disk full": Weather(_fault("fill", "unfill"), of_master=True, before_start=True),
    "master's disk slow": Weather(_in_turn(_disk_stalls, _disk_flows), of_master=True),
    "master's disk read-only": Weather(
        _fault("readonly", "kill", "boot"), of_master=True, before_start=True, ends_guests=True
    ),
}
