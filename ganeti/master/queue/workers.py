# SPDX-License-Identifier: GPL-2.0-or-later
"""A pool of threads that does the best-ranked task first.

Threads are made when a task finds none idle, up to the size; they stay for the next task. Who waits for
a node or a disk is `outside` and does not count meanwhile: a hundred requests to a dead node keep no
other one waiting. The heap of tasks has one lock, under which nothing is done but looking at it. A task
that raises is a bug and is logged; the pool goes on.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

MOST_OUTSIDE = 1000
"""So many threads that wait are replaced by others; a thread costs some 50 kB."""

_current = threading.local()

Task = Callable[[], None]


class Pool:
    """`size` is asked when a thread may be needed, so that a change takes effect at once.

    `start` starts a thread. If the system has none left, tasks wait for those that are there.
    """

    def __init__(
        self,
        name: str,
        size: Callable[[], int],
        *,
        start: Callable[[threading.Thread], None] = threading.Thread.start,
    ) -> None:
        self._name, self._size, self._start = name, size, start
        self._tasks: list[tuple[tuple[int, int], int, Task]] = []
        self._numbers = itertools.count()
        self._threads: set[threading.Thread] = set()
        self._names = itertools.count(1)
        self._idle = self._outside = 0
        self._closing = False
        self._changed = threading.Condition()

    def submit(self, rank: tuple[int, int], task: Task) -> None:
        """Do the task as soon as there is a thread; smaller ranks first."""
        with self._changed:
            if self._closing:
                return
            heapq.heappush(self._tasks, (rank, next(self._numbers), task))
            self._find_thread()

    def _find_thread(self) -> None:
        """For the last of the tasks."""
        if self._idle >= len(self._tasks):
            self._changed.notify()
        elif self._inside() < self._size():
            self._add_thread()

    def _inside(self) -> int:
        return len(self._threads) - min(self._outside, MOST_OUTSIDE)

    def _add_thread(self) -> None:
        name = f"{self._name}{next(self._names)}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        try:
            self._start(thread)
        except RuntimeError as err:
            if not self._threads:
                raise
            log.warning("%s, beside the %d of %s", err, len(self._threads), self._name)
        else:
            self._threads.add(thread)

    def close(self, timeout_s: float | None = None) -> None:
        """Forget what has not begun; wait for the rest, but no longer than `timeout_s` in all."""
        with self._changed:
            self._closing = True
            self._tasks.clear()
            self._changed.notify_all()
            threads = list(self._threads)
        end = None if timeout_s is None else time.monotonic() + timeout_s
        for thread in threads:
            thread.join(None if end is None else max(0.0, end - time.monotonic()))

    @contextmanager
    def _without_me(self) -> Iterator[None]:
        with self._changed:
            self._outside += 1
            if self._tasks:
                self._find_thread()
        try:
            yield
        finally:
            with self._changed:
                self._outside -= 1

    def _work(self) -> None:
        _current.pool = self
        while (task := self._next()) is not None:
            try:
                task()
            except Exception:
                log.exception("a task of %s failed", threading.current_thread().name)

    def _next(self) -> Task | None:
        with self._changed:
            if self._inside() > self._size():
                self._threads.remove(threading.current_thread())
                return None
            self._idle += 1
            while not self._tasks and not self._closing:
                self._changed.wait()
            self._idle -= 1
            return None if self._closing else heapq.heappop(self._tasks)[2]


@contextmanager
def outside() -> Iterator[None]:
    """Around a wait for a node or a disk: the pool of this thread, if any, may use another one."""
    pool: Pool | None = getattr(_current, "pool", None)
    if pool is None:
        yield
    else:
        with pool._without_me():
            yield
