# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs commands in this process, against a master that a test scripts.

    cli = CommandLine(tmp_path)
    cli.master.answers["QueryTags"] = ["blue"]
    assert cli.run("gnt-cluster", "list-tags") == (0, "blue\\n", "")

Jobs that are submitted end with the next of `master.outcomes` (success without result if there is none).
"""

from __future__ import annotations

import contextlib
import io
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import simplejson

from ganeti import errors
from ganeti.cli import main
from ganeti.cli.confirm import Choice, Terminal
from ganeti.cli.world import World
from ganeti.opcodes import base
from ganeti.paths import Paths
from test.support.clock import FakeClock
from test.support.runner import FakeRunner

STAMP = (1_700_000_000, 123)


class Outcome(NamedTuple):
    """How a job ends, and what it logs on the way."""

    results: Sequence[Any] = (None,)
    status: str = "success"
    log: Sequence[tuple[str, Any]] = ()
    op_statuses: Sequence[str] | None = None


def failed(error: errors.GenericError) -> Outcome:
    return Outcome([errors.encode(error)], "error")


def over_the_wire(ops: list[Any]) -> list[Any]:
    """The opcodes as they arrive; what the master would refuse fails the test."""
    arrived: list[Any] = simplejson.loads(simplejson.dumps(ops))
    for op in arrived:
        base.decode(op)
    return arrived


class FakeMaster:
    """Answers calls as a master daemon does; `calls` lists those that were made."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.answers: dict[str, Any] = {}
        self.outcomes: list[Outcome] = []
        self.jobs: dict[int, tuple[list[Any], Outcome]] = {}

    @property
    def ops(self) -> list[dict[str, Any]]:
        """The opcodes of all jobs that were submitted."""
        return [op for ops, _ in self.jobs.values() for op in ops]

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            self.calls.append((method, *args))
            answer = self.answers[method]
            if isinstance(answer, Exception):
                raise answer
            return answer(*args) if callable(answer) else answer

        return call

    def SubmitJob(self, ops: list[Any]) -> int:
        job_id = len(self.jobs) + 1
        outcome = self.outcomes.pop(0) if self.outcomes else Outcome()
        self.jobs[job_id] = (over_the_wire(ops), outcome)
        return job_id

    def SubmitManyJobs(self, jobs: list[list[Any]]) -> list[list[Any]]:
        return [[True, self.SubmitJob(ops)] for ops in jobs]

    def WaitForJobChange(
        self, job_id: int, fields: list[str], info: Any, serial: int, timeout: float
    ) -> Any:
        if job_id not in self.jobs:
            raise errors.JobLost(f"job {job_id} is lost")
        outcome = self.jobs[job_id][1]
        if info is None:
            return [["running"], self._log(outcome)[:1]]
        return [[outcome.status], [entry for entry in self._log(outcome) if entry[0] > serial]]

    @staticmethod
    def _log(outcome: Outcome) -> list[list[Any]]:
        return [
            [number, STAMP, kind, payload] for number, (kind, payload) in enumerate(outcome.log, 1)
        ]

    def QueryJobs(self, ids: list[int], fields: list[str]) -> list[Any]:
        return [self._row(job_id, fields) for job_id in ids]

    def _row(self, job_id: int, fields: list[str]) -> list[Any]:
        if job_id not in self.jobs:
            return [None] * len(fields)
        _, outcome = self.jobs[job_id]
        values = {
            "status": outcome.status,
            "opstatus": list(outcome.op_statuses or [outcome.status] * len(outcome.results)),
            "opresult": list(outcome.results),
        }
        return [values[field] for field in fields]


class FakeTerminal(Terminal):
    """Answers questions from a list; with none left there is no terminal."""

    def __init__(self) -> None:
        super().__init__("/nonexistent/tty")
        self.answers: list[str] = []
        self.questions: list[str] = []

    def ask(self, text: str, choices: Sequence[Choice] = ()) -> Choice:
        self.questions.append(text)
        if not self.answers:
            return super().ask(text, choices) if choices else super().ask(text)
        letter = self.answers.pop(0)
        from ganeti.cli.confirm import NO, YES

        return next(c for c in (choices or (YES, NO)) if c.letter == letter)


class CommandWorld(World):
    """A world in which nothing is real but the files below `root`."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.environ: dict[str, str] = {}
        self.host_name = "node1.example.com"
        self.logged: list[tuple[str, str]] = []

    def own_name(self) -> str:
        return self.host_name

    def start_log(self, program: str, debug: int, line: str) -> None:
        self.logged.append((program, line))


class CommandLine:
    """The commands, one after the other, with the parts of their world at hand."""

    def __init__(self, root: pathlib.Path) -> None:
        self.master, self.terminal = FakeMaster(), FakeTerminal()
        self.clock, self.runner = FakeClock(), FakeRunner()
        self.paths = Paths(str(root))
        self.world = CommandWorld(root)
        parts = {
            "client": self.master,
            "terminal": self.terminal,
            "clock": self.clock,
            "runner": self.runner,
            "paths": self.paths,
        }
        vars(self.world).update(parts)

    def run(self, tool: str, *argv: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main.main(tool, argv, self.world)
        return code, out.getvalue(), err.getvalue()
