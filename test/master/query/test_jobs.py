# SPDX-License-Identifier: GPL-2.0-or-later
"""What the fields of jobs, locks and job filters say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import OpPrereqError
from ganeti.master.locks.plan import Level, LockPlan, exclusive
from ganeti.master.query import engine, fields_job
from ganeti.model.filter import FilterRule
from test.support.cluster import a_cluster, a_uuid
from test.support.master_world import MasterWorld
from test.support.queue_world import Gate
from test.support.queue_world import World as QueueWorld


class World(MasterWorld):
    def __init__(self, root: Path) -> None:
        super().__init__(root, a_cluster().build())
        self.queue = QueueWorld(root)
        self.queue.start()
        self.services.jobs = self.queue.queue

    def run(self, *scripts: str) -> int:
        job_id = self.queue.submit(*scripts)
        self.queue.until(job_id)
        return job_id

    def rows(self, what: str, fields: list[str], qfilter: Any = None) -> list[Any]:
        found: list[Any] = engine.query(self.services, what, fields, qfilter)["data"]
        return found

    def ids(self, qfilter: Any, *more: str) -> list[int]:
        return [row[0][1] for row in self.rows("job", ["id", *more], qfilter)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.queue.queue.shutdown()
    made.queue.queue.close(timeout_s=1)


def test_a_job_that_ended(world: World) -> None:
    world.queue.script("sum", 42)
    job_id = world.run("sum", "nothing")
    fields = ["id", "status", "opstatus", "opresult", "summary", "priority", "archived"]
    assert world.rows("job", fields) == [
        [
            *((0, job_id), (0, "success"), (0, ["success", "success"]), (0, [42, None])),
            *((0, ["SAMPLE_SCRIPTED(sum)", "SAMPLE_SCRIPTED(nothing)"]), (0, 0), (0, False)),
        ]
    ]
    ((received, start, end),) = world.rows("job", ["received_ts", "start_ts", "end_ts"])
    assert received[1] <= start[1] <= end[1]


def test_opcodes_are_shown_without_what_is_not_set(world: World) -> None:
    world.run("nothing")
    (((_, (op,)),),) = world.rows("job", ["ops"])
    assert list(op) == ["script", "priority", "depends", "comment", "reason", "OP_ID"]
    assert (op["depends"], op["comment"]) == (None, None)


def test_opcodes_are_shown_without_secrets(world: World) -> None:
    job_id = world.queue.submit("nothing", secret={"password": "hidden"})
    world.queue.until(job_id)
    (((_, (op,)),),) = world.rows("job", ["ops"])
    assert op["secret"] == {"password": None}


def test_a_job_that_waits_has_no_times_yet(world: World) -> None:
    gate = Gate()
    world.queue.script("gated", gate)
    world.queue.submit("gated", "nothing")
    gate.wait_for_arrival()
    assert world.rows("job", ["end_ts", "status"]) == [[(3, None), (0, "running")]]
    (((_, starts),),) = world.rows("job", ["opstart"])
    assert starts[0] and starts[1] is None
    gate.let_through()


def test_a_job_that_is_asked_for_and_unknown_has_a_row(world: World) -> None:
    job_id = world.run("nothing")
    wanted = ["|", ["==", "id", 4711], ["==", "id", str(job_id)]]
    assert world.rows("job", ["id", "status", "archived"], wanted) == [
        [(0, 4711), (3, None), (3, None)],
        [(0, job_id), (0, "success"), (0, False)],
    ]
    rows = engine.old_style(world.services, "job", ["id", "status"], [4711, job_id])
    assert rows == [[4711, None], [job_id, "success"]]


def test_the_archive_is_read_only_if_somebody_asks(world: World) -> None:
    first, second = world.run("nothing"), world.run("nothing")
    assert world.services.jobs.archive(first)
    assert world.ids(None) == [second]
    assert world.ids(None, "archived") == [first, second]
    assert world.ids(["?", "archived"]) == [first]
    assert world.ids(["==", "id", first]) == [first]


def test_jobs_can_be_filtered(world: World) -> None:
    jobs = [world.run("nothing") for _ in range(3)]
    assert world.ids([">", "id", jobs[0]]) == jobs[1:]
    assert world.ids(["==", "status", "error"]) == []
    assert world.ids(["=[]", "summary", "SAMPLE_SCRIPTED(nothing)"]) == jobs
    assert world.ids([">", "received_ts", 2_000_000_000]) == []


def test_watchers_get_plain_values(world: World) -> None:
    job = world.queue.job(world.run("nothing"))
    assert fields_job.values(job, ["id", "status", "opstatus"]) == [job.id, "success", ["success"]]
    with pytest.raises(OpPrereqError, match="color"):
        fields_job.values(job, ["color"])


def test_what_is_no_job_number_is_refused(world: World) -> None:
    with pytest.raises(OpPrereqError, match="no job number"):
        engine.old_style(world.services, "job", ["id"], ["x"])


def test_locks(world: World) -> None:
    gate = Gate()
    plan = LockPlan({Level.INSTANCE: exclusive("web")})
    world.queue.script("gated", gate, plan=plan)
    holder = world.queue.submit("gated")
    gate.wait_for_arrival()
    waiter = world.queue.submit("gated")
    world.queue.until_blocked(waiter)
    rows = world.rows("lock", ["name", "mode", "owner", "pending"], ["=~", "name", "^instance/"])
    assert rows == [
        [
            *((0, "instance/web"), (0, "exclusive"), (0, [str(holder)])),
            (0, [["exclusive", [str(waiter)]]]),
        ]
    ]
    assert world.rows("lock", ["owner"], ["==", "name", "instance/web"]) == [[(0, [str(holder)])]]
    gate.let_through(2)
    world.queue.until(waiter)
    assert world.rows("lock", ["name"], ["=~", "name", "^instance/"]) == []


def test_filters_come_in_the_order_in_which_they_count(world: World) -> None:
    rules = [
        FilterRule(
            uuid=a_uuid(900 + priority),
            watermark=7,
            priority=priority,
            predicates=(("jobid", ["<", "id", "watermark"]),),
            action="PAUSE",
            reason_trail=(("gnt:user", "maintenance", 1),),
        )
        for priority in (5, 0)
    ]
    world.store.current = world.store.current.changed(rules)
    rows = world.rows("filter", ["priority", "uuid", "predicates", "action", "watermark"])
    assert rows[0] == [
        *((0, 0), (0, a_uuid(900)), (0, [["jobid", ["<", "id", "watermark"]]])),
        *((0, "PAUSE"), (0, 7)),
    ]
    assert len(rows) == 2
    with pytest.raises(OpPrereqError):
        world.rows("filter", ["uuid"], ["==", "uuid", "none"])
