# SPDX-License-Identifier: GPL-2.0-or-later
"""The lock table, driven at random; after each step the promises are checked against a plain model.

The model says in the slowest and plainest way who conflicts with whom, name by name.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ganeti.master.locks.grip import Rank, Request
from ganeti.master.locks.plan import ALL, All, Level, Want
from ganeti.master.locks.table import LockTable

LEVELS = (Level.INSTANCE, Level.NODE)
NAMES = frozenset("abc")
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


wants = st.builds(
    Want, st.one_of(st.just(ALL), st.frozensets(st.sampled_from(sorted(NAMES)))), st.booleans()
)
jobs = st.integers(1, 6)
levels = st.sampled_from(LEVELS)
subsets = st.frozensets(st.sampled_from(sorted(NAMES)), min_size=1)
priorities = st.integers(-2, 2)


class Table(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.table = LockTable()
        self.arrivals = itertools.count()
        self.jobs: dict[int, Model] = {}

    def model(self, job: int, priority: int = 0) -> Model:
        return self.jobs.setdefault(job, Model(Rank(priority, next(self.arrivals))))

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

    @initialize(requests=st.lists(wants, min_size=2, max_size=6), level=levels)
    def crowd(self, requests: list[Want], level: Level) -> None:
        """Begin with several jobs at one level, so that there is something to wait for."""
        for job, want in enumerate(requests, start=1):
            self.ask(job, level, want, 0)

    @rule(job=jobs, level=levels, want=wants, priority=priorities)
    def ask(self, job: int, level: Level, want: Want, priority: int) -> None:
        model, names = self.model(job, priority), as_names(want)
        if not self.may_ask(model, level):
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

    @rule(job=jobs, level=levels, names=subsets, shared=st.booleans())
    def take_free(self, job: int, level: Level, names: frozenset[str], shared: bool) -> None:
        model = self.model(job)
        if not self.may_ask(model, level):
            return
        free = {n: not shared for n in names if not self.blockers(model, level, {n: not shared})}
        assert self.table.take_free(job, level, names, model.rank, shared=shared) == set(free)
        if free:
            model.held[level] = free

    @rule(job=jobs, level=levels, names=subsets)
    def release_some(self, job: int, level: Level, names: frozenset[str]) -> None:
        held = self.model(job).held
        if level in held:
            kept = {n: m for n, m in held[level].items() if n not in names | {OTHER}}
            held.pop(level)
            if kept:
                held[level] = kept
        self.granted(self.table.release(job, level, names))

    @rule(job=jobs, level=levels)
    def release_level(self, job: int, level: Level) -> None:
        self.model(job).held.pop(level, None)
        self.granted(self.table.release(job, level))

    @rule(job=jobs, level=levels, names=st.one_of(st.none(), subsets))
    def downgrade(self, job: int, level: Level, names: frozenset[str] | None) -> None:
        held = self.model(job).held
        if level in held:
            softer = held[level].keys() if names is None else names
            held[level] = {n: m and n not in softer for n, m in held[level].items()}
            if names is not None:
                held[level].pop(OTHER, None)
        self.granted(self.table.downgrade(job, level, names))

    @rule(job=jobs, priority=priorities)
    def change_priority(self, job: int, priority: int) -> None:
        model = self.model(job)
        if model.asked:
            model.rank = model.rank._replace(priority=priority)
        self.granted(self.table.change_priority(job, priority))

    @rule(job=jobs)
    def give_up(self, job: int) -> None:
        self.jobs.pop(job, None)
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
            self.give_up(job)
        assert self.table.snapshot().rows() == []


TestTable = Table.TestCase
TestTable.settings = settings(max_examples=200, stateful_step_count=25, deadline=None)
