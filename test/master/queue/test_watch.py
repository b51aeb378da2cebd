# SPDX-License-Identifier: GPL-2.0-or-later
"""Waiting for a change of a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ganeti import errors
from ganeti.master.queue import job as jobs
from ganeti.master.queue.job import Job
from ganeti.master.queue.watch import NO_CHANGE, Answer, Known, Watchers
from ganeti.opcodes.test import OpTestDelay
from test.support.alarms import FakeAlarms

NOW = (5, 0)


def row(job: Job, fields: Sequence[str]) -> list[Any]:
    return [{"status": job.status, "start_ts": job.start}[name] for name in fields]


class World:
    def __init__(self) -> None:
        self.alarms = FakeAlarms()
        self.watchers = Watchers(self.alarms, row, lambda number: self.job)
        self.job = jobs.submitted(3, [OpTestDelay(duration=1.0)], NOW)
        self.answers: list[Answer] = []

    def watch(self, known: Known, timeout_s: float = 60) -> None:
        self.watchers.add(3, known, timeout_s, self.answers.append)

    def change(self, job: Job) -> None:
        self.job = job
        self.watchers.changed(job.id)


@pytest.fixture
def world() -> World:
    return World()


def test_who_knows_nothing_is_answered_at_once(world: World) -> None:
    world.watch(Known(["status"]))
    assert world.answers == [(["queued"], [])]
    assert world.alarms.pending_s == []


def test_whoever_knows_everything_waits_for_the_change(world: World) -> None:
    world.watch(Known(["status", "start_ts"], ["queued", None]))
    assert world.answers == []
    world.change(jobs.waiting(world.job, 0, NOW))
    assert world.answers == [(["waiting", [5, 0]], [])]
    assert world.alarms.pending_s == []
    world.change(jobs.canceled(world.job, NOW))
    assert len(world.answers) == 1, "one answer is enough"


def test_a_change_that_is_not_asked_for_is_not_told(world: World) -> None:
    world.watch(Known(["status"], ["queued"]))
    world.change(jobs.more_urgent(world.job, 0))
    assert world.answers == []


def test_values_are_compared_as_they_look_after_the_wire(world: World) -> None:
    world.job = jobs.waiting(world.job, 0, NOW)
    world.watch(Known(["start_ts"], [[5, 0]]))
    assert world.answers == []


@pytest.mark.parametrize(("serial", "told"), [(None, [1, 2, 3]), (-1, [1, 2, 3]), (1, [2, 3])])
def test_new_log_entries_are_told(world: World, serial: int | None, told: list[int]) -> None:
    world.job = jobs.logged(world.job, 0, "message-list", ["a", "b", "c"], NOW)
    world.watch(Known(["status"], ["queued"], serial))
    (answer,) = world.answers
    assert isinstance(answer, tuple)
    assert [entry[0] for entry in answer[1]] == told


def test_old_log_entries_are_no_change(world: World) -> None:
    world.job = jobs.logged(world.job, 0, "message", "a", NOW)
    world.watch(Known(["status"], ["queued"], 1))
    assert world.answers == []
    world.change(jobs.logged(world.job, 0, "message", "b", NOW))
    assert world.answers == [(["queued"], [(2, NOW, "message", "b")])]


@pytest.mark.parametrize("end", [jobs.canceling, lambda job: jobs.canceled(job, NOW)])
def test_states_that_nobody_waits_in_are_told_at_once(world: World, end: Any) -> None:
    world.job = end(world.job)
    world.watch(Known(["status"], [str(world.job.status)]))
    assert len(world.answers) == 1


@pytest.mark.parametrize("timeout_s", [89, 1e9])
def test_when_the_time_is_over_nothing_has_changed(world: World, timeout_s: float) -> None:
    world.watch(Known(["status"], ["queued"]), timeout_s=timeout_s)
    world.alarms.pass_time(88)
    assert world.answers == []
    world.alarms.pass_time(1)
    assert world.answers == [NO_CHANGE]
    world.change(jobs.canceled(world.job, NOW))
    assert len(world.answers) == 1


def test_a_negative_timeout_is_an_error(world: World) -> None:
    with pytest.raises(errors.OpPrereqError):
        world.watch(Known(["status"]), timeout_s=-1)


def test_many_watchers_are_independent(world: World) -> None:
    for _ in range(3):
        world.watch(Known(["status"], ["queued"]))
    world.watch(Known(["start_ts"], [None]))
    world.change(jobs.canceling(jobs.more_urgent(world.job, 0)))
    assert len(world.answers) == 4
