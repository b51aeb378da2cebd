# SPDX-License-Identifier: GPL-2.0-or-later
"""Moves jobs from queued to final: who starts when, who waits for what, who runs.

One lock protects all entries, the lists of who waits and the lock table. Under it other parts are only
asked to do something later (the store, the pool, the alarms; they never call back from there). Each
event is handled in a `holding` block; at its end run slots are given out, queued jobs are looked at,
and, outside the lock, changes are told. All methods are called from within such a block, but for those
whose description begins with "From outside".

What is durable before what: a job before its submission is answered; state `running` before an opcode
changes anything (it checks what it needs while that is written); the end of an opcode before anybody
sees it, and before a job that depends on it goes on. A new job sets out at once: often it can run, and
then one write serves for both.
"""

from __future__ import annotations

import bisect
import itertools
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from random import random
from typing import Any

from ganeti import errors
from ganeti.master.alarms import Alarms
from ganeti.master.queue import attempts
from ganeti.master.queue import job as jobs
from ganeti.master.queue.carrier import Carrier, Submit
from ganeti.master.queue.entry import Entry, Interrupt, Outcome, Phase, by_rank
from ganeti.master.queue.execution import Executor
from ganeti.master.queue.job import Job, Stamp
from ganeti.master.queue.lockphase import LockPhase
from ganeti.master.queue.records import Records
from ganeti.master.queue.store import QueueStore
from ganeti.master.queue.waiting import WaitingRoom
from ganeti.master.queue.workers import Pool
from ganeti.opcodes.base import OpCode
from ganeti.rpc.runner import Deposed
from ganeti.utils.clock import Clock

log = logging.getLogger(__name__)

RETRY_WRITE_S = 1.0
REFUSED = errors.JobQueueError("the submission was answered with an error")
STEPPERS = 4
"""Threads beyond the run slots: for the lock phases of other jobs while all slots are taken."""


class Scheduler:
    """Owns the jobs in memory and the threads that carry them out."""

    def __init__(
        self,
        store: QueueStore,
        executor: Executor,
        alarms: Alarms,
        clock: Clock,
        *,
        max_running: Callable[[], int],
        changed: Callable[[int], None],
        submit: Submit,
    ) -> None:
        self._records, self._alarms, self._clock = Records(store), alarms, clock
        self._max_running, self._changed = max_running, changed
        self._pool = Pool("JobWorker", lambda: max_running() + STEPPERS)
        self.lock = threading.Lock()
        self._settled = threading.Condition(self.lock)
        self._carrier = Carrier(self, executor, submit)
        self._arrivals = itertools.count()
        self.entries: dict[int, Entry] = {}
        self.room = WaitingRoom(self, self.entries)
        self.locks = LockPhase(self)
        self._ready: list[Entry] = []
        self._active: set[int] = set()
        self._busy: set[int] = set()
        self._running: set[int] = set()
        self._stopping = False

    @contextmanager
    def holding(self) -> Iterator[None]:
        """From outside: handle one event under the lock, then what follows from it."""
        with self.lock:
            yield
            self._fill_slots()
            if self.room.has_to_look:
                self.room.look(self._has_free_slot)
            news = self._records.take_news()
            if not self._active:
                self._settled.notify_all()
        for job_id in news:
            self._changed(job_id)

    def _has_free_slot(self) -> bool:
        return not self._stopping and len(self._busy) < self._max_running()

    def now(self) -> Stamp:
        return jobs.stamp(self._clock.now())

    def arrival(self) -> int:
        """The place of who comes now, behind all others."""
        return next(self._arrivals)

    # The end of it all.

    def stop(self) -> None:
        """From outside: start nothing more; what waits for locks goes back to queued, what runs may end."""
        with self.holding():
            self._stop()

    def _stop(self) -> None:
        self._stopping = True
        for entry in self.entries.values():
            self._interrupt(entry, Interrupt.STOP)

    def wait_until_settled(self, timeout_s: float | None) -> bool:
        """From outside: wait until nothing runs any more; False if that takes longer."""
        with self.lock:
            return self._settled.wait_for(lambda: not self._active, timeout_s)

    def close(self, timeout_s: float | None) -> None:
        """From outside: end the threads."""
        self._pool.close(timeout_s)

    def depose(self, error: Deposed) -> None:
        """From outside: another master has taken over. All jobs end with that reason, nothing is
        acknowledged any more."""
        with self.holding():
            if self._records.deposed is not None:
                return
            self._stop()
            self._records.deposed = error
            reason, now = errors.JobQueueError(str(error)), self.now()
            for entry in self.entries.values():
                if entry.shown is not None and not entry.shown.is_final:
                    self._records.show_end(entry, jobs.broken_off(entry.shown, reason, now))

    # Queued jobs.

    def take_up(self, entry: Entry) -> None:
        """The job's turn has come."""
        entry.head = jobs.waiting(entry.head, entry.head.current, self.now())
        entry.failed_attempts = 0
        self._active.add(entry.id)
        self._records.show(entry)
        self._step(entry)

    def cancel_entry(self, entry: Entry) -> None:
        """End a job that does not run; one in the lock phase has to give back its locks before."""
        match entry.phase:
            case Phase.PENDING | Phase.PARKED:
                self.room.leave(entry)
                self.end(entry, jobs.canceled(entry.head, self.now()))
            case Phase.LOCKING | Phase.READY:
                entry.head = jobs.canceling(entry.head)
                self._records.show(entry)
                self._interrupt(entry, Interrupt.CANCEL)
            case Phase.ENDING:
                entry.head = jobs.canceling(entry.head)
                entry.interrupt = Interrupt.CANCEL

    def note(self, entry: Entry) -> None:
        """Write a change that may be lost; a job that is new must not be."""
        if entry.is_new:
            self._records.write(entry, partial(self._is_durable, entry, entry.head))
        else:
            self._records.note(entry)

    def _is_durable(self, entry: Entry, job: Job, error: Exception | None) -> None:
        """A job was written that has not ended; or that failed, and then a new one is refused."""
        with self.holding():
            if error is None:
                self._records.show_durable(entry, job)
            elif entry.shown is None:
                entry.is_refused = True
                self.cancel_entry(entry)

    def reprioritise(self, entry: Entry, changed: Job, outcome: Outcome) -> None:
        """Give a job another priority, wherever it waits."""
        self.room.change(entry, changed)
        if entry.phase is Phase.READY:
            self._ready.remove(entry)
            bisect.insort(self._ready, entry, key=by_rank)
        self.locks.change_priority(entry)
        self._records.show(entry)
        entry.outcomes.append(outcome)
        self.confirm(entry)

    def confirm(self, entry: Entry) -> None:
        """Make durable what a client is going to be told."""
        self._records.write(entry, partial(self._is_durable, entry, entry.head))

    # The lock phase.

    def _step(self, entry: Entry) -> None:
        """Let a worker take the job's next steps."""
        entry.phase, entry.is_waiting = Phase.LOCKING, False
        if entry.alarm is not None:
            entry.alarm.cancel()
            entry.alarm = None
        self._busy.add(entry.id)
        self._pool.submit(entry.rank, partial(self._carrier.step, entry))

    def begin_attempt(self, entry: Entry) -> None:
        """Set the time within which the job has to get its locks."""
        index = entry.head.current
        attempt = attempts.attempt(entry.failed_attempts, entry.head.ops[index].priority, random)
        if attempt.is_new_list:
            entry.failed_attempts = 0
            entry.head = jobs.more_urgent(entry.head, index)
            self.note(entry)
        limit = attempt.timeout_s
        entry.deadline = None if limit is None else self._clock.monotonic() + limit

    def wait_for_locks(self, entry: Entry) -> None:
        """The job has to wait; it takes no slot meanwhile."""
        entry.is_waiting = True
        self._busy.discard(entry.id)
        self.room.has_to_look = True
        self.note(entry)
        if entry.deadline is not None:
            remaining_s = max(0.0, entry.deadline - self._clock.monotonic())
            time_over = partial(self._time_over, entry, entry.deadline)
            entry.alarm = self._alarms.after(remaining_s, time_over)

    def wake(self, job_id: int) -> None:
        """The job has got the locks it waited for."""
        entry = self.entries[job_id]
        if entry.is_waiting:
            self._step(entry)

    def _time_over(self, entry: Entry, deadline: float) -> None:
        with self.holding():
            if entry.is_waiting and entry.deadline == deadline:
                self._interrupt(entry, Interrupt.TIME_OVER)

    def _interrupt(self, entry: Entry, why: Interrupt) -> None:
        """Let a job in the lock phase give back what it has, on a worker."""
        if entry.phase not in (Phase.LOCKING, Phase.READY):
            return
        entry.interrupt = max(entry.interrupt or why, why)
        if entry.phase is Phase.READY:
            self._ready.remove(entry)
            self._step(entry)
        elif entry.is_waiting:
            self._step(entry)

    def gave_back(self, entry: Entry) -> None:
        """The attempt is closed, as the interrupt demanded."""
        self.locks.give_back(entry)
        why, entry.interrupt = entry.interrupt, None
        match why:
            case Interrupt.CANCEL:
                self.end(entry, jobs.canceled(entry.head, self.now()))
            case Interrupt.STOP:
                self._put_back(entry)
            case _:
                entry.failed_attempts += 1
                self._step(entry)

    def _put_back(self, entry: Entry) -> None:
        entry.head = jobs.requeued(entry.head)
        self.note(entry)
        self._busy.discard(entry.id)
        self._active.discard(entry.id)
        self.room.queue_up(entry)

    def try_again(self, entry: Entry, opcode: OpCode) -> None:
        """Resources are short at the moment: begin anew, in another way."""
        if entry.interrupt is Interrupt.CANCEL:
            self.end(entry, entry.head)
            return
        self.locks.give_back(entry)
        self._running.discard(entry.id)
        entry.head = jobs.tried_again(entry.head, entry.head.current, opcode)
        entry.failed_attempts = 0
        self._records.show(entry)
        self._step(entry)
        if self._stopping:
            self._interrupt(entry, Interrupt.STOP)

    # Running and ending.

    def line_up(self, entry: Entry, raw: Mapping[str, Any]) -> bool:
        """The job has all its locks; False if it was interrupted meanwhile."""
        if entry.interrupt is not None:
            return False
        entry.phase, entry.raw = Phase.READY, raw
        bisect.insort(self._ready, entry, key=by_rank)
        return True

    def _fill_slots(self) -> None:
        while self._ready and len(self._running) < self._max_running():
            entry = self._ready.pop(0)
            assert entry.attempt is not None
            entry.phase = Phase.RUNNING
            self._running.add(entry.id)
            index, opcode = entry.head.current, entry.attempt.opcode
            entry.head = jobs.running(entry.head, index, opcode, entry.raw, self.now())
            written: Future[Exception | None] = Future()
            then = partial(self._running_is_durable, entry, entry.head, written)
            self._records.write(entry, then)
            self._pool.submit(entry.rank, partial(self._carrier.run, entry, written))

    def _running_is_durable(
        self, entry: Entry, job: Job, written: Future[Exception | None], error: Exception | None
    ) -> None:
        self._is_durable(entry, job, error)
        written.set_result(error or (REFUSED if entry.is_refused else None))

    def add_to_log(self, entry: Entry, index: int, kind: str, payload: object) -> None:
        entry.head = jobs.logged(entry.head, index, kind, payload, self.now())
        if entry.is_new:
            self.note(entry)
        else:
            self._records.note(entry, replicate=False)

    def succeed(self, entry: Entry, result: object) -> None:
        self.end(entry, jobs.succeeded(entry.head, entry.head.current, result, self.now()))

    def fail(self, entry: Entry, error: BaseException) -> None:
        self.end(entry, jobs.failed(entry.head, entry.head.current, error, self.now()))

    def end(self, entry: Entry, job: Job) -> None:
        """An opcode has ended, and perhaps the job; a job that is being cancelled ends so."""
        if entry.interrupt is Interrupt.CANCEL:
            job = jobs.canceled(entry.head, self.now())
        entry.head, entry.phase, entry.interrupt = job, Phase.ENDING, None
        self._busy.discard(entry.id)
        self._running.discard(entry.id)
        self._active.add(entry.id)
        self.locks.give_back(entry)
        self.room.has_to_look = True
        self._write_end(entry)

    def _write_end(self, entry: Entry) -> None:
        self._records.write(entry, partial(self._end_is_durable, entry, entry.head))

    def _end_is_durable(self, entry: Entry, job: Job, error: Exception | None) -> None:
        with self.holding():
            if error is None:
                self._ended(entry, job)
            elif isinstance(error, Deposed):
                self._active.discard(entry.id)
            else:
                self._alarms.after(RETRY_WRITE_S, lambda: self._write_end_again(entry))
        if isinstance(error, Deposed):
            self.depose(error)

    def _write_end_again(self, entry: Entry) -> None:
        with self.holding():
            self._write_end(entry)

    def _ended(self, entry: Entry, job: Job) -> None:
        self._records.show_durable(entry, job)
        self._active.discard(entry.id)
        if job.is_final:
            log.info("job %d has ended: %s", job.id, job.status)
            entry.phase = Phase.ENDED
            self.room.ended(entry)
        elif entry.interrupt is Interrupt.CANCEL:
            self.end(entry, job)
        else:
            entry.arrival = self.arrival()
            self.room.queue_up(entry)
