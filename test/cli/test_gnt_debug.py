# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-debug``; its table of locks is tested with the lists."""

import json
import pathlib
from typing import Any

import pytest

from test.support.cli import CommandLine

DELAY = {"OP_ID": "OP_TEST_DELAY", "duration": 0.5}


def test_delay(cli: CommandLine) -> None:
    options = ("--no-master", "-n", "n1", "-n", "n2", "-r", "3", "-i", "-l")
    assert cli.run("gnt-debug", "delay", *options, "0.5") == (0, "", "")
    (op,) = cli.master.ops
    assert (op["duration"], op["on_master"], op["on_nodes"]) == (0.5, False, ["n1", "n2"])
    assert (op["repeat"], op["interruptible"], op["no_locks"]) == (3, True, True)
    cli.run("gnt-debug", "delay", "1")
    assert (cli.master.ops[1]["on_master"], cli.master.ops[1]["no_locks"]) == (True, False)


@pytest.mark.parametrize("word", ["0", "soon", "nan", "inf"])
def test_delays_that_are_none(cli: CommandLine, word: str) -> None:
    code, out, err = cli.run("gnt-debug", "delay", word)
    assert (code, out) == (1, "")
    assert err.startswith("Failure: prerequisites not met for this operation:\n")
    assert "error type" not in err


def test_an_interval_below_zero(cli: CommandLine) -> None:
    code, out, err = cli.run("gnt-debug", "locks", "--interval=-1")
    assert (code, out, cli.master.calls) == (1, "", [])
    assert "error type: wrong_input" in err


def write(path: pathlib.Path, value: object) -> str:
    path.write_text(json.dumps(value), encoding="utf-8")
    return str(path)


def test_submit_job(cli: CommandLine, tmp_path: pathlib.Path) -> None:
    first = write(tmp_path / "a", [DELAY])
    second = write(tmp_path / "b", [DELAY, {**DELAY, "comment": "x"}])
    code, out, _ = cli.run(
        "gnt-debug",
        "submit-job",
        "--op-repeat",
        "2",
        "--job-repeat=2",
        "--timing-stats",
        first,
        second,
    )
    assert code == 0
    assert [len(ops) for ops, _ in cli.master.jobs.values()] == [2, 2, 4, 4]
    assert cli.master.ops[0]["reason"][0][:2] == ["gnt:client:gnt-debug", "submit-job"]
    assert cli.master.ops[-1]["comment"] == "x"
    assert out.startswith("Submitted jobs 1, 2, 3, 4\n")
    assert out.splitlines()[-5:] == [
        "C:op       12",
        "C:job       4",
        "T:submit 0.0000",
        "T:exec   0.0000",
        "T:total  0.0000",
    ]


def test_what_a_file_says_stays(cli: CommandLine, tmp_path: pathlib.Path) -> None:
    said = {"dry_run": True, "debug_level": 2, "priority": -10, "reason": [["mine", "why", 5]]}
    path = write(tmp_path / "a", [{**DELAY, **said}])
    assert cli.run("gnt-debug", "submit-job", path)[0] == 0
    (op,) = cli.master.ops
    first, second = op.pop("reason")
    assert (first, second[:2]) == (["mine", "why", 5], ["gnt:client:gnt-debug", "submit-job"])
    assert (op["dry_run"], op["debug_level"], op["priority"]) == (True, 2, -10)
    cli.run("gnt-debug", "submit-job", "-ddd", "--dry-run", "--priority=low", path)
    op = cli.master.ops[1]
    assert (op["dry_run"], op["debug_level"], op["priority"]) == (True, 3, 10)


def test_submit_each_by_itself(cli: CommandLine, tmp_path: pathlib.Path) -> None:
    calls: list[int] = []
    many = cli.master.SubmitManyJobs

    def submit(jobs: list[Any]) -> list[list[Any]]:
        calls.append(len(jobs))
        return many(jobs)

    vars(cli.master)["SubmitManyJobs"] = submit
    path = write(tmp_path / "a", [DELAY])
    assert cli.run("gnt-debug", "submit-job", "--each", path, path)[0] == 0
    assert calls == [1, 1]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ({"OP_ID": "OP_TEST_DELAY"}, "no list"),
        ([{"OP_ID": "OP_NO_SUCH"}], "OP_NO_SUCH"),
        ([{**DELAY, "speed": 1}], "'speed'"),
        ([{"OP_ID": "OP_TEST_DELAY"}], "duration"),
    ],
)
def test_files_that_cannot_be_submitted(
    cli: CommandLine, tmp_path: pathlib.Path, content: object, part: str
) -> None:
    path = write(tmp_path / "a", content)
    code, _, err = cli.run("gnt-debug", "submit-job", path)
    assert code == 1
    assert "error type: wrong_input" in err
    assert path in err
    assert part in err


def test_files_that_cannot_be_read(cli: CommandLine, tmp_path: pathlib.Path) -> None:
    assert "wrong_input" in cli.run("gnt-debug", "submit-job", str(tmp_path / "none"))[2]
    broken = tmp_path / "broken"
    broken.write_text("[", encoding="utf-8")
    assert "wrong_input" in cli.run("gnt-debug", "submit-job", str(broken))[2]


def test_osparams(cli: CommandLine) -> None:
    code, out, _ = cli.run("gnt-debug", "test-osparams", "--os-parameters-secret=a=b", "--submit")
    assert (code, out) == (0, "")
    (op,) = cli.master.ops
    assert (op["OP_ID"], op["osparams_secret"]) == ("OP_TEST_OS_PARAMS", {"a": "b"})
    assert "a=b" not in str(cli.world.logged)


def test_a_queue_that_does_not_do_what_it_must(cli: CommandLine) -> None:
    """This one ends every job at once."""
    code, out, err = cli.run("gnt-debug", "test-jobqueue")
    assert (code, out) == (1, "Testing states and log of a job\n")
    assert "job 1 has ended and never stopped at waitlock" in err
