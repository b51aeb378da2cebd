# SPDX-License-Identifier: GPL-2.0-or-later
"""A clock that moves only when somebody sleeps or the test says so."""

from __future__ import annotations

from ganeti.utils.clock import Clock


class FakeClock(Clock):
    """Both times start where the test wants; `slept` lists the pauses that were asked for."""

    def __init__(self, now_s: float = 1_700_000_000.0) -> None:
        self._now_s = now_s
        self._monotonic_s = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self._now_s

    def monotonic(self) -> float:
        return self._monotonic_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.pass_time(seconds)

    def pass_time(self, seconds: float) -> None:
        self._now_s += seconds
        self._monotonic_s += seconds

    def set_date(self, now_s: float) -> None:
        """Somebody sets the clock of the host: the monotonic one does not notice."""
        self._now_s = now_s
