# SPDX-License-Identifier: GPL-2.0-or-later
"""The life of jobs: submission, execution, failure, and what is durable before what."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import pytest
import simplejson

from ganeti import errors
from ganeti.master.locks import plan
from ganeti.master.locks.plan import Level, LockPlan
from ganeti.master.queue import job as jobs
from ganeti.master.queue.execution import Feedback, Run
from ganeti.master.queue.watch import Answer, Known
from ganeti.rpc.runner import Deposed
from test.support.queue_world import PATIENCE_S, Gate, OpSampleScripted, World, scripted


def stored_status(content: bytes) -> str:
    return str(simplejson.loads(content)["ops"][0]["status"])


def test_a_job_from_submission_to_success(world: World) -> None:
    world.script("answer", {"x": 42})
    number = world.submit("answer")
    job = world.until(number)
    assert number == 1
    assert (job.status, job.ops[0].result) == ("success", {"x": 42})
    assert job.received and job.start and job.end == job.ops[0].end
    assert job.received < job.start == job.ops[0].start < job.ops[0].exec < job.end  # type: ignore[operator]
    assert world.closed == 1
    for name in ("n2", "n3"):
        assert world.candidates.queue_of(name) == {"serial": b"1\n", "job-1": world.on_disk(1)}


def test_a_submission_is_answered_when_it_is_durable_everywhere(world: World) -> None:
    world.candidates.hold()
    answers: list[int] = []
    client = threading.Thread(target=lambda: answers.append(world.submit("nothing")))
    client.start()
    world.candidates.wait_for_calls(2)
    assert answers == []
    world.candidates.let_go()
    client.join(PATIENCE_S)
    assert answers == [1]
    assert {"n2", "n3"} == {name for name, f in world.candidates.files.items() if "job-1" in f}


def test_running_is_durable_before_an_opcode_is_carried_out(world: World) -> None:
    seen: list[str] = []

    def look(run: Run) -> None:
        seen.append(stored_status(world.on_disk(run.job_id)))
        seen.extend(stored_status(f["job-1"]) for f in world.candidates.files.values())

    world.script("look", look)
    world.until(world.submit("look"))
    assert seen == ["running", "running", "running"]


def test_prerequisites_are_checked_while_running_is_written(world: World) -> None:
    gate, done = Gate(), list[str]()
    world.script("checks", lambda run: done.append("run"), check=lambda: gate(None))
    world.candidates.hold()
    client = threading.Thread(target=lambda: world.submit("checks"))
    client.start()
    gate.wait_for_arrival()
    world.candidates.wait_for_calls(2)
    gate.let_through()
    assert done == []
    world.candidates.let_go()
    client.join(PATIENCE_S)
    assert world.until(1).status == "success"
    assert done == ["run"]


def test_an_end_is_seen_when_it_is_durable(world: World) -> None:
    gate = Gate()
    world.script("gate", gate)
    number = world.submit("gate")
    gate.wait_for_arrival()
    world.candidates.hold()
    gate.let_through()
    world.candidates.wait_for_calls(2)
    assert world.status(number) == "running"
    world.candidates.let_go()
    assert world.until(number).status == "success"


def test_names_that_were_completed_go_into_the_file(world: World) -> None:
    world.complete_names["short"] = "short.example.org"
    world.script("short.example.org")
    world.script("short")
    job = world.until(world.submit("short"))
    assert job.ops[0].input["script"] == "short.example.org"
    assert b"short.example.org" in world.on_disk(job.id)


def test_opcodes_run_one_after_the_other_and_jobs_in_between(world: World) -> None:
    world.max_running = 1
    order: list[str] = []
    first = Gate()

    def named(name: str) -> Any:
        return lambda run: order.append(name)

    def a(run: Run) -> None:
        first(run)
        order.append("a")

    world.script("a", a)
    world.script("b", named("b"))
    world.script("c", named("c"))
    one = world.submit("a", "b")
    first.wait_for_arrival()
    two = world.submit("c")
    first.let_through()
    world.until(one)
    world.until(two)
    assert order == ["a", "c", "b"]
    assert world.job(one).start == world.job(one).ops[0].start


@pytest.mark.parametrize(
    ("error", "stored"),
    [
        (
            errors.OpPrereqError("no disk", "wrong_state"),
            ["OpPrereqError", ["no disk", "wrong_state"]],
        ),
        (errors.OpExecError("it broke"), ["OpExecError", ["it broke"]]),
        (RuntimeError("a bug"), ["GenericError", ["RuntimeError: a bug"]]),
    ],
)
def test_a_failure_ends_the_job(world: World, error: Exception, stored: Any) -> None:
    def fail(run: Run) -> None:
        raise error

    world.script("fail", fail)
    job = world.until(world.submit("fail", "nothing"))
    assert [op.status for op in job.ops] == ["error", "error"]
    assert job.ops[0].result == stored
    assert job.ops[1].result == ["OpExecError", [jobs.PRECEDING_FAILED_TEXT]]
    assert world.closed == 1
    assert world.queue.lock_rows() == []


@pytest.mark.parametrize("where", ["begin", "want", "names_of"])
def test_a_failure_before_it_runs_ends_the_job_too(world: World, where: str) -> None:
    def fail(*args: Any) -> Any:
        raise errors.OpPrereqError("no such instance", "unknown_entity")

    entries: dict[Level, Any] = {Level.INSTANCE: plan.exclusive("a")}
    entries[Level.NODE] = {"want": fail, "names_of": plan.all_shared()}.get(where, plan.shared())
    begin = fail if where == "begin" else lambda feedback: None
    world.script("fail", plan=LockPlan(entries), begin=begin)
    if where == "names_of":
        world.scripts["fail"].names = _Failing()
    job = world.until(world.submit("fail"))
    assert (job.status, job.ops[0].exec) == ("error", None)
    assert world.queue.lock_rows() == []


class _Failing(dict[Level, Any]):
    def __missing__(self, level: Level) -> Any:
        raise RuntimeError("no names")


def test_a_result_that_is_no_json_is_a_failure(world: World) -> None:
    world.script("odd", lambda run: {1j})
    job = world.until(world.submit("odd"))
    assert job.ops[0].result[0] == "OpResultError"


def test_an_unknown_opcode_in_a_file_fails_when_its_turn_comes(world: World) -> None:
    number = world.queue_file({"OP_ID": "OP_OF_THE_FUTURE"})
    world.restart()
    job = world.until(number)
    assert job.ops[0].result[0] == "OpPrereqError"
    assert job.ops[0].summary == "INVALID_OP"


def test_log_lines_are_seen_at_once_and_written_at_leisure(world: World) -> None:
    gate = Gate()

    def talk(run: Run) -> None:
        run.feedback("message", "hello")
        run.feedback("message-list", ["a", "b"])
        gate(run)

    world.script("talk", talk)
    number = world.submit("talk")
    gate.wait_for_arrival()
    assert [entry[3] for entry in world.op(number).log] == ["hello", "a", "b"]
    calls = len(world.candidates.calls)
    assert b"hello" not in world.on_disk(number)
    world.pass_time(1)
    gate.let_through()
    world.until(number)
    assert b"hello" in world.on_disk(number)
    ends = world.candidates.calls[calls:]
    assert all(b'"success"' in content.files[f"job-{number}"] for _, content in ends)


def test_what_is_told_before_the_locks_are_there_is_seen_and_submits_the_job(world: World) -> None:
    gate = Gate()

    def tell(feedback: Feedback) -> None:
        feedback("message", "not yet")
        gate(None)

    world.script("tell", lambda run: run.feedback("message", "now"), begin=tell)
    number = world.submit("tell")
    gate.wait_for_arrival()
    assert world.status(number) == "waiting"
    assert [entry[3] for entry in world.op(number).log] == ["not yet"]
    gate.let_through()
    job = world.until(number)
    assert [(entry[0], entry[3]) for entry in job.ops[0].log] == [(1, "not yet"), (2, "now")]


def test_feedback_that_is_no_json_fails_the_opcode_not_the_queue(world: World) -> None:
    world.script("odd", lambda run: run.feedback("message", {1j}))
    assert world.until(world.submit("odd")).status == "error"
    assert world.until(world.submit("nothing")).status == "success"


def test_jobs_submitted_by_a_running_opcode(world: World) -> None:
    def spawn(run: Run) -> list[Any]:
        return run.submit_jobs([[scripted("nothing")], [scripted("nothing", depends=[(-1, [])])]])

    world.script("spawn", spawn)
    job = world.until(world.submit("spawn"))
    assert job.ops[0].result == [(True, 2), (True, 3)]
    assert world.until(3).status == "success"


def test_the_reason_trail_says_which_job_it_is(world: World) -> None:
    number = world.submit("nothing", reason=[("gnt:user", "because", 5)])
    first, second = world.op(number).input["reason"]
    assert list(first) == ["gnt:user", "because", 5]
    assert list(second)[:2] == ["gnt:opcode:sample_scripted", "job=1;index=0"]


def test_an_archived_file_that_cannot_be_read_is_as_good_as_none(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    Path(world.paths.archived_job(77)).mkdir(parents=True)
    job = world.until(world.submit("nothing", depends=[(77, [])]))
    assert "does not exist" in job.ops[0].result[1][0]
    assert "archived job 77 cannot be read" in caplog.text


def test_an_empty_job_is_accepted(world: World) -> None:
    assert world.until(world.queue.submit([])).status == "success"


def test_secrets_that_a_restart_lost(world: World) -> None:
    number = world.queue_file(
        {"OP_ID": "OP_SAMPLE_SCRIPTED", "script": "nothing", "secret": {"a": "<redacted>"}}
    )
    world.restart()
    job = world.until(number)
    assert job.ops[0].result[0] == "OpPrereqError"
    assert "submit the job again" in job.ops[0].result[1][0]
    fresh = world.until(world.submit("nothing", secret={"a": "x"}))
    assert fresh.status == "success"


def test_secrets_are_in_no_file_and_in_no_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gate = Gate()
    world.script("gate", gate)
    number = world.submit("gate", "nothing", secret={"password": "hunter2"})
    gate.wait_for_arrival()
    assert isinstance(opcode := world.op(number).opcode, OpSampleScripted)
    assert opcode.secret == {"password": "hunter2"}
    gate.let_through()
    world.until(number)
    assert world.queue.archive(number)
    world.queue.set_candidates(["n2", "n4"])
    world.let_writer_catch_up()
    kept = [path.read_bytes() for path in Path(world.paths.queue_dir).rglob("*") if path.is_file()]
    kept += [data for files in world.candidates.files.values() for data in files.values()]
    kept += [data for _, content in world.candidates.calls for data in content.files.values()]
    assert any(b"<redacted>" in data for data in kept)
    assert not any(b"hunter2" in data for data in kept)
    assert f"job {number}" in caplog.text and "hunter2" not in caplog.text


def test_a_second_way_when_resources_are_short(world: World) -> None:
    world.script("first", _short, plan=_exclusive("a"), second="other")
    world.script("other", "done", plan=_exclusive("b"))
    job = world.until(world.submit("first"))
    assert (job.status, job.ops[0].result, job.ops[0].input["script"]) == (
        "success",
        "done",
        "other",
    )
    assert (world.begun[job.id], world.closed) == (2, 2)


def test_a_second_way_that_is_short_too_is_an_error(world: World) -> None:
    world.script("first", _short, second="other")
    world.script("other", _short)
    job = world.until(world.submit("first"))
    assert job.ops[0].result == ["OpPrereqError", ["full", "temp_insufficient_resources"]]


def _short(_run: Run | None) -> None:
    raise errors.OpPrereqError("full", errors.Code.TEMP_NO_RESOURCES)


def _exclusive(*names: str) -> LockPlan:
    return LockPlan({Level.NODE: plan.exclusive(*names)})


def test_a_watcher_is_told_of_changes_and_of_lost_jobs(world: World) -> None:
    gate, told = Gate(), threading.Event()
    answers: list[Answer] = []
    world.script("gate", gate)
    number = world.submit("gate")
    gate.wait_for_arrival()

    def answer(news: Answer) -> None:
        answers.append(news)
        told.set()

    world.queue.wait_for_change(number, Known(["status"], ["running"]), 60, answer)
    gate.let_through()
    assert told.wait(PATIENCE_S)
    assert answers == [(["success"], [])]
    with pytest.raises(errors.JobLost):
        world.queue.wait_for_change(99, Known(["status"]), 60, answer)


def test_a_watcher_is_told_when_its_time_is_over(world: World) -> None:
    gate = Gate()
    answers: list[Answer] = []
    world.script("gate", gate)
    number = world.submit("gate")
    gate.wait_for_arrival()
    world.queue.wait_for_change(number, Known(["status"], ["running"]), 60, answers.append)
    world.pass_time(60)
    assert answers == ["nochange"]
    gate.let_through()


# When the disk or the candidates fail.


def test_a_submission_that_cannot_be_written_is_refused_and_never_runs(
    patient_world: World,
) -> None:
    ran: list[int] = []
    patient_world.script("note", lambda run: ran.append(run.job_id))
    patient_world.rule("PAUSE", ["jobid", ["=", "id", 2]])
    patient_world.primitives.fail = True
    for _ in range(2):  # one could run at once, the other has to wait
        with pytest.raises(errors.JobQueueError, match="no space left"):
            patient_world.submit("note")
    patient_world.primitives.fail = False
    patient_world.pass_time(1)
    assert patient_world.until_known(1).status == "error"
    assert patient_world.until_known(2).status == "canceled"
    assert patient_world.until(patient_world.submit("note")).id == 3
    assert ran == [3]


def test_a_refused_submission_has_no_second_way_either(world: World) -> None:
    gate, ran = Gate(), list[int]()
    world.script("first", check=lambda: _short(None), second="other")
    world.script("other", lambda run: ran.append(run.job_id), begin=lambda _feedback: gate(None))
    world.candidates.hold()
    world.primitives.fail = True
    refusals: list[errors.JobQueueError] = []

    def submit() -> None:
        with pytest.raises(errors.JobQueueError) as caught:
            world.submit("first")
        refusals.append(caught.value)

    client = threading.Thread(target=submit)
    client.start()
    gate.wait_for_arrival()
    world.candidates.wait_for_calls(2)
    world.candidates.let_go()
    client.join(PATIENCE_S)
    assert "no space left" in str(refusals)
    world.primitives.fail = False
    gate.let_through()
    assert world.until_known(1).status == "canceled"
    assert ran == []


def test_some_jobs_of_many_may_be_refused(patient_world: World) -> None:
    """The first can run at once and is written later than the others."""

    def break_disk(feedback: Feedback) -> None:
        patient_world.let_writer_catch_up()
        patient_world.primitives.fail = True

    patient_world.script("break", begin=break_disk)
    patient_world.rule("PAUSE", ["opcode", ["=", "script", "nothing"]])
    first, second = patient_world.queue.submit_many([[scripted("break")], [scripted("nothing")]])
    patient_world.primitives.fail = False
    assert first[0] is False and "cannot be written" in str(first[1])
    assert second == (True, 2)


def test_what_cannot_be_written_as_running_does_not_run(world: World) -> None:
    ran: list[int] = []

    def break_disk(feedback: Feedback) -> None:
        world.primitives.fail = True

    world.script("break", lambda run: ran.append(run.job_id), begin=break_disk)
    number = world.submit("nothing", "break")
    world.pass_time(0.005)
    world.wait_for_alarm()
    assert world.status(number) == "waiting"
    world.primitives.fail = False
    world.pass_time(1)
    job = world.until(number)
    assert "could not be written" in job.ops[1].result[1][0]
    assert ran == []


def test_a_job_that_can_run_at_once_is_written_once_for_both(patient_world: World) -> None:
    gate = Gate()
    patient_world.script("gate", gate)
    calls = len(patient_world.candidates.calls)
    number = patient_world.submit("gate")
    gate.wait_for_arrival()
    written = [content.files for _, content in patient_world.candidates.calls[calls:]]
    assert len(written) == 2, "one call for each candidate"
    assert stored_status(written[0][f"job-{number}"]) == "running"
    gate.let_through()


def test_a_job_that_takes_its_time_to_set_out_is_written_meanwhile(world: World) -> None:
    gate = Gate()
    world.script("slow", begin=lambda feedback: gate(None))
    assert world.submit("slow") == 1
    assert world.status(1) == stored_status(world.on_disk(1)) == "waiting"
    gate.let_through()
    assert world.until(1).status == "success"


def test_an_end_that_cannot_be_written_is_written_later(world: World) -> None:
    def break_disk(run: Run) -> str:
        world.primitives.fail = True
        return "done"

    world.script("break", break_disk)
    number = world.submit("break")
    for _ in range(3):
        world.wait_for_alarm()
        assert world.status(number) == "running"
        world.pass_time(1)
    world.wait_for_alarm()
    world.primitives.fail = False
    world.pass_time(1)
    assert world.until(number).ops[0].result == "done"


def test_a_candidate_that_fails_is_behind_and_gets_all_of_it_later(world: World) -> None:
    world.candidates.broken["n2"] = OSError("connection refused")
    number = world.submit("nothing")
    world.until(number)
    assert world.queue.behind() == {"n2": "connection refused"}
    assert f"job-{number}" not in world.candidates.files["n2"]
    del world.candidates.broken["n2"]
    world.pass_time(30)
    assert world.queue.behind() == {}
    assert world.candidates.files["n2"] == world.candidates.files["n3"]


def test_a_new_candidate_gets_the_whole_queue(world: World) -> None:
    world.candidates.files["n4"] = {"job-9": b"left from another time"}
    number = world.submit("nothing")
    world.until(number)
    world.queue.set_drained(True)
    world.queue.set_candidates(["n3", "n4"])
    world.queue.set_drained(False)
    assert world.candidates.queue_of("n4") == {"job-1": world.on_disk(1), "serial": b"1\n"}
    second = world.submit("nothing")
    world.until(second)
    assert "job-2" in world.candidates.files["n4"]
    assert "job-2" not in world.candidates.files["n2"]


def test_what_only_the_master_had_when_it_died_is_everywhere_before_it_is_seen(
    world: World,
) -> None:
    number = world.submit("nothing")
    world.until(number)
    world.queue.shutdown()
    world.queue.close()
    world.candidates.files["n2"][f"job-{number}"] = b"before the last round"
    world.queue = world.build()
    world.queue.start(["n2", "n3"])
    assert world.candidates.files["n2"][f"job-{number}"] == world.on_disk(number)
    assert world.status(number) == "success"


def test_a_deposed_master_acknowledges_nothing(world: World) -> None:
    gate = Gate()
    world.script("gate", gate)
    number = world.submit("gate")
    gate.wait_for_arrival()
    world.candidates.broken["n3"] = Deposed("node n3 obeys n9")
    with pytest.raises(errors.JobQueueError, match="n9"):
        world.submit("nothing")
    job = world.job(number)
    assert (job.status, job.ops[0].result) == ("error", ["JobQueueError", ["node n3 obeys n9"]])
    gate.let_through()
    assert world.queue.wait_until_settled(PATIENCE_S)
    assert world.job(number) == job
    with pytest.raises(errors.JobQueueError):
        world.submit("nothing")
    assert stored_status(world.candidates.files["n2"]["job-1"]) == "running"
