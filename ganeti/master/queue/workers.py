# SPDX-License-Identifier: GPL-2.0-or-later
"""A pool of threads that does the best-ranked task first.

Threads are made when a task finds none idle, up to the size; they stay for the next task. The heap of
tasks has one lock, under which nothing is done but looking at it. A task that raises is a bug and is
logged; the pool goes on.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

STACK_BYTES = 512 * 1024

Task = Callable[[], None]


class Pool:
    """`size` is asked when a thread may be needed, so that a change takes effect at once."""

    def __init__(self, name: str, size: Callable[[], int]) -> None:
        self._name, self._size = name, size
        self._tasks: list[tuple[tuple[int, int], int, Task]] = []
        self._numbers = itertools.count()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closing = False
        self._changed = threading.Condition()

    def submit(self, rank: tuple[int, int], task: Task) -> None:
        """Do the task as soon as there is a thread; smaller ranks first."""
        with self._changed:
            if self._closing:
                return
            heapq.heappush(self._tasks, (rank, next(self._numbers), task))
            if self._idle >= len(self._tasks):
                self._changed.notify()
            elif len(self._threads) < self._size():
                self._threads.append(self._new_thread())

    def _new_thread(self) -> threading.Thread:
        name = f"{self._name}{len(self._threads) + 1}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        before = threading.stack_size(STACK_BYTES)
        try:
            thread.start()
        finally:
            threading.stack_size(before)
        return thread

    def close(self, timeout_s: float | None = None) -> None:
        """Forget what has not begun; wait for the rest, but no longer than `timeout_s` in all."""
        with self._changed:
            self._closing = True
            self._tasks.clear()
            self._changed.notify_all()
        end = None if timeout_s is None else time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(None if end is None else max(0.0, end - time.monotonic()))

    def _work(self) -> None:
        while (task := self._next()) is not None:
            try:
                task()
            except Exception:
                log.exception("a task of %s failed", threading.current_thread().name)

    def _next(self) -> Task | None:
        with self._changed:
            self._idle += 1
            while not self._tasks and not self._closing:
                self._changed.wait()
            self._idle -= 1
            return None if self._closing else heapq.heappop(self._tasks)[2]
