# SPDX-License-Identifier: GPL-2.0-or-later
"""Things to do later: one thread sleeps until the next of them is due.

The heap has one lock, under which nothing else is done. Callbacks run on the alarm thread, so they
must be quick; what takes time they hand to a worker.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger(__name__)


class Alarm:
    """Something that will be done, unless it is cancelled before."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class Alarms(Protocol):
    """What users of alarms need; tests give one with a hand-driven clock."""

    def after(self, delay_s: float, callback: Callable[[], None]) -> Alarm: ...


class AlarmClock:
    """The alarms of a daemon; the thread runs from the constructor to `close`."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Alarm]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="Alarms", daemon=True)
        self._thread.start()

    def after(self, delay_s: float, callback: Callable[[], None]) -> Alarm:
        alarm = Alarm(callback)
        with self._changed:
            heapq.heappush(self._heap, (time.monotonic() + delay_s, next(self._numbers), alarm))
            if self._heap[0][2] is alarm:
                self._changed.notify()
        return alarm

    def close(self) -> None:
        """End the thread; alarms that are not due are forgotten."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while (alarm := self._next_due()) is not None:
            callback = alarm.callback
            if callback is not None:
                _ring(callback)

    def _next_due(self) -> Alarm | None:
        """Sleep until an alarm is due; None when closing."""
        with self._changed:
            while not self._closing:
                while self._heap and self._heap[0][2].callback is None:
                    heapq.heappop(self._heap)
                wait_s = self._heap[0][0] - time.monotonic() if self._heap else None
                if wait_s is not None and wait_s <= 0:
                    return heapq.heappop(self._heap)[2]
                self._changed.wait(wait_s)
        return None


def _ring(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:
        log.exception("an alarm failed")
