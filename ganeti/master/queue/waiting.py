# SPDX-License-Identifier: GPL-2.0-or-later
"""Queued jobs: in which order they may start, and what holds them back.

A job starts when the jobs it depends on have ended, then limits and filter rules admit it, then there
is a slot it could run in. Those that a limit holds back stand in a line of their own, which nobody
looks at while there is no room: thousands of them cost nothing. All of this belongs to the scheduler,
whose lock protects it; methods are called from within its `holding` block.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from ganeti import errors
from ganeti.master.locks.rows import LockRow
from ganeti.master.queue import depends
from ganeti.master.queue.admission import Admission, Limit
from ganeti.master.queue.entry import Entry, Phase, by_rank
from ganeti.master.queue.job import Job, Status
from ganeti.model.filter import FilterRule


class Host(Protocol):
    """What becomes of jobs is decided here and done by the scheduler."""

    def take_up(self, entry: Entry) -> None: ...

    def cancel_entry(self, entry: Entry) -> None: ...

    def fail(self, entry: Entry, error: BaseException) -> None: ...


class WaitingRoom:
    """Jobs in phase PENDING, by what holds them back and by rank, and PARKED ones, by what they wait for."""

    def __init__(self, host: Host, entries: Mapping[int, Entry]) -> None:
        self._host, self._entries = host, entries
        self._admission = Admission()
        self._lines: dict[Limit | None, list[Entry]] = {}
        self._dependents: dict[int, set[int]] = {}
        self.has_to_look = False
        """Something has changed by which a job may be able to start."""

    def enter(self, entry: Entry) -> set[int]:
        """A job is new here; the answer has those it depends on that are not, it waits for `resolve`."""
        if entry.phase is Phase.ENDED:
            return set()
        unknown = self._note_dependencies(entry)
        if unknown:
            entry.phase = Phase.PARKED
        else:
            self.queue_up(entry)
        return unknown

    def _note_dependencies(self, entry: Entry) -> set[int]:
        unknown = set()
        for number in depends.job_ids(entry.head.ops) - {entry.id}:
            other = self._entries.get(number)
            if other is None:
                unknown.add(number)
            elif other.phase is Phase.ENDED:
                entry.known[number] = other.head.status
            else:
                entry.known[number] = None
                self._dependents.setdefault(number, set()).add(entry.id)
        return unknown

    def resolve(self, entry: Entry, found: Mapping[int, Status]) -> None:
        """How jobs ended that are not here any more."""
        entry.known.update(found)
        if entry.phase is Phase.PARKED:
            self.queue_up(entry)

    def queue_up(self, entry: Entry) -> None:
        """The job may start when its turn comes; a new one that is rejected is cancelled at once."""
        entry.phase = Phase.PENDING
        self._line_up(entry, None)
        if not self._admission.has_started(entry.head) and self.rejects(entry):
            self._host.cancel_entry(entry)
        self.has_to_look = True

    def _line_up(self, entry: Entry, held_by: Limit | None) -> None:
        entry.held_by = held_by
        bisect.insort(self._lines.setdefault(held_by, []), entry, key=by_rank)

    def _step_out(self, entry: Entry) -> None:
        line = self._lines[entry.held_by]
        line.remove(entry)
        if not line:
            del self._lines[entry.held_by]

    def rejects(self, entry: Entry) -> bool:
        """True if a filter rule says that the job, which has not begun to run, is to be cancelled."""
        return self._admission.rejects(entry.head)

    def leave(self, entry: Entry) -> None:
        """The job ends without having been started."""
        if entry.phase is Phase.PENDING:
            self._step_out(entry)

    def change(self, entry: Entry, job: Job) -> None:
        """The job, with its rank perhaps, has changed."""
        is_here = entry.phase is Phase.PENDING
        if is_here:
            self._step_out(entry)
        entry.head = job
        if is_here:
            self._line_up(entry, entry.held_by)

    def use(self, rules: Iterable[FilterRule]) -> None:
        self._admission.use(rules)
        everyone = [entry for line in self._lines.values() for entry in line]
        self._lines.clear()
        for entry in everyone:
            self._line_up(entry, None)
        self.has_to_look = True

    def look(self, is_free: Callable[[], bool]) -> None:
        """Start what may start, the best ranked first, as long as there is a free slot."""
        self.has_to_look = False
        if is_free():
            for entry in heapq.merge(*map(self._hopeful, list(self._lines)), key=by_rank):
                self._consider(entry)
                if not is_free():
                    return

    def _hopeful(self, limit: Limit | None) -> Iterator[Entry]:
        """Those in a line, as long as there is room."""
        for entry in list(self._lines[limit]):
            if limit is not None and not self._admission.has_room(limit):
                return
            yield entry

    def _consider(self, entry: Entry) -> None:
        job = entry.head
        match depends.verdict(job.ops[job.current], job.id, entry.known):
            case depends.WaitFor():
                self._step_out(entry)
                entry.phase = Phase.PARKED
            case depends.Cancel():
                self._host.cancel_entry(entry)
            case depends.Fail(reason):
                self._step_out(entry)
                self._host.fail(entry, errors.OpExecError(reason))
            case depends.Ready():
                self._admit(entry)

    def _admit(self, entry: Entry) -> None:
        has_started = self._admission.has_started(entry.head)
        limit = None if has_started else self._admission.held_by(entry.head)
        self._step_out(entry)
        if limit is not None:
            self._line_up(entry, limit)
            return
        if not has_started:
            self._admission.start(entry.head)
        self._host.take_up(entry)

    def ended(self, entry: Entry) -> None:
        """A job is final, durably: others may have waited for it, and it waits for none any more."""
        self._admission.end(entry.id)
        self.has_to_look = True
        for number in entry.known:
            self._dependents.get(number, set()).discard(entry.id)
        for waiting in self._dependents.pop(entry.id, ()):
            self.resolve(self._entries[waiting], {entry.id: entry.head.status})

    def rows(self) -> list[LockRow]:
        """Jobs that parked ones wait for, in the form of locks."""
        return [
            LockRow(f"job/{number}", None, (), (("job", parked),))
            for number, waiting in sorted(self._dependents.items())
            if (parked := tuple(sorted(filter(self._is_parked, waiting))))
        ]

    def _is_parked(self, job_id: int) -> bool:
        return self._entries[job_id].phase is Phase.PARKED
