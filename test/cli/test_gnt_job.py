# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-job``."""

from collections.abc import Callable
from typing import Any

import pytest

from ganeti import errors
from ganeti.luxi.client import NoMasterError
from test.support.cli import CommandLine, Outcome, failed

START = 1_700_000_000
DEFINITIONS = [
    {"name": "id", "title": "ID", "kind": "number", "doc": ""},
    {"name": "status", "title": "Status", "kind": "text", "doc": ""},
    {"name": "summary", "title": "Summary", "kind": "other", "doc": ""},
]


def the_jobs(cli: CommandLine, *rows: tuple[int, str, list[str]]) -> None:
    cli.master.answers["Query"] = {
        "fields": DEFINITIONS,
        "data": [[[0, value] for value in row] for row in rows],
    }


def test_list(cli: CommandLine) -> None:
    the_jobs(cli, (7, "running", ["A(x)", "B"]), (12, "queued", ["C"]))
    text = "ID Status  Summary\n 7 running A(x),B\n12 queued  C\n"
    assert cli.run("gnt-job", "list") == (0, text, "")


@pytest.mark.parametrize(
    ("words", "fields", "qfilter"),
    [
        ([], ["id", "status", "summary"], None),
        (["7", "8"], ["id", "status", "summary"], ["|", ["==", "id", 7], ["==", "id", 8]]),
        (["--archived"], ["id", "status", "summary", "archived"], None),
        (["--running"], ["id", "status", "summary"], ["|", ["==", "status", "running"]]),
        (
            ["--error", "-o", "id", "7"],
            ["id"],
            ["&", ["|", ["==", "status", "error"]], ["|", ["==", "id", 7]]],
        ),
        (
            ["--finished"],
            ["id", "status", "summary"],
            ["|", *(["==", "status", s] for s in ("canceled", "error", "success"))],
        ),
    ],
)
def test_what_is_listed(
    cli: CommandLine, words: list[str], fields: list[str], qfilter: Any
) -> None:
    cli.master.answers["Query"] = {"fields": [], "data": []}
    cli.run("gnt-job", "list", *words)
    assert cli.master.calls == [("Query", "job", fields, qfilter)]


def test_times_in_lists(cli: CommandLine) -> None:
    cli.master.answers["Query"] = {
        "fields": [
            {"name": "opend", "title": "OpCode_end", "kind": "other", "doc": ""},
            {"name": "end_ts", "title": "End", "kind": "other", "doc": ""},
        ],
        "data": [[[0, [[START, 5], None]], [0, [START, 5]]]],
    }
    out = cli.run("gnt-job", "list", "--no-headers", "-o", "opend,end_ts")[1]
    assert out == "['2023-11-14 22:13:20.000005', '?'] [1700000000, 5]\n"


def test_numbers_are_numbers(cli: CommandLine) -> None:
    for command in ("list", "info", "wait", "watch", "cancel", "archive"):
        code, _, err = cli.run("gnt-job", command, "seven")
        assert code == 1
        assert "error type: wrong_input" in err


def test_archive(cli: CommandLine) -> None:
    cli.master.answers["ArchiveJob"] = lambda job_id: job_id != 8
    code, out, err = cli.run("gnt-job", "archive", "7", "8", "9")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "8" in err
    assert [call[1] for call in cli.master.calls] == [7, 8, 9]
    assert cli.run("gnt-job", "archive", "7") == (0, "", "")


@pytest.mark.parametrize(("word", "age"), [("all", -1), ("1d", 86400), ("90", 90)])
def test_autoarchive(cli: CommandLine, word: str, age: int) -> None:
    cli.master.answers["AutoArchiveJobs"] = [3, 1]
    code, out, _ = cli.run("gnt-job", "autoarchive", word)
    assert (code, out.count("\n")) == (0, 1)
    assert "3" in out
    assert "1" in out
    assert cli.master.calls == [("AutoArchiveJobs", age, 89)]


def test_cancel_by_number(cli: CommandLine) -> None:
    cli.master.answers["CancelJob"] = lambda job_id, kill: [job_id == 7, f"job {job_id}"]
    assert cli.run("gnt-job", "cancel", "7") == (0, "job 7\n", "")
    assert cli.run("gnt-job", "cancel", "7", "8") == (1, "job 7\njob 8\n", "")
    assert cli.master.calls[0] == ("CancelJob", 7, False)


def test_cancel_by_status(cli: CommandLine) -> None:
    the_jobs(cli, (7, "queued", ["A"]), (8, "queued", ["B"]))
    cli.master.answers["CancelJob"] = [True, "done"]
    code, out, _ = cli.run("gnt-job", "cancel", "--queued")
    assert (code, out) == (13, "ID Status Summary\n 7 queued A\n 8 queued B\n")
    cli.terminal.answers = ["y"]
    assert cli.run("gnt-job", "cancel", "--queued")[:2] == (0, out + "done\ndone\n")
    assert cli.run("gnt-job", "cancel", "--pending", "-f") == (0, "done\ndone\n", "")


@pytest.mark.parametrize("words", [[], ["--queued", "7"], ["--kill", "7"]])
def test_cancel_with_wrong_words(cli: CommandLine, words: list[str]) -> None:
    code, out, err = cli.run("gnt-job", "cancel", *words)
    assert (code, out) == (1, "")
    assert "error type: wrong_input" in err


def test_kill(cli: CommandLine) -> None:
    cli.master.answers["CancelJob"] = [True, "done"]
    assert cli.run("gnt-job", "cancel", "--kill", "--yes-do-it", "7")[0] == 0
    assert cli.master.calls == [("CancelJob", 7, True)]


def test_change_priority(cli: CommandLine) -> None:
    cli.master.answers["ChangeJobPriority"] = [True, "done"]
    assert cli.run("gnt-job", "change-priority", "7")[0] == 1
    assert cli.run("gnt-job", "change-priority", "--priority", "high", "7")[:2] == (0, "done\n")
    assert cli.master.calls == [("ChangeJobPriority", 7, -10)]


def test_watch_and_wait(cli: CommandLine) -> None:
    cli.master.jobs[7] = ([], Outcome(log=[("message", "* step")]))
    assert cli.run("gnt-job", "wait", "7") == (0, "", "")
    assert cli.run("gnt-job", "watch", "7") == (
        0,
        "Output from job 7 follows\n-------------------------\nTue Nov 14 22:13:20 2023 * step\n",
        "",
    )
    cli.master.jobs[8] = ([], failed(errors.OpExecError("broke")))
    text = "Job 8 failed: Failure: command execution error:\nbroke\n"
    assert cli.run("gnt-job", "wait", "8") == (1, "", text)
    assert cli.run("gnt-job", "watch", "8")[2] == text


@pytest.mark.parametrize("command", ["wait", "watch"])
def test_a_master_that_is_not_there_says_nothing_of_the_job(cli: CommandLine, command: str) -> None:
    def gone(*_: Any) -> Any:
        raise NoMasterError("/run/socket")

    vars(cli.master)["WaitForJobChange"] = gone
    code, _, err = cli.run("gnt-job", command, "7")
    assert code == 1
    assert "not in a cluster" in err
    assert "failed" not in err


def test_info(cli: CommandLine, golden: Callable[[str, str], None]) -> None:
    op: dict[str, Any] = {
        "OP_ID": "OP_INSTANCE_SHUTDOWN",
        "instance_name": "db2.example.net",
        "depends": None,
        "reason": [["gnt:client:gnt-instance", "shutdown", 1_935_475_201_000_000_000]],
        "hvparams": {},
    }
    done = {
        "id": 41,
        "status": "error",
        "ops": [op],
        "opresult": [["OpPrereqError", ["text", "wrong_state"]]],
        "opstatus": ["error"],
        "oplog": [[[1, [START + 2, 1], "message", " - INFO: text"]]],
        "opstart": [[START + 1, 250123]],
        "opexec": [[START + 1, 300000]],
        "opend": [[START + 3, 500000]],
        "received_ts": [START + 1, 123],
        "start_ts": [START + 1, 250123],
        "end_ts": [START + 3, 500123],
    }
    waiting = {
        **done,
        "id": 42,
        "status": "queued",
        **{key: [None] for key in ("opresult", "opstart", "opexec", "opend")},
        "opstatus": ["queued"],
        "oplog": [[]],
        "start_ts": None,
        "end_ts": None,
    }

    def query(what: str, fields: list[str], qfilter: Any) -> dict[str, Any]:
        assert qfilter == ["|", ["==", "id", 41], ["==", "id", 42], ["==", "id", 77]]
        rows = [
            [[0 if job[f] is not None else 3, job[f]] for f in fields] for job in (done, waiting)
        ]
        lost = [[0, 77] if field == "id" else [3, None] for field in fields]
        return {"fields": [], "data": [*rows, lost]}

    cli.master.answers["Query"] = query
    code, out, err = cli.run("gnt-job", "show", "41", "42", "77")
    assert (code, err) == (0, "")
    golden("cli/job-info.txt", out)
