# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of what a starting master does with each file it finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import simplejson

from ganeti.master.queue import job as jobs
from ganeti.master.queue import restart
from ganeti.master.queue.job import Job, Status
from ganeti.opcodes.test import OpTestDelay

NOW = (1700000000, 0)


def stored(number: int, *statuses: str) -> Job:
    job = jobs.submitted(number, [OpTestDelay(duration=1.0) for _ in statuses], (1, 0))
    ops = zip(job.ops, statuses, strict=True)
    return replace(job, ops=tuple(replace(op, status=Status(word)) for op, word in ops))


@pytest.mark.parametrize(
    ("found", "after"),
    [
        ("queued", "queued"),
        ("waiting", "queued"),
        ("canceling", "error"),
        ("running", "error"),
        ("canceled", "canceled"),
        ("success", "success"),
        ("error", "error"),
        ("queued queued", "queued queued"),
        ("waiting queued", "queued queued"),
        ("running queued", "error error"),
        ("canceling canceling", "error error"),
        ("success queued", "success queued"),
        ("success waiting", "success queued"),
        ("success running queued", "success error error"),
        ("success canceling", "success error"),
        ("success success", "success success"),
        ("success error error", "success error error"),
    ],
)
def test_what_becomes_of_each_state(found: str, after: str) -> None:
    job = stored(4, *found.split())
    plan = planned({4: job.encoded}, 4)
    resumed = plan.jobs[4]
    assert [str(op.status) for op in resumed.ops] == after.split()
    broken_off = found != after and resumed.status is Status.ERROR
    assert resumed.end == (NOW if broken_off else None)
    for op, was in zip(resumed.ops, found.split(), strict=True):
        is_ended_now = op.status is Status.ERROR and was != "error"
        assert (op.result == ["OpExecError", [jobs.UNCLEAN_TEXT]]) is is_ended_now


def planned(files: Mapping[int, bytes], serial: int) -> restart.Restart:
    return restart.plan(files, dict.fromkeys(files, 0), serial, NOW)


def test_what_ended_now_and_the_last_round_are_written_again() -> None:
    last = 1000
    found = {
        1: (stored(1, "running"), 1),
        2: (stored(2, "success"), 999),
        3: (stored(3, "success"), last),
        4: (stored(4, "success", "queued"), last),
        5: (stored(5, "queued"), last),
        6: (stored(6, "queued"), 999),
    }
    files = {n: job.encoded for n, (job, _) in found.items()}
    written = {n: number for n, (_, number) in found.items()}
    assert restart.plan(files, written, 6, NOW).to_write == (1, 3, 4, 5)


def test_nothing_found() -> None:
    assert planned({}, 12) == restart.Restart({}, (), {}, 12)


@pytest.mark.parametrize(
    ("serial", "files", "last_id"), [(9, [3, 8], 9), (7, [3, 8], 8), (0, [1], 1)]
)
def test_no_number_is_given_out_again(serial: int, files: list[int], last_id: int) -> None:
    contents = {n: stored(n, "queued").encoded for n in files}
    assert planned(contents, serial).last_id == last_id


def test_unreadable_files_are_set_aside_and_their_numbers_are_used_up() -> None:
    plan = planned({3: b"not json", 4: stored(5, "queued").encoded}, 2)
    assert plan.jobs == {}
    assert sorted(plan.unreadable) == [3, 4]
    assert "file of job 4 holds job 5" in plan.unreadable[4]
    assert plan.last_id == 4


@pytest.mark.parametrize(
    "more", [{"depends": [["x", []]]}, {"depends": 7}, {"depends": [[1]]}, {"reason": [[]]}]
)
def test_what_the_queue_reads_of_opcodes_must_be_readable(more: dict[str, object]) -> None:
    raw = simplejson.loads(stored(3, "queued").encoded)
    raw["ops"][0]["input"] = {"OP_ID": "OP_OF_THE_FUTURE", **more}
    assert list(planned({3: simplejson.dumps(raw).encode()}, 3).unreadable) == [3]


def test_jobs_come_in_the_order_of_their_numbers() -> None:
    contents = {n: stored(n, "queued").encoded for n in (10, 9, 100)}
    assert list(planned(contents, 0).jobs) == [9, 10, 100]
