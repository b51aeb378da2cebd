# SPDX-License-Identifier: GPL-2.0-or-later
"""The jobs that are not archived: taking them in, showing, cancelling and reordering them.

What is asked of them from outside, each as one event in a `holding` block of the scheduler, which has
the lock and moves them on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ganeti.master.locks.rows import LockRow
from ganeti.master.queue import job as jobs
from ganeti.master.queue.entry import Entry, Outcome, Phase
from ganeti.master.queue.job import Job, Status
from ganeti.master.queue.scheduler import Scheduler
from ganeti.model.filter import FilterRule

Answer = tuple[bool, str]


class LiveJobs:
    """Any thread may call."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._entries, self._room = scheduler.entries, scheduler.room

    def add(
        self, new: Iterable[Job], outcome: Callable[[int], Outcome] | None = None
    ) -> dict[int, set[int]]:
        """Take jobs in: those of the queue directory, or new ones, with who is told when they are durable.

        New ones that set out are written where they run or wait; `write_new` ends that. Those in the
        answer wait until `resolve` tells of jobs not known here.
        """
        added = [Entry(job, self._scheduler.arrival()) for job in new]
        for entry in added:
            if outcome is None:
                entry.shown = entry.head
            else:
                entry.is_new, entry.outcomes = True, [outcome(entry.id)]
        with self._scheduler.holding():
            self._entries.update((entry.id, entry) for entry in added)
            unknown = {entry.id: self._room.enter(entry) for entry in added}
        self.write_new((entry.id for entry in added), but=Phase.LOCKING)
        return {job_id: numbers for job_id, numbers in unknown.items() if numbers}

    def write_new(self, job_ids: Iterable[int], *, but: Phase | None = None) -> None:
        """Write those that were not written yet as they are now; not those in phase `but`."""
        with self._scheduler.holding():
            for entry in map(self._entries.get, job_ids):
                if entry is not None and entry.is_new and entry.phase is not but:
                    self._scheduler.note(entry)

    def resolve(self, job_id: int, found: Mapping[int, Status]) -> None:
        """Tell how archived jobs ended that this one depends on."""
        with self._scheduler.holding():
            self._room.resolve(self._entries[job_id], found)

    def shown(self, job_id: int) -> Job | None:
        """The job as clients may see it."""
        entry = self._entries.get(job_id)
        return entry.shown if entry else None

    def all_shown(self) -> list[Job]:
        with self._scheduler.lock:
            return [entry.shown for _, entry in sorted(self._entries.items()) if entry.shown]

    def __len__(self) -> int:
        return len(self._entries)

    def forget(self, job_ids: Iterable[int]) -> None:
        """These jobs are in the archive."""
        with self._scheduler.lock:
            for job_id in job_ids:
                self._entries.pop(job_id, None)

    def use_rules(self, rules: Iterable[FilterRule]) -> None:
        """Rules or limits have changed: look again at everything that has not begun to run."""
        with self._scheduler.holding():
            self._room.use(rules)
            for entry in list(self._entries.values()):
                in_question = entry.head.status in (Status.QUEUED, Status.WAITING)
                if in_question and self._room.rejects(entry):
                    self._scheduler.cancel_entry(entry)

    def cancel(self, job_id: int, outcome: Outcome) -> Answer:
        """Cancel a job that does not run yet; that is durable with the outcome.

        One that waits for locks is `canceling` then: it has to give back what it has.
        """
        with self._scheduler.holding():
            entry = self._entries.get(job_id)
            if entry is None or entry.head.is_final:
                answer = _not_there(job_id)
            elif entry.phase is Phase.RUNNING:
                answer = False, f"Job {job_id} is running and cannot be cancelled"
            else:
                entry.outcomes.append(outcome)
                return self._cancel(entry)
        outcome(None)
        return answer

    def _cancel(self, entry: Entry) -> Answer:
        self._scheduler.cancel_entry(entry)
        if entry.head.is_final:
            return True, f"Job {entry.id} has been cancelled"
        self._scheduler.confirm(entry)
        return True, f"Job {entry.id} will be cancelled"

    def change_priority(self, job_id: int, priority: int, outcome: Outcome) -> Answer:
        """Change the priority of what does not run yet."""
        with self._scheduler.holding():
            entry = self._entries.get(job_id)
            changed = jobs.reprioritised(entry.head, priority) if entry else None
            if entry is not None and changed is not None:
                self._scheduler.reprioritise(entry, changed, outcome)
                return True, f"Job {job_id} has the priority {priority} now"
        outcome(None)
        if entry is None or entry.head.is_final:
            return _not_there(job_id)
        return False, f"Job {job_id} has no opcode left whose priority could change"

    def lock_rows(self) -> list[LockRow]:
        """Locks, and jobs that others wait for, in the form of locks."""
        with self._scheduler.lock:
            locks, parked = self._scheduler.locks.snapshot(), self._room.rows()
        return locks.rows() + parked


def _not_there(job_id: int) -> Answer:
    return False, f"Job {job_id} is not in the queue: it is unknown, or finished"
