# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs on the terminal: log lines, results, several jobs."""

from typing import Any

import pytest

from ganeti import errors
from ganeti.luxi.client import ProtocolError
from test.support.cli import CommandLine, Outcome, failed

STAMP = "Tue Nov 14 22:13:20 2023"


def delay(cli: CommandLine, *options: str) -> tuple[int, str, str]:
    return cli.run("gnt-debug", "delay", *options, "1")


def test_one_job_prints_only_its_log(cli: CommandLine) -> None:
    log = [
        ("message", "* preparing"),
        ("message", " - WARNING: little time"),
        ("message", "tab\tand\nline, and \xe9"),
        ("message-list", ["a", "b"]),
    ]
    cli.master.outcomes = [Outcome(log=log)]
    code, out, err = delay(cli)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:2] == [f"{STAMP} * preparing", f"{STAMP}  - WARNING: little time"]
    assert lines[2] == f"{STAMP} tab\\tand\\nline, and \\xe9"
    assert lines[3].startswith(f"{STAMP} [")


def test_every_opcode_says_who_asked_and_why(cli: CommandLine) -> None:
    delay(cli, "-d", "-d", "--reason", "a test", "--dry-run", "--priority", "low")
    (op,) = cli.master.ops
    assert (op["debug_level"], op["dry_run"], op["priority"]) == (2, True, 10)
    now = 1_700_000_000 * 10**9
    assert op["reason"] == [["gnt:user", "a test", now], ["gnt:client:gnt-debug", "delay", now]]


def test_priority_and_reason_are_left_alone_unless_given(cli: CommandLine) -> None:
    delay(cli)
    (op,) = cli.master.ops
    assert (op["debug_level"], op["dry_run"], op["priority"]) == (0, False, 0)
    assert [entry[0] for entry in op["reason"]] == ["gnt:client:gnt-debug"]


def test_submit_does_not_wait(cli: CommandLine) -> None:
    assert delay(cli, "--submit") == (0, "", "JobID: 1\n")
    assert delay(cli, "--submit", "--print-jobid") == (0, "2\n", "JobID: 2\n")
    assert delay(cli, "--print-jobid") == (0, "3\n", "")


ENDS: list[tuple[Outcome, str]] = [
    (
        failed(errors.OpPrereqError("too long", "wrong_input")),
        "Failure: prerequisites not met for this operation:\n"
        "error type: wrong_input, error details:\ntoo long\n",
    ),
    (Outcome(["plain text"], "error"), "Failure: command execution error:\nplain text\n"),
    (Outcome([None], "canceled"), "Unhandled Ganeti error: job 1 was canceled\n"),
    (Outcome([None], "canceling"), "Unhandled Ganeti error: job 1 was canceled\n"),
]


@pytest.mark.parametrize(("outcome", "text"), ENDS, ids=lambda v: getattr(v, "status", ""))
def test_failed_jobs(cli: CommandLine, outcome: Outcome, text: str) -> None:
    cli.master.outcomes = [outcome]
    assert delay(cli) == (1, "", text)


def test_an_earlier_opcode_that_went_well_is_mentioned(cli: CommandLine) -> None:
    cli.master.outcomes = [Outcome([1, "broke"], "error", op_statuses=("success", "error"))]
    assert "partial failure (opcode 1): broke" in delay(cli)[2]


def test_a_job_that_is_lost(cli: CommandLine) -> None:
    code, _, err = cli.run("gnt-job", "wait", "99")
    assert code == 1
    assert "Error checking job status: " in err


def test_waiting_is_mentioned_once_for_each_reason(cli: CommandLine) -> None:
    answers: list[Any] = [
        [["queued"], []],
        "nochange",
        [["queued"], []],
        [["waiting"], []],
        "nochange",
        [["success"], []],
    ]
    vars(cli.master)["WaitForJobChange"] = lambda *_: answers.pop(0)
    code, out, err = delay(cli)
    assert (code, out) == (0, "")
    assert err == "Job 1 is queued\nJob 1 waits for locks\n"


def reboot(cli: CommandLine, *options: str, names: tuple[str, ...] = ("a", "b")) -> Any:
    cli.master.answers["QueryInstances"] = [[name] for name in names]
    return cli.run("gnt-instance", "reboot", "--force-multiple", *options, *names)


def test_several_jobs(cli: CommandLine) -> None:
    cli.master.outcomes = [Outcome(log=[("message", "x")]), Outcome()]
    assert reboot(cli) == (
        0,
        "Submitted jobs 1, 2\n"
        "Waiting for job 1 for a ...\n"
        f"{STAMP} x\n"
        "Waiting for job 2 for b ...\n",
        "",
    )


def test_one_of_several_jobs_fails(cli: CommandLine) -> None:
    cli.master.outcomes = [failed(errors.OpExecError("broke")), Outcome()]
    code, out, err = reboot(cli)
    assert code == 1
    assert err == "Job 1 for a has failed: Failure: command execution error:\nbroke\n"
    assert "Waiting for job 2 for b ..." in out


def test_the_job_that_does_something_is_followed_first(cli: CommandLine) -> None:
    cli.master.outcomes = [Outcome(status="success"), Outcome()]
    original = cli.master.QueryJobs

    def query(ids: list[int], fields: list[str]) -> list[Any]:
        if fields == ["status"]:
            return [["queued"], ["running"]]
        return original(ids, fields)

    vars(cli.master)["QueryJobs"] = query
    out = reboot(cli)[1]
    assert out.index("Waiting for job 2") < out.index("Waiting for job 1")


def test_several_jobs_are_only_named_with_submit(cli: CommandLine) -> None:
    assert reboot(cli, "--submit") == (0, "1: a\n2: b\n", "")


def test_refused_jobs(cli: CommandLine) -> None:
    vars(cli.master)["SubmitManyJobs"] = lambda jobs: [[False, "queue full"], [True, 7]]
    cli.master.jobs[7] = ([], Outcome())
    code, out, err = reboot(cli)
    assert (code, err) == (1, "Failed to submit job for a: queue full\n")
    assert "Submitted jobs 7\n" in out
    assert reboot(cli, "--submit") == (1, "7: b\n", "Failure for a: queue full\n")


def test_a_master_that_goes_away_says_nothing_of_the_jobs(cli: CommandLine) -> None:
    def gone(*_: Any) -> Any:
        raise ProtocolError("the master went away")

    vars(cli.master)["WaitForJobChange"] = gone
    code, out, err = reboot(cli)
    assert code == 1
    assert out.endswith("Waiting for job 1 for a ...\n")
    assert err.startswith("Unhandled protocol error")
    assert "has failed" not in err


def test_an_archived_job_counts_as_failed(cli: CommandLine) -> None:
    vars(cli.master)["SubmitManyJobs"] = lambda jobs: [[True, 50]]
    code, _, err = reboot(cli, names=("a",))
    assert code == 1
    assert err.startswith("Job 50 for a has been archived, ")
