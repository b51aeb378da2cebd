# SPDX-License-Identifier: GPL-2.0-or-later
"""The lock table, case by case; `test_table_machine.py` drives it at random."""

import pytest

from ganeti import errors
from ganeti.master.locks import plan
from ganeti.master.locks.grip import Mode, Rank, Request
from ganeti.master.locks.plan import Level, Want
from ganeti.master.locks.rows import LockRow
from ganeti.master.locks.table import LockTable

N = Level.NODE


class Jobs:
    """A table and jobs that arrive in the order of their numbers, all at priority 0."""

    def __init__(self) -> None:
        self.table = LockTable()

    def ask(self, job: int, want: Want, level: Level = N, priority: int = 0) -> bool:
        return self.table.request(job, level, want, Rank(priority, job))


def owners(granted: list[Request]) -> list[int]:
    return [request.owner for request in granted]


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (plan.shared("a"), plan.shared("a"), True),
        (plan.shared("a"), plan.exclusive("a"), False),
        (plan.exclusive("a"), plan.shared("a"), False),
        (plan.exclusive("a"), plan.exclusive("a"), False),
        (plan.exclusive("a"), plan.exclusive("b"), True),
        (plan.all_shared(), plan.all_shared(), True),
        (plan.all_shared(), plan.shared("a"), True),
        (plan.all_shared(), plan.exclusive("a"), False),
        (plan.all_shared(), plan.all_exclusive(), False),
        (plan.all_exclusive(), plan.shared("a"), False),
        (plan.shared("a"), plan.all_exclusive(), False),
        (plan.exclusive("a"), plan.all_shared(), False),
        (plan.exclusive("a"), plan.all_exclusive(), False),
        (plan.exclusive(), plan.all_exclusive(), True),
        (plan.all_exclusive(), plan.shared(), True),
    ],
)
def test_who_may_hold_together(jobs: Jobs, first: Want, second: Want, together: bool) -> None:
    assert jobs.ask(1, first)
    assert jobs.ask(2, second) is together


def test_a_request_waits_as_a_whole(jobs: Jobs) -> None:
    jobs.ask(1, plan.exclusive("a"))
    assert not jobs.ask(2, plan.exclusive("a", "b"))
    assert jobs.table.owned(2, N) == frozenset()
    assert not jobs.ask(3, plan.exclusive("b")), "job 2 was first"
    assert owners(jobs.table.release(1, N)) == [2]
    assert jobs.table.owned(2, N) == {"a", "b"}
    assert owners(jobs.table.release_all(2)) == [3]


def test_rank_decides_not_order_of_asking(jobs: Jobs) -> None:
    jobs.ask(1, plan.exclusive("a"))
    jobs.ask(2, plan.exclusive("a"), priority=10)
    jobs.ask(3, plan.exclusive("a"))
    jobs.ask(4, plan.exclusive("a"), priority=-10)
    order = [owners(jobs.table.release_all(job)) for job in (1, 4, 3, 2)]
    assert order == [[4], [3], [2], []]


def test_a_late_request_may_overtake_what_it_does_not_disturb(jobs: Jobs) -> None:
    jobs.ask(1, plan.exclusive("a"))
    jobs.ask(2, plan.exclusive("a"))
    assert jobs.ask(3, plan.exclusive("b"))
    assert not jobs.ask(4, plan.all_shared())
    assert not jobs.ask(5, plan.exclusive("c")), "job 4 wants everything and was first"
    assert jobs.ask(6, plan.exclusive("c"), priority=-1), "a better rank does not wait for it"


def test_change_of_priority_reorders_and_grants(jobs: Jobs) -> None:
    jobs.ask(1, plan.shared("a"))
    jobs.ask(2, plan.exclusive("a"))
    jobs.ask(3, plan.shared("a"))
    assert owners(jobs.table.change_priority(3, -1)) == [3]
    assert jobs.table.change_priority(1, -5) == [], "a holder does not wait"
    jobs.table.release_all(1)
    assert owners(jobs.table.release_all(3)) == [2]


def test_whoever_stops_waiting_lets_the_others_through(jobs: Jobs) -> None:
    jobs.ask(1, plan.shared("a"))
    jobs.ask(2, plan.exclusive("a"))
    jobs.ask(3, plan.shared("a"))
    assert owners(jobs.table.release_all(2)) == [3]
    assert jobs.table.release_all(2) == []


def test_downgrade_lets_sharers_in(jobs: Jobs) -> None:
    jobs.ask(1, plan.exclusive("a", "b"))
    jobs.ask(2, plan.shared("a"))
    jobs.ask(3, plan.shared("b"))
    assert owners(jobs.table.downgrade(1, N, ["a"])) == [2]
    assert owners(jobs.table.downgrade(1, N)) == [3]
    assert jobs.table.owned(1, N) == {"a", "b"}


def test_a_whole_set_is_expanded_and_given_back_in_parts(jobs: Jobs) -> None:
    jobs.ask(1, plan.all_exclusive())
    jobs.table.expand(1, N, ["a", "b", "c"])
    assert jobs.table.owned(1, N) == {"a", "b", "c"}
    jobs.ask(2, plan.exclusive("new"))
    jobs.ask(3, plan.exclusive("c"))
    jobs.ask(4, plan.exclusive("a"))
    assert owners(jobs.table.release(1, N, ["b", "c"])) == [2, 3]
    assert jobs.table.owned(1, N) == {"a"}
    assert owners(jobs.table.release(1, N)) == [4]


def test_a_whole_set_can_be_downgraded(jobs: Jobs) -> None:
    jobs.ask(1, plan.all_exclusive())
    jobs.table.expand(1, N, ["a", "b"])
    jobs.ask(2, plan.shared("a"))
    jobs.ask(3, plan.exclusive("b"))
    assert owners(jobs.table.downgrade(1, N)) == [2]
    assert jobs.table.owned(1, N) == {"a", "b"}
    assert owners(jobs.table.release(1, N, ["b"])) == [3]


def test_part_of_a_whole_set_can_be_downgraded(jobs: Jobs) -> None:
    jobs.ask(1, plan.all_exclusive())
    jobs.table.expand(1, N, ["a", "b"])
    jobs.ask(2, plan.shared("a"))
    jobs.ask(3, plan.shared("b"))
    assert owners(jobs.table.downgrade(1, N, ["b"])) == [3]


def test_free_ones_are_taken_without_waiting(jobs: Jobs) -> None:
    jobs.ask(1, plan.exclusive("a"))
    jobs.ask(2, plan.exclusive("a", "b"))
    free = jobs.table.take_free(3, N, ["a", "b", "c"], Rank(0, 3), shared=False)
    assert free == {"c"}, "a is held, b is promised to job 2"
    assert jobs.table.owned(3, N) == {"c"}
    ahead = jobs.table.take_free(4, N, ["a", "b"], Rank(-1, 4), shared=True)
    assert ahead == {"b"}, "a better rank goes before job 2"


def test_nothing_is_free_below_a_whole_set(jobs: Jobs) -> None:
    jobs.ask(1, plan.all_shared())
    assert not jobs.table.take_free(2, N, ["a"], Rank(0, 2), shared=False)
    assert jobs.table.take_free(3, N, ["a"], Rank(0, 3), shared=True) == {"a"}


def test_levels_do_not_meet(jobs: Jobs) -> None:
    jobs.ask(1, plan.exclusive("a"), Level.NODE)
    assert jobs.ask(2, plan.exclusive("a"), Level.NODE_RES)


@pytest.mark.parametrize("level", [Level.NODE, Level.INSTANCE])
def test_levels_are_taken_in_order_and_once(jobs: Jobs, level: Level) -> None:
    jobs.ask(1, plan.shared("a"), Level.NODE)
    with pytest.raises(errors.ProgrammerError):
        jobs.ask(1, plan.shared("b"), level)


def test_who_waits_cannot_ask_again(jobs: Jobs) -> None:
    jobs.ask(1, plan.exclusive("a"))
    jobs.ask(2, plan.exclusive("a"))
    with pytest.raises(errors.ProgrammerError):
        jobs.ask(2, plan.exclusive("b"), Level.NODE_RES)


def test_rows_of_the_lock_query(jobs: Jobs) -> None:
    jobs.ask(1, plan.shared(plan.BIG_LOCK), Level.CLUSTER)
    jobs.ask(2, plan.shared(plan.BIG_LOCK), Level.CLUSTER)
    jobs.ask(3, plan.exclusive(plan.BIG_LOCK), Level.CLUSTER)
    jobs.ask(4, plan.shared(plan.BIG_LOCK), Level.CLUSTER)
    jobs.ask(5, plan.shared(plan.BIG_LOCK), Level.CLUSTER)
    jobs.ask(6, plan.shared(plan.BIG_LOCK), Level.CLUSTER, priority=10)
    jobs.ask(1, plan.exclusive("web1"), Level.INSTANCE)
    jobs.ask(2, plan.all_shared(), Level.INSTANCE)
    shared, exclusive = Mode.SHARED, Mode.EXCLUSIVE
    assert jobs.table.snapshot().rows() == [
        LockRow(
            "cluster/BGL",
            shared,
            (1, 2),
            ((exclusive, (3,)), (shared, (4, 5)), (shared, (6,))),
        ),
        LockRow("instance/[lockset]", None, (), ((shared, (2,)),)),
        LockRow("instance/web1", exclusive, (1,), ()),
    ]


def test_thousands_of_waiters_are_no_burden(jobs: Jobs) -> None:
    """Each release looks at a waiter once; a square of 2,000 would take minutes."""
    jobs.ask(0, plan.all_exclusive())
    for job in range(1, 2001):
        assert not jobs.ask(job, plan.exclusive(f"i{job}"))
    assert len(jobs.table.release_all(0)) == 2000
