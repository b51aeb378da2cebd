# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lock table does for many names and many waiters: counted look-ups of names, not seconds."""

from __future__ import annotations

from collections.abc import Callable

from ganeti.master.locks import plan
from ganeti.master.locks.grip import Rank
from ganeti.master.locks.plan import Level
from ganeti.master.locks.table import LockTable

AT = Level.INSTANCE


class Name(str):
    """A name that counts how often any is looked up."""

    lookups = 0

    def __hash__(self) -> int:
        Name.lookups += 1
        return super().__hash__()


def lookups(work: Callable[[], object]) -> int:
    before = Name.lookups
    work()
    return Name.lookups - before


def release_with_waiters(count: int) -> int:
    """The work of a release when so many wait for the same lock."""
    table = LockTable()
    for job in range(count):
        table.request(job, AT, plan.exclusive(Name("a")), Rank(0, job))
    return lookups(lambda: table.release_all(0))


def test_of_those_that_queue_for_one_lock_few_are_looked_at() -> None:
    assert release_with_waiters(1000) < 3 * release_with_waiters(100)


def take_free_of(count: int) -> int:
    """The work of taking what is free of so many names, when others who want them all wait before."""
    names = [Name(f"inst{n}") for n in range(count)]
    table = LockTable()
    table.request(1, AT, plan.exclusive(names[0]), Rank(0, 1))
    table.request(2, AT, plan.exclusive(*names[: count // 2]), Rank(0, 2))
    table.request(3, AT, plan.exclusive(*names), Rank(10, 3))
    free: list[frozenset[str]] = []
    work = lookups(lambda: free.append(table.take_free(4, AT, names, Rank(0, 4), shared=False)))
    assert free == [frozenset(names[count // 2 :])]
    return work


def test_free_locks_are_found_in_one_pass() -> None:
    assert take_free_of(1000) < 20 * take_free_of(100)
