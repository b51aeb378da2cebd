# SPDX-License-Identifier: GPL-2.0-or-later
"""What else goes wrong while the master works and is killed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from test.lab import faults
from test.lab.hosts import Host
from test.lab.lab import Lab

Fault = Callable[[Lab, Host], None]


@dataclass(frozen=True)
class Weather:
    """A fault of the master's host, or of a candidate's, and its end."""

    begin: Fault
    end: Fault
    of_master: bool = False
    before_start: bool = False
    """It must end before the master daemon can be started again."""


WEATHER = {
    "candidate off": Weather(faults.kill, faults.boot),
    "candidate frozen": Weather(faults.freeze, faults.thaw),
    "candidate cut off": Weather(faults.cut, faults.heal),
    "candidate's disk full": Weather(faults.fill, faults.unfill),
    "master's disk full": Weather(faults.fill, faults.unfill, of_master=True, before_start=True),
}
