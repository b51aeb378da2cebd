# SPDX-License-Identifier: GPL-2.0-or-later
"""WaitForJobChange as a subscription: a watcher costs a record and an alarm, no thread.

Each watcher is answered once: with what changed, or when its time is over. The table of watchers has
one lock, under which nobody is called.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import simplejson

from ganeti import errors
from ganeti.master.alarms import Alarm, Alarms
from ganeti.master.queue import job as jobs
from ganeti.master.queue.job import Job, LogEntry, Status

NO_CHANGE = "nochange"
LONGEST_S = 89.0
"""A client that has gone away is noticed when its time is over; clients ask for no more than this."""

WAITS_IN = frozenset({Status.QUEUED, Status.WAITING, Status.RUNNING})

Answer = tuple[list[Any], list[LogEntry]] | str
"""``(field values, new log entries)``, or ``NO_CHANGE``."""

Row = Callable[[Job, Sequence[str]], list[Any]]
"""The values of job query fields."""


@dataclass(frozen=True)
class Known:
    """What the client has seen: field values and the last log serial."""

    fields: Sequence[str]
    info: list[Any] | None = None
    serial: int | None = None


def change(job: Job, known: Known, row: Row) -> Answer | None:
    """What to tell a client that knows `known`; None if it should wait."""
    info = simplejson.loads(jobs.as_json(row(job, known.fields)))
    seen = -1 if known.serial is None else known.serial
    entries = [entry for op in job.ops for entry in op.log if entry[0] > seen]
    if job.status in WAITS_IN and not entries and info == known.info:
        return None
    return info, entries


@dataclass(eq=False)
class _Watcher:
    known: Known
    answer: Callable[[Answer], None]
    alarm: Alarm | None = field(default=None)


class Watchers:
    """Who waits for a change of which job; `look` gives a job as it is, or raises."""

    def __init__(self, alarms: Alarms, row: Row, look: Callable[[int], Job]) -> None:
        self._alarms, self._row, self._look = alarms, row, look
        self._by_job: dict[int, set[_Watcher]] = {}
        self._lock = threading.Lock()

    def add(
        self, job_id: int, known: Known, timeout_s: float, answer: Callable[[Answer], None]
    ) -> None:
        """Call `answer` once, on any thread, when the job differs from what is known."""
        if timeout_s < 0:
            raise errors.OpPrereqError("a timeout cannot be negative", errors.Code.WRONG_INPUT)
        news = change(self._look(job_id), known, self._row)
        if news is not None:
            answer(news)
            return
        watcher = _Watcher(known, answer)
        with self._lock:
            self._by_job.setdefault(job_id, set()).add(watcher)
        watcher.alarm = self._alarms.after(
            min(timeout_s, LONGEST_S), lambda: self._finish(job_id, watcher, NO_CHANGE)
        )
        self._tell(job_id, watcher)

    def changed(self, job_id: int) -> None:
        """A job has changed; whoever waits for that gets its answer."""
        with self._lock:
            watchers = list(self._by_job.get(job_id, ()))
        for watcher in watchers:
            self._tell(job_id, watcher)

    def _tell(self, job_id: int, watcher: _Watcher) -> None:
        # Somebody may have removed the file: then the time will be over.
        with contextlib.suppress(errors.JobLost):
            news = change(self._look(job_id), watcher.known, self._row)
            if news is not None:
                self._finish(job_id, watcher, news)

    def _finish(self, job_id: int, watcher: _Watcher, news: Answer) -> None:
        with self._lock:
            waiting = self._by_job.get(job_id, set())
            if watcher not in waiting:
                return
            waiting.remove(watcher)
            if not waiting:
                del self._by_job[job_id]
        if watcher.alarm is not None:
            watcher.alarm.cancel()
        watcher.answer(news)
