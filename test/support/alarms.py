# SPDX-License-Identifier: GPL-2.0-or-later
"""Alarms with a hand-driven clock."""

from __future__ import annotations

from collections.abc import Callable

from ganeti.master.alarms import Alarm


class FakeAlarms:
    """Nothing rings until the test lets time pass."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._set: list[tuple[float, Alarm]] = []

    def after(self, delay_s: float, callback: Callable[[], None]) -> Alarm:
        alarm = Alarm(callback)
        self._set.append((self.now_s + delay_s, alarm))
        return alarm

    @property
    def pending_s(self) -> list[float]:
        """In how many seconds the alarms that count will ring."""
        return sorted(at - self.now_s for at, alarm in self._set if alarm.callback)

    def pass_time(self, seconds: float) -> None:
        """Let time pass; alarms ring in their order, also those that are set meanwhile."""
        end = self.now_s + seconds
        while due := sorted((e for e in self._set if e[0] <= end), key=lambda e: e[0]):
            self._set.remove(due[0])
            self.now_s, alarm = due[0]
            if alarm.callback:
                alarm.callback()
        self.now_s = end
