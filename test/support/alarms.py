# SPDX-License-Identifier: GPL-2.0-or-later
"""Alarms with a hand-driven clock."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ganeti.master.alarms import Alarm


class FakeAlarms:
    """Nothing rings until the test lets time pass."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._set: list[tuple[float, Alarm]] = []
        self._changed = threading.Condition()

    def after(self, delay_s: float, callback: Callable[[], None]) -> Alarm:
        alarm = Alarm(callback)
        with self._changed:
            self._set.append((self.now_s + delay_s, alarm))
            self._changed.notify_all()
        return alarm

    def wait_for(self, count: int, patience_s: float, below_s: float = float("inf")) -> None:
        """Wait, in real time, until so many alarms are set that ring in less than `below_s`."""

        def are_set() -> bool:
            return sum(seconds < below_s for seconds in self.pending_s) >= count

        with self._changed:
            assert self._changed.wait_for(are_set, patience_s)

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
