# SPDX-License-Identifier: GPL-2.0-or-later
"""Lock plans are values; two-step entries see what is held already."""

from ganeti.master.locks import plan
from ganeti.master.locks.plan import Level, LockPlan, Want


def test_levels_are_in_the_order_of_the_lock_names() -> None:
    assert [str(level) for level in Level] == [
        *("cluster", "instance", "nodegroup", "node", "node-res", "network"),
    ]


def test_a_level_that_is_not_named_needs_nothing() -> None:
    assert LockPlan().want(Level.NODE, {}) is None


def test_an_entry_may_depend_on_what_is_held() -> None:
    same = LockPlan(
        {
            Level.NODE: plan.shared("a", "b"),
            Level.NODE_RES: lambda held: plan.exclusive(*held[Level.NODE]),
        }
    )
    assert same.want(Level.NODE, {}) == Want(frozenset({"a", "b"}), shared=True)
    held = {Level.NODE: frozenset({"a"})}
    assert same.want(Level.NODE_RES, held) == Want(frozenset({"a"}), shared=False)


def test_whole_levels_and_free_ones() -> None:
    assert plan.all_shared() == Want(plan.ALL, shared=True)
    assert plan.all_exclusive() == Want(plan.ALL, shared=False)
    assert plan.free_ones(["a", "b"], 2) == Want(frozenset({"a", "b"}), False, 2)
    assert plan.free_ones(plan.ALL, 1, shared=True) == Want(plan.ALL, True, 1)
