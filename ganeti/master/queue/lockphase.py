# SPDX-License-Identifier: GPL-2.0-or-later
"""Takes jobs through their lock levels, and gives locks back.

The table is protected by the scheduler's lock, its `holding` block: `walk` and `HeldByJob` enter it
themselves, for everything else the caller is in it. The task of a job that has to wait ends,
and the job is woken by whoever gives back what stands in its way.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from enum import Enum
from typing import Protocol

from ganeti import errors
from ganeti.errors import Code
from ganeti.master.locks.grip import Request
from ganeti.master.locks.plan import All, Level, Want
from ganeti.master.locks.rows import Snapshot
from ganeti.master.locks.table import LockTable
from ganeti.master.queue.entry import Entry
from ganeti.master.queue.execution import Attempt

_NOTHING = Want(frozenset(), shared=True)


class Walk(Enum):
    """How far a job got."""

    ALL_HELD = "all locks are held"
    WAITS = "somebody will wake it when it has the locks"
    INTERRUPTED = "it has to give back what it has"


class Host(Protocol):
    """What the lock phase needs of the scheduler."""

    def holding(self) -> AbstractContextManager[None]: ...

    def wait_for_locks(self, entry: Entry) -> None: ...

    def wake(self, job_id: int) -> None: ...


class LockPhase:
    """The lock table and the jobs' way through it."""

    def __init__(self, host: Host) -> None:
        self._host, self._table = host, LockTable()

    def walk(self, entry: Entry, attempt: Attempt) -> Walk:
        """Take the levels that are left; on the worker that is at work for the job."""
        while entry.levels:
            level = entry.levels[0]
            if entry.wanted is None:
                entry.wanted = attempt.want(level, entry.held) or _NOTHING
                progress = self._take(entry, attempt, level, entry.wanted)
                if progress is not Walk.ALL_HELD:
                    return progress
            entry.held[level] = self._names_held(entry, attempt, level, entry.wanted)
            entry.levels, entry.wanted = entry.levels[1:], None
        return Walk.ALL_HELD

    def _take(self, entry: Entry, attempt: Attempt, level: Level, want: Want) -> Walk:
        if want is _NOTHING:
            return Walk.ALL_HELD
        if want.free_at_least is not None:
            return self._take_free(entry, attempt, level, want, want.free_at_least)
        with self._host.holding():
            if entry.interrupt is not None:
                return Walk.INTERRUPTED
            if self._table.request(entry.id, level, want, entry.rank):
                return Walk.ALL_HELD
            self._host.wait_for_locks(entry)
            return Walk.WAITS

    def _take_free(
        self, entry: Entry, attempt: Attempt, level: Level, want: Want, at_least: int
    ) -> Walk:
        names = attempt.names_of(level) if isinstance(want.names, All) else want.names
        with self._host.holding():
            got = self._table.take_free(entry.id, level, names, entry.rank, shared=want.shared)
        if len(got) < at_least:
            raise errors.OpPrereqError(
                f"of the {level} locks {len(got)} are free at the moment, {at_least} are needed",
                Code.TEMP_NO_RESOURCES,
            )
        entry.wanted = Want(got, want.shared)
        return Walk.ALL_HELD

    def _names_held(
        self, entry: Entry, attempt: Attempt, level: Level, want: Want
    ) -> frozenset[str]:
        """The names of a level that is held; those of a whole one are looked up now."""
        if not isinstance(want.names, All):
            return want.names
        names = frozenset(attempt.names_of(level))
        with self._host.holding():
            self._table.expand(entry.id, level, names)
        return names

    def owned(self, entry: Entry, level: Level) -> frozenset[str]:
        return self._table.owned(entry.id, level)

    def release(self, entry: Entry, level: Level, names: Iterable[str] | None) -> None:
        self._wake(self._table.release(entry.id, level, names))

    def downgrade(self, entry: Entry, level: Level, names: Iterable[str] | None) -> None:
        self._wake(self._table.downgrade(entry.id, level, names))

    def give_back(self, entry: Entry) -> None:
        """Release everything; the next attempt begins at the first level."""
        entry.held, entry.levels, entry.wanted = {}, tuple(Level), None
        self._wake(self._table.release_all(entry.id))

    def change_priority(self, entry: Entry) -> None:
        """The job's priority has changed; it may wait."""
        self._wake(self._table.change_priority(entry.id, entry.rank.priority))

    def _wake(self, granted: Iterable[Request]) -> None:
        for request in granted:
            self._host.wake(request.owner)

    def snapshot(self) -> Snapshot:
        """Who holds and who waits now."""
        return self._table.snapshot()


class HeldByJob:
    """The locks of a running opcode, as its unit sees them."""

    def __init__(self, host: Host, locks: LockPhase, entry: Entry) -> None:
        self._host, self._locks, self._entry = host, locks, entry

    def release(self, level: Level, names: Iterable[str] | None = None) -> None:
        with self._host.holding():
            self._locks.release(self._entry, level, names)

    def downgrade(self, level: Level, names: Iterable[str] | None = None) -> None:
        with self._host.holding():
            self._locks.downgrade(self._entry, level, names)

    def owned(self, level: Level) -> frozenset[str]:
        with self._host.holding():
            return self._locks.owned(self._entry, level)
