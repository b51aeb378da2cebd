# SPDX-License-Identifier: GPL-2.0-or-later
"""The lock table, driven at random; after each step the promises are checked against a plain model.

The model says in the slowest and plainest way who conflicts with whom, name by name.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ganeti import errors
from ganeti.master.locks.grip import Rank, Request
from ganeti.master.locks.plan import ALL, All, Level, Want
from ganeti.master.locks.table import LockTable

LEVELS = (Level.INSTANCE, Level.NODE)
NAMES = frozenset("abcd")
MOST_JOBS = 8
OTHER = "any other name"
"""Stands for the names that a whole set covers without our knowing them."""


@dataclass
class Model:
    """What one job has at each level: a name's mode is True when it is exclusive."""

    rank: Rank
    held: dict[Level, dict[str, bool]] = field(default_factory=dict)
    asked: tuple[Level, dict[str, bool]] | None = None


def as_names(want: Want) -> dict[str, bool]:
    names = NAMES | {OTHER} if isinstance(want.names, All) else want.names
    return dict.fromkeys(names, not want.shared)


def conflict(one: dict[str, bool], two: dict[str, bool]) -> bool:
    return any(one[name] or two[name] for name in one.keys() & two.keys())


names = st.sampled_from(sorted(NAMES))
wants = st.builds(
    Want,
    st.one_of(st.just(ALL), st.frozensets(names, max_size=2), st.frozensets(names)),
    st.booleans(),
)
picks = st.integers(0, 30)
levels = st.sampled_from(LEVELS)
subsets = st.frozensets(names, min_size=1)
priorities = st.integers(-2, 2)


class Table(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.table = LockTable()
        self.arrivals = itertools.count()
        self.jobs: dict[int, Model] = {}

    def pick(self, choice: int, *, holder_at: Level | None = None) -> int:
        """One of the jobs, if there is one of those that hold something there."""
        holders = [n for n, m in self.jobs.items() if holder_at in (None, *m.held)]
        numbers = holders or list(self.jobs)
        return numbers[choice % len(numbers)]

    def blockers(self, model: Model, level: Level, names: dict[str, bool]) -> bool:
        """Does a holder, or a better-ranked waiter, stand in the way?"""
        others = [m for m in self.jobs.values() if m is not model]
        holders = [m.held[level] for m in others if level in m.held]
        ahead = [
            m.asked[1] for m in others if m.asked and m.asked[0] is level and m.rank < model.rank
        ]
        return any(conflict(names, other) for other in holders + ahead)

    def may_ask(self, model: Model, level: Level) -> bool:
        first_free = max((LEVELS.index(at) for at in model.held), default=-1) + 1
        return model.asked is None and LEVELS.index(level) >= first_free

    @initialize(
        requests=st.lists(st.tuples(wants, priorities), min_size=3, max_size=MOST_JOBS),
        level=levels,
        has_all=st.booleans(),
    )
    def crowd(self, requests: list[tuple[Want, int]], level: Level, has_all: bool) -> None:
        """Begin with several jobs at one level, so that there is something to wait for.

        `has_all`: one that was there before has the whole set.
        """
        if has_all:
            self.newcomer(level, Want(ALL, shared=False), 0)
        for want, priority in requests:
            self.newcomer(level, want, priority)

    @rule(level=levels, want=wants, priority=priorities)
    def newcomer(self, level: Level, want: Want, priority: int) -> None:
        if len(self.jobs) < MOST_JOBS:
            arrival = next(self.arrivals)
            self.jobs[arrival] = Model(Rank(priority, arrival))
            self.ask(arrival, level, want)

    @rule(choice=picks, level=levels, want=wants)
    def ask_more(self, choice: int, level: Level, want: Want) -> None:
        if self.jobs:
            self.ask(self.pick(choice), level, want)

    def ask(self, job: int, level: Level, want: Want) -> None:
        model, names = self.jobs[job], as_names(want)
        if not self.may_ask(model, level):
            with pytest.raises(errors.ProgrammerError):
                self.table.request(job, level, want, model.rank)
            return
        granted = self.table.request(job, level, want, model.rank)
        assert granted is not self.blockers(model, level, names)
        if not granted:
            model.asked = (level, names)
        elif names:
            self.take(job, level, names)

    def take(self, job: int, level: Level, names: dict[str, bool]) -> None:
        self.jobs[job].held[level] = names
        if OTHER in names:
            self.table.expand(job, level, NAMES)

    @rule(choice=picks, level=levels, names=subsets, shared=st.booleans())
    def take_free(self, choice: int, level: Level, names: frozenset[str], shared: bool) -> None:
        if not self.jobs or not self.may_ask(self.jobs[job := self.pick(choice)], level):
            return
        model = self.jobs[job]
        free = {n: not shared for n in names if not self.blockers(model, level, {n: not shared})}
        assert self.table.take_free(job, level, names, model.rank, shared=shared) == set(free)
        if free:
            model.held[level] = free

    @precondition(lambda self: self.jobs)
    @rule(choice=picks, level=levels, names=subsets)
    def release_some(self, choice: int, level: Level, names: frozenset[str]) -> None:
        job = self.pick(choice, holder_at=level)
        held = self.jobs[job].held
        if level in held:
            kept = {n: m for n, m in held[level].items() if n not in names | {OTHER}}
            held.pop(level)
            if kept:
                held[level] = kept
        self.granted(self.table.release(job, level, names))

    @precondition(lambda self: self.jobs)
    @rule(choice=picks, level=levels)
    def release_level(self, choice: int, level: Level) -> None:
        job = self.pick(choice, holder_at=level)
        self.jobs[job].held.pop(level, None)
        self.granted(self.table.release(job, level))

    @precondition(lambda self: self.jobs)
    @rule(choice=picks, level=levels, names=st.one_of(st.none(), subsets))
    def downgrade(self, choice: int, level: Level, names: frozenset[str] | None) -> None:
        job = self.pick(choice, holder_at=level)
        held = self.jobs[job].held
        if level in held:
            softer = held[level].keys() if names is None else names
            held[level] = {n: m and n not in softer for n, m in held[level].items()}
            if names is not None:
                held[level].pop(OTHER, None)
        self.granted(self.table.downgrade(job, level, names))

    @precondition(lambda self: self.jobs)
    @rule(choice=picks, priority=priorities)
    def change_priority(self, choice: int, priority: int) -> None:
        job = self.pick(choice)
        model = self.jobs[job]
        if model.asked:
            model.rank = model.rank._replace(priority=priority)
        self.granted(self.table.change_priority(job, priority))

    @precondition(lambda self: self.jobs)
    @rule(choice=picks)
    def give_up(self, choice: int) -> None:
        self.leave(self.pick(choice))

    def leave(self, job: int) -> None:
        self.jobs.pop(job)
        self.granted(self.table.release_all(job))

    def granted(self, requests: list[Request]) -> None:
        """Each grant must have been due; the model follows."""
        for request in requests:
            model = self.jobs[request.owner]
            assert model.asked is not None and model.asked[0] is request.level
            names, model.asked = model.asked[1], None
            assert not self.blockers(model, request.level, names)
            self.take(request.owner, request.level, names)

    @invariant()
    def no_two_conflicting_holders(self) -> None:
        for level in LEVELS:
            held = [m.held[level] for m in self.jobs.values() if level in m.held]
            assert not any(conflict(a, b) for a, b in itertools.combinations(held, 2))

    @invariant()
    def no_lost_waiter(self) -> None:
        for model in self.jobs.values():
            if model.asked:
                assert self.blockers(model, *model.asked)

    @invariant()
    def the_table_knows_what_the_model_knows(self) -> None:
        for job, model in self.jobs.items():
            for level in LEVELS:
                assert self.table.owned(job, level) == model.held.get(level, {}).keys() - {OTHER}

    @precondition(lambda self: self.jobs)
    @rule()
    def everyone_leaves(self) -> None:
        for job in list(self.jobs):
            self.leave(job)
        assert self.table.snapshot().rows() == []


TestTable = Table.TestCase
TestTable.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
