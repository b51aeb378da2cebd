# SPDX-License-Identifier: GPL-2.0-or-later
"""What a master's queue has promised to clients, and whether it keeps that, across crashes.

`note` is told of each fact in the order in which they happened, as `CrashDisk.mark` is: after a cut, the facts
before it are noted again. A promise that was asked for and not confirmed may be kept or not.
"""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ganeti.master.queue import depends
from ganeti.master.queue import job as jobs
from ganeti.master.queue.job import Job, Operation, Status
from ganeti.master.queue.jobqueue import Snapshot

Place = tuple[int, int]
"""A job's number and the index of one of its opcodes."""

BROKE = "it broke"
"""The failure of an opcode that was told to fail."""


@dataclass
class Promises:
    """Facts may come from any thread."""

    acknowledged: set[int] = field(default_factory=set)
    ended: dict[Place, str] = field(default_factory=dict)
    executed: Counter[Place] = field(default_factory=Counter)
    asked_to_cancel: set[int] = field(default_factory=set)
    cancelled: set[int] = field(default_factory=set)
    priorities: dict[int, frozenset[int]] = field(default_factory=dict)
    archived: set[int] = field(default_factory=set)
    drained: frozenset[bool] = frozenset({False})
    broken_off: set[int] = field(default_factory=set)
    epoch: int = 1

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def copy(self) -> Promises:
        with self._lock:
            return Promises(*(copy.copy(getattr(self, f.name)) for f in fields(self)))

    def note(self, kind: str, key: Any) -> None:
        with self._lock:
            self._note(kind, key)

    def _note(self, kind: str, key: Any) -> None:
        match kind, key:
            case "acknowledged", (number, priority):
                self.acknowledged.add(number)
                self.priorities[number] = frozenset({priority})
            case "executed", place:
                self.executed[place] += 1
            case "ended", (place, text):
                self.ended[place] = text
            case "asked to cancel", number:
                self.asked_to_cancel.add(number)
            case "cancelled", number:
                self.cancelled.add(number)
            case "asked for priority", (number, priority):
                self.priorities[number] |= {priority}
            case "priority", (number, priority):
                self.priorities[number] = frozenset({priority})
            case "archived", number:
                self.archived.add(number)
            case "asked to drain", flag:
                self.drained |= {flag}
            case "drained", flag:
                self.drained = frozenset({flag})

    # Crashes.

    def survive(self, live: Mapping[int, Job], archived: Iterable[int]) -> set[int]:
        """A master starts with these jobs; what was under way is broken off, and nothing else is.

        A job that nobody was told of may be gone, and its number be used again.
        """
        under_way = (Status.RUNNING, Status.CANCELING)
        unclean = {number for number, job in live.items() if job.status in under_way}
        self.broken_off &= self.acknowledged | {*live, *archived}
        self.broken_off |= unclean
        return unclean

    # What must be true at any time.

    def problems(
        self, seen: Mapping[int, Snapshot], *, is_drained: bool, last_id: int
    ) -> Iterator[str]:
        """What a client sees that it must not see."""
        for number in self.acknowledged - seen.keys():
            yield f"job {number} is lost"
        if last_id < max(self.acknowledged, default=0):
            yield f"the next job would get the number {last_id + 1} again"
        if is_drained not in self.drained:
            yield f"drained is {is_drained}, and should be {set(self.drained)}"
        for place, count in self.executed.items():
            if count > 1:
                yield f"{place} was carried out {count} times"
        for number in self.archived & seen.keys():
            if not seen[number].is_archived:
                yield f"job {number} is back from the archive"
        for snapshot in seen.values():
            yield from self._problems_of(snapshot.job)

    def _problems_of(self, job: Job) -> Iterator[str]:
        for index, op in enumerate(job.ops):
            text = self.ended.get((job.id, index))
            if text is not None and text != told(op):
                yield f"opcode {index} of job {job.id} ended as {text}, and is {told(op)}"
            allowed = self.priorities.get(job.id, {op.priority})
            if op.status in (Status.QUEUED, Status.WAITING) and op.priority not in allowed:
                yield f"job {job.id} has the priority {op.priority}, not {set(allowed)}"
        if job.id in self.broken_off and job.status is not Status.ERROR:
            yield f"job {job.id} was under way at a crash and is {job.status}"
        stopped = {Status.CANCELING, Status.CANCELED}
        if job.id in self.cancelled - self.broken_off and job.status not in stopped:
            yield f"job {job.id} was cancelled and is {job.status}"

    # What must be true in the end.

    def unexplained(self, found: Iterable[Job]) -> Iterator[str]:
        """Ends for which there is no reason."""
        by_number = {job.id: job for job in found}
        for job in by_number.values():
            for index, op in enumerate(job.ops):
                if not self._is_explained(job, index, op, by_number):
                    count = self.executed[job.id, index]
                    yield f"opcode {index} of job {job.id}, executed {count} times: {told(op)}"

    def _is_explained(self, job: Job, index: int, op: Operation, found: Mapping[int, Job]) -> bool:
        count = self.executed[job.id, index]
        match op.status:
            case Status.SUCCESS:
                return count == 1 and op.result == [job.id, index]
            case Status.CANCELED:
                others = [found[n].status for n in depends.job_ids([op]) if n in found]
                is_asked = job.id in self.asked_to_cancel or Status.CANCELED in others
                return count == 0 and is_asked
            case Status.ERROR:
                return self._is_explained_failure(job, index, count)
        return False

    def _is_explained_failure(self, job: Job, index: int, count: int) -> bool:
        text = job.ops[index].result[1][0]
        if text == jobs.UNCLEAN_TEXT:
            return job.id in self.broken_off and count <= 1
        if text == BROKE:
            return count == 1
        if text == jobs.PRECEDING_FAILED_TEXT:
            return count == 0 and job.ops[index - 1].status is Status.ERROR
        return count == 0 and bool(depends.dependencies(job.ops[index]))


def told(op: Operation) -> str:
    """What clients see of an opcode; of one that has ended this does not change any more."""
    return jobs.as_json(op.raw())
