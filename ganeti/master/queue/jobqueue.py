# SPDX-License-Identifier: GPL-2.0-or-later
"""The job queue's front door: what the LUXI server, queries and the daemon ask for.

Calls that change something return when the change is durable. None of them may be called by the
store's or the alarms' thread, which would wait for itself.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ganeti import errors
from ganeti.master.alarms import Alarms
from ganeti.master.locks.rows import LockRow
from ganeti.master.queue import depends, restart, watch, workers
from ganeti.master.queue import job as jobs
from ganeti.master.queue.entry import Outcome
from ganeti.master.queue.execution import Executor, Submitted
from ganeti.master.queue.job import Job, Status
from ganeti.master.queue.livejobs import Answer, LiveJobs
from ganeti.master.queue.scheduler import Scheduler
from ganeti.master.queue.store import QueueStore, Then
from ganeti.master.queue.watch import Known, Row, Watchers
from ganeti.model.filter import FilterRule
from ganeti.opcodes.base import OpCode
from ganeti.rpc.runner import Deposed
from ganeti.utils.clock import Clock

log = logging.getLogger(__name__)

HARD_LIMIT = 5000
"""So many jobs may be in the queue that are not archived."""

SET_OUT_S = 0.005
"""So long a new job may take to get to where it runs or waits, before it is written as it is."""

ARCHIVE_BATCH = 10
EVERY_AGE = -1

T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """What the configuration says about the queue; asked again whenever it matters."""

    max_running: Callable[[], int]
    rules: Callable[[], Iterable[FilterRule]]
    hard_limit: int = HARD_LIMIT
    set_out_s: float = SET_OUT_S


@dataclass(frozen=True)
class Snapshot:
    """A job as clients may see it."""

    job: Job
    is_archived: bool = False


class JobQueue:
    """`start` it, use it, `shutdown`, `close`."""

    def __init__(
        self,
        store: QueueStore,
        executor: Executor,
        alarms: Alarms,
        clock: Clock,
        *,
        settings: Settings,
        row: Row,
    ) -> None:
        self._store, self._clock, self._settings = store, clock, settings
        self._watchers = Watchers(alarms, row, self._look)
        self._is_drained = self._is_closing = False
        self._scheduler = Scheduler(
            store,
            executor,
            alarms,
            clock,
            max_running=settings.max_running,
            changed=self._watchers.changed,
            submit=self.submit_many,
        )
        self._live = LiveJobs(self._scheduler)

    # Life.

    def start(self, candidates: Iterable[str]) -> None:
        """Take over the queue directory and go on with what is found; `candidates` are the others."""
        found = self._store.open(candidates)
        self._is_drained = found.is_drained
        plan = restart.plan(found.files, found.written, found.serial, self._scheduler.now())
        log.info("%d jobs in the queue, %d to be written", len(plan.jobs), len(plan.to_write))
        for number, why in plan.unreadable.items():
            log.error("the file of job %d goes to the archive, it is unreadable: %s", number, why)
        self._store.count_from(plan.last_id)
        self._store.archive(plan.unreadable, then=_ignore)
        self._write_again([plan.jobs[number] for number in plan.to_write])
        self._live.use_rules(self._settings.rules())
        self._take_in(plan.jobs.values())

    def _write_again(self, found: Sequence[Job]) -> None:
        """Returns when they are durable. If they cannot be written, the next start finds the same."""
        tickets = _Tickets(len(found))
        for job in found:
            self._store.put(job, tickets.outcome(job.id))
        for job_id, error in tickets.wait().items():
            log.error("job %d, as it was found, could not be written: %s", job_id, error)

    def shutdown(self) -> None:
        """Take no new jobs; running opcodes end, what waits for locks goes back to queued."""
        self._is_closing = True
        self._scheduler.stop()

    def wait_until_settled(self, timeout_s: float | None = None) -> bool:
        """After `shutdown`: True once nothing runs any more and everything is durable."""
        return self._scheduler.wait_until_settled(timeout_s)

    def close(self, timeout_s: float | None = None) -> None:
        """End all threads; wait no longer than `timeout_s` for one that still runs a job."""
        self._scheduler.close(timeout_s)
        self._store.close()

    def depose(self, error: Deposed) -> None:
        """Another master has taken over: acknowledge nothing more, end all jobs with that reason."""
        self._is_closing = True
        self._scheduler.depose(error)

    def reschedule(self) -> None:
        """The filter rules or the run limit have changed."""
        self._live.use_rules(self._settings.rules())

    def set_candidates(self, candidates: Iterable[str]) -> None:
        """Other nodes are master candidates now."""
        self._store.set_members(candidates)

    # Submitting.

    def submit(self, opcodes: Sequence[OpCode], *, to_drained: bool = False) -> int:
        """Submit one job; raises JobQueueError if it is refused."""
        (made,) = self._submit([opcodes], to_drained)
        if isinstance(made, errors.GenericError):
            raise made
        return made.id

    def submit_many(self, new: Sequence[Sequence[OpCode]]) -> list[Submitted]:
        """Submit jobs; one that is refused does not affect the others, but its number is lost."""
        made = self._submit(new, to_drained=False)
        return [
            (False, f"{job}; opcodes {', '.join(op.summary() for op in opcodes)}")
            if isinstance(job, errors.GenericError)
            else (True, job.id)
            for job, opcodes in zip(made, new, strict=True)
        ]

    def _submit(
        self, new: Sequence[Sequence[OpCode]], to_drained: bool
    ) -> list[Job | errors.GenericError]:
        self._check_open(to_drained)
        room = self._settings.hard_limit - len(self._live)
        first = self._store.allocate(len(new))
        made = [
            self._made(first + i, opcodes) if i < room else errors.JobQueueFull()
            for i, opcodes in enumerate(new)
        ]
        refused = self._accept([job for job in made if isinstance(job, Job)])
        return [refused.get(first + i, job) for i, job in enumerate(made)]

    def _check_open(self, to_drained: bool) -> None:
        if self._is_closing:
            raise errors.JobQueueError("the master daemon is shutting down, no job is accepted")
        if self._is_drained and not to_drained:
            raise errors.JobQueueDrainError(
                "the job queue is drained, no job is accepted; 'gnt-cluster queue undrain' opens it"
            )

    def _made(self, job_id: int, opcodes: Sequence[OpCode]) -> Job | errors.GenericError:
        try:
            resolved = [depends.absolute(op, job_id) for op in opcodes]
        except errors.JobQueueError as err:
            return err
        log.info("job %d is new: %s", job_id, ", ".join(op.summary() for op in opcodes))
        return jobs.submitted(job_id, resolved, self._scheduler.now())

    def _accept(self, new: list[Job]) -> dict[int, errors.GenericError]:
        """Take jobs in; returns when all are durable, with those that are not."""
        tickets = _Tickets(len(new))
        self._take_in(new, tickets.outcome)
        if not tickets.all_known(self._settings.set_out_s):
            self._live.write_new(job.id for job in new)
        return {job_id: self._refusal(error) for job_id, error in tickets.wait().items()}

    def _refusal(self, error: Exception) -> errors.GenericError:
        """What clients are told when something could not be made durable."""
        if isinstance(error, Deposed):
            self.depose(error)
            return errors.JobQueueError(str(error))
        return errors.JobQueueError(f"the job queue cannot be written: {error}")

    def _take_in(self, new: Iterable[Job], outcome: Callable[[int], Outcome] | None = None) -> None:
        """Take jobs in, with what the archive says about their dependencies."""
        for job_id, numbers in self._live.add(new, outcome).items():
            found = {number: self._archived_status(number) for number in numbers}
            known = {number: status for number, status in found.items() if status is not None}
            self._live.resolve(job_id, known)

    def _archived_status(self, job_id: int) -> Status | None:
        snapshot = self._archived(job_id)
        return snapshot.job.status if snapshot else None

    # Changing jobs.

    def cancel(self, job_id: int, kill: bool = False) -> Answer:
        """Cancel a job that does not run yet. A thread cannot be killed, so `kill` changes nothing."""
        return self._durably(lambda then: self._live.cancel(job_id, then))

    def change_priority(self, job_id: int, priority: int) -> Answer:
        """Change the priority of what does not run yet."""
        if priority not in jobs.SUBMIT_PRIORITIES:
            allowed = ", ".join(map(str, jobs.SUBMIT_PRIORITIES))
            raise errors.GenericError(f"{priority} is no priority for a job; use one of {allowed}")
        return self._durably(lambda then: self._live.change_priority(job_id, priority, then))

    def archive(self, job_id: int) -> bool:
        """Move a finished job to the archive; False if it is unknown or not finished."""
        job = self._live.shown(job_id)
        if job is None or not job.is_final:
            return False
        self._archive([job_id])
        return True

    def auto_archive(self, age_s: float, timeout_s: float) -> tuple[int, int]:
        """Archive jobs that ended so long ago (-1: all); how many, and how many were not looked at."""
        end = self._clock.monotonic() + timeout_s
        now, all_jobs = self._clock.now(), self._live.all_shown()
        count, batch, looked_at = 0, list[int](), 0
        for job in all_jobs:
            if self._clock.monotonic() > end:
                break
            looked_at += 1
            if job.is_final and (age_s == EVERY_AGE or now - _last_time(job) > age_s):
                batch.append(job.id)
            if len(batch) == ARCHIVE_BATCH:
                count += self._archive(batch)
                batch = []
        count += self._archive(batch)
        return count, len(all_jobs) - looked_at

    def _archive(self, job_ids: Sequence[int]) -> int:
        if job_ids:
            self._durably(lambda then: self._store.archive(job_ids, then))
            self._live.forget(job_ids)
        return len(job_ids)

    def set_drained(self, flag: bool) -> None:
        """Refuse new jobs, or accept them again; jobs that are there are not affected."""
        self._durably(lambda then: self._store.set_drained(flag, then))
        self._is_drained = flag

    # Looking.

    @property
    def is_drained(self) -> bool:
        return self._is_drained

    @property
    def last_id(self) -> int:
        """The last job id that was given out."""
        return self._store.last_id

    def job(self, job_id: int) -> Snapshot | None:
        """One job, live or archived."""
        job = self._live.shown(job_id)
        return Snapshot(job) if job else self._archived(job_id)

    def jobs(self, ids: Iterable[int] | None = None, *, archived: bool = False) -> list[Snapshot]:
        """Those of the given jobs that exist, live or archived; or all, `archived` ones too if asked."""
        if ids is not None:
            return [snapshot for job_id in ids if (snapshot := self.job(job_id))]
        live = [Snapshot(job) for job in self._live.all_shown()]
        if not archived:
            return live
        seen = {snapshot.job.id for snapshot in live}
        rest = (self._archived(n) for n in self._store.archived_ids() if n not in seen)
        return sorted([*live, *filter(None, rest)], key=lambda snapshot: snapshot.job.id)

    def _archived(self, job_id: int) -> Snapshot | None:
        try:
            content = self._store.archived(job_id)
            return None if content is None else Snapshot(jobs.decode(content), is_archived=True)
        except (OSError, errors.JobFileCorrupted) as err:
            log.warning("archived job %d cannot be read: %s", job_id, err)
            return None

    def wait_for_change(
        self,
        job_id: int,
        known: Known,
        timeout_s: float,
        answer: Callable[[watch.Answer], None],
    ) -> None:
        """Call `answer` once when the job differs from what is known, or when the time is over.

        Raises JobLost for a job that does not exist.
        """
        self._watchers.add(job_id, known, timeout_s, answer)

    def _look(self, job_id: int) -> Job:
        snapshot = self.job(job_id)
        if snapshot is None:
            raise errors.JobLost(f"there is no job {job_id}")
        return snapshot.job

    def lock_rows(self) -> list[LockRow]:
        """What the lock query shows."""
        return self._live.lock_rows()

    def behind(self) -> dict[str, str]:
        """Master candidates that lack something of the queue, and why."""
        return dict(self._store.behind())

    def _durably(self, ask: Callable[[Then], T]) -> T:
        """Ask for something, and wait until it is durable."""
        tickets = _Tickets(1)
        answer = ask(tickets.outcome(0))
        for error in tickets.wait().values():
            raise self._refusal(error) from error
        return answer


class _Tickets:
    """Waits for the outcomes of several things."""

    def __init__(self, count: int) -> None:
        self._open, self._errors = count, dict[int, Exception]()
        self._changed = threading.Condition()

    def outcome(self, number: int) -> Outcome:
        """To be called when this one is durable, or with the reason why it is not."""

        def tell(error: Exception | None) -> None:
            with self._changed:
                self._open -= 1
                if error is not None:
                    self._errors[number] = error
                self._changed.notify()

        return tell

    def wait(self) -> dict[int, Exception]:
        """Return when all are known: those that failed."""
        self.all_known()
        return self._errors

    def all_known(self, timeout_s: float | None = None) -> bool:
        """Wait for that, but no longer than `timeout_s`."""
        with workers.outside(), self._changed:
            return self._changed.wait_for(lambda: self._open == 0, timeout_s)


def _last_time(job: Job) -> float:
    """End, else start, else arrival."""
    seconds, microseconds = job.end or job.start or job.received or (0, 0)
    return seconds + microseconds / 1_000_000


def _ignore(error: Exception | None) -> None:
    """What is not done now is done at the next start."""
