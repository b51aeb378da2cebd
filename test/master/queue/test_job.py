# SPDX-License-Identifier: GPL-2.0-or-later
"""Job files byte by byte, derived states, and the transitions."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st

from ganeti import errors
from ganeti.master.queue import job as jobs
from ganeti.master.queue.job import Job, Status
from ganeti.opcodes import base
from ganeti.opcodes.test import OpTestDelay

NOW, LATER = (1700000000, 100000), (1700000009, 5)


class OpSampleKeepSecret(base.OpCode):
    """Only for these tests."""

    secrets: Annotated[dict[str, Any] | None, base.Disclosure.SECRET] = base.param(
        "S", default=None
    )
    private: Annotated[dict[str, Any] | None, base.Disclosure.PRIVATE] = base.param(
        "P", default=None
    )


def delay(**more: Any) -> OpTestDelay:
    return OpTestDelay(duration=5.0, **more)


def two_ops() -> Job:
    return jobs.submitted(17, [delay(), delay(priority=-10)], NOW)


QUEUED_FILE = (
    '{"id":17,"ops":[{"input":{"duration":5.0,"on_master":true,"on_nodes":[],"on_node_uuids":null,'
    '"repeat":0,"interruptible":false,"no_locks":true,"dry_run":null,"debug_level":null,"priority":0,'
    '"depends":null,"comment":null,"reason":[["gnt:client:gnt-debug","delay",1],'
    '["gnt:opcode:test_delay","job=17;index=0",1700000000100000000]],"OP_ID":"OP_TEST_DELAY"},'
    '"status":"queued","result":null,"log":[],"start_timestamp":null,"exec_timestamp":null,'
    '"end_timestamp":null,"priority":0}],"start_timestamp":null,"end_timestamp":null,'
    '"received_timestamp":[1700000000,100000]}'
)

RUNNING_FILE = (
    '{"id": 17, "ops": [{"input": {"duration": 5.0, "on_master": true, "on_nodes": [],'
    ' "on_node_uuids": null, "repeat": 0, "interruptible": false, "no_locks": true, "dry_run": null,'
    ' "debug_level": null, "priority": 0, "depends": null, "comment": null,'
    ' "reason": [["gnt:client:gnt-debug", "delay", 1],'
    ' ["gnt:opcode:test_delay", "job=17;index=0", 1700000000100000000]], "OP_ID": "OP_TEST_DELAY"},'
    ' "status": "running", "result": null,'
    ' "log": [[1, [1700000009, 5], "message", "text"]],'
    ' "start_timestamp": [1700000000, 100000], "exec_timestamp": [1700000009, 5],'
    ' "end_timestamp": null, "priority": 0}], "start_timestamp": [1700000000, 100000],'
    ' "end_timestamp": null, "received_timestamp": [1700000000, 100000]}\n'
)


def one_op() -> Job:
    return jobs.submitted(17, [delay(reason=[("gnt:client:gnt-debug", "delay", 1)])], NOW)


def running(job: Job, opcode: base.OpCode, now: jobs.Stamp = NOW) -> Job:
    return jobs.running(job, 0, opcode, opcode.encode(for_disk=True), now)


def test_the_file_of_a_queued_job() -> None:
    assert one_op().encoded.decode() == QUEUED_FILE


def test_the_file_of_a_running_job() -> None:
    job = jobs.waiting(one_op(), 0, NOW)
    opcode = job.ops[0].opcode
    assert opcode is not None
    job = jobs.logged(running(job, opcode, LATER), 0, "message", "text", LATER)
    assert job.encoded.decode() == RUNNING_FILE


@pytest.mark.parametrize("content", [QUEUED_FILE, RUNNING_FILE])
def test_reading_and_writing_again_gives_the_same_bytes(content: str) -> None:
    assert jobs.decode(content.encode()).encoded.decode() == content


def test_unknown_keys_and_those_of_other_versions_are_kept() -> None:
    raw = simplejson.loads(RUNNING_FILE)
    raw |= {"livelock": "/run/x", "process_id": None, "future": [1]}
    raw["ops"][0]["colour"] = "green"
    content = (simplejson.dumps(raw) + "\n").encode()
    assert jobs.decode(content).encoded == content


def test_numbers_that_json_does_not_have_are_left_out() -> None:
    op = jobs.Operation({"hvparams": {"a": float("inf"), "b": float("nan"), "c": 1.5}})
    (again,) = jobs.decode(Job(1, (op,)).encoded).ops
    assert again.input == {"hvparams": {"a": None, "b": None, "c": 1.5}}


def test_old_files_lack_some_keys() -> None:
    raw = {
        "id": "4",
        "ops": [{"input": {"OP_ID": "OP_TEST_DELAY", "duration": 1}, "status": "success"}],
    }
    job = jobs.decode(simplejson.dumps(raw).encode())
    assert (job.id, job.status, job.received, job.start, job.end) == (
        4,
        "success",
        None,
        None,
        None,
    )
    assert (job.ops[0].priority, job.ops[0].log, job.ops[0].exec) == (0, (), None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b'{"id": 1}',
        b'{"id": 1, "ops": [3]}',
        b'{"id": 1, "ops": [{"input": {}, "status": "eaten"}]}',
        b'{"id": 1, "ops": [], "end_timestamp": 3}',
        b'{"id": 1, "ops": [{"input": {}, "status": "queued", "log": [1]}]}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_job_file(content: bytes) -> None:
    with pytest.raises(errors.JobFileCorrupted):
        jobs.decode(content)


@pytest.mark.parametrize(
    ("raw", "summary"),
    [
        ({"OP_ID": "OP_TEST_DELAY", "duration": 1.0}, "TEST_DELAY(1.0)"),
        ({"OP_ID": "OP_OF_THE_FUTURE"}, "INVALID_OP"),
        ({"OP_ID": "OP_TEST_DELAY"}, "INVALID_OP"),
        ({}, "INVALID_OP"),
    ],
)
def test_what_cannot_be_decoded_stays_listable(raw: dict[str, Any], summary: str) -> None:
    assert jobs.Operation(raw).summary == summary


@pytest.mark.parametrize("secrets", [{"a": "hidden"}, None])
def test_secrets_stay_in_memory(secrets: dict[str, str] | None) -> None:
    opcode = OpSampleKeepSecret(secrets=secrets, private={"b": "hidden"})
    job = jobs.submitted(1, [opcode], NOW)
    given_op = job.ops[0].opcode
    assert isinstance(given_op, OpSampleKeepSecret) and given_op.secrets == secrets
    assert not job.ops[0].lost_secrets
    assert b"hidden" not in job.encoded
    again = jobs.decode(job.encoded).ops[0]
    assert again.lost_secrets
    assert again.input["private"] == {"b": None}


@pytest.mark.parametrize(
    ("statuses", "derived"),
    [
        ("queued queued", "queued"),
        ("waiting queued", "waiting"),
        ("running queued", "running"),
        ("success queued", "queued"),
        ("success waiting", "waiting"),
        ("success success", "success"),
        ("canceling canceling", "canceling"),
        ("success canceled canceled", "canceled"),
        ("error error", "error"),
        ("success error canceled", "error"),
        ("", "success"),
    ],
)
def test_a_jobs_status_is_derived(statuses: str, derived: str) -> None:
    assert jobs.derive(Status(word) for word in statuses.split()) == derived


@given(st.lists(st.sampled_from(Status)))
def test_a_derived_status_says_final_only_if_nothing_can_follow(statuses: list[Status]) -> None:
    derived = jobs.derive(statuses)
    if derived in jobs.FINAL:
        first_other = next((s for s in statuses if s is not Status.SUCCESS), Status.SUCCESS)
        assert derived is Status.SUCCESS or derived in statuses
        assert (derived is Status.SUCCESS) == (first_other is Status.SUCCESS)


def test_an_empty_job_ends_when_it_comes() -> None:
    job = jobs.submitted(3, [], NOW)
    assert (job.status, job.end) == (Status.SUCCESS, NOW)


def test_taking_up_sets_the_jobs_start_once() -> None:
    first = jobs.waiting(two_ops(), 0, NOW)
    assert (first.start, first.ops[0].start, first.status) == (NOW, NOW, "waiting")
    second = jobs.waiting(jobs.succeeded(first, 0, None, NOW), 1, LATER)
    assert (second.start, second.ops[1].start, second.current) == (NOW, LATER, 1)


def test_success_of_the_last_opcode_ends_the_job() -> None:
    half = jobs.succeeded(two_ops(), 0, {"x": 1}, NOW)
    assert (half.status, half.end, half.finished) == ("queued", None, 1)
    full = jobs.succeeded(half, 1, None, LATER)
    assert (full.status, full.end, full.ops[0].result) == ("success", LATER, {"x": 1})


def test_a_failure_takes_the_following_opcodes_with_it() -> None:
    job = jobs.failed(two_ops(), 0, errors.OpPrereqError("no disk", "wrong_state"), LATER)
    assert [op.status for op in job.ops] == ["error", "error"]
    assert job.ops[0].result == ["OpPrereqError", ["no disk", "wrong_state"]]
    assert job.ops[1].result == ["OpExecError", [jobs.PRECEDING_FAILED_TEXT]]
    assert job.end == job.ops[1].end == LATER


def test_cancelling_spares_what_has_ended() -> None:
    job = jobs.succeeded(two_ops(), 0, 5, NOW)
    assert [op.status for op in jobs.canceling(job).ops] == ["success", "canceling"]
    ended = jobs.canceled(job, LATER)
    assert [op.status for op in ended.ops] == ["success", "canceled"]
    assert (ended.ops[0].result, ended.ops[1].result) == (5, "Job canceled by request")
    assert ended.end == LATER


def test_log_serials_count_over_all_opcodes() -> None:
    job = jobs.logged(two_ops(), 0, "message-list", ["one", "two"], NOW)
    job = jobs.logged(job, 1, "delay-test", {"x": 1}, LATER)
    assert job.ops[0].log == ((1, NOW, "message", "one"), (2, NOW, "message", "two"))
    assert job.ops[1].log == ((3, LATER, "delay-test", {"x": 1}),)
    assert job.last_log_serial == 3


def test_priority_is_that_of_the_most_urgent_opcode_left() -> None:
    job = two_ops()
    assert job.priority == -10
    low = jobs.reprioritised(jobs.waiting(job, 0, NOW), 10)
    assert low is not None and low.priority == 10
    opcode = low.ops[0].opcode
    assert opcode is not None
    mixed = jobs.reprioritised(running(low, opcode), -10)
    assert mixed is not None and [op.priority for op in mixed.ops] == [10, -10]
    alone = running(one_op(), opcode)
    assert jobs.reprioritised(alone, 10) is None


def test_urgency_rises_by_one_up_to_the_highest() -> None:
    job = one_op()
    for _ in range(30):
        job = jobs.more_urgent(job, 0)
    assert job.priority == -20
    assert jobs.more_urgent(one_op(), 0).priority == -1


def test_a_second_attempt_waits_with_another_opcode() -> None:
    job = running(jobs.waiting(one_op(), 0, NOW), delay())
    again = jobs.tried_again(job, 0, delay(repeat=3))
    assert (again.status, again.ops[0].input["repeat"]) == ("waiting", 3)
