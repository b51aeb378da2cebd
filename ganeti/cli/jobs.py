# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs as the commands see them: submit, follow the log, take the result.

One job prints only its log lines; several jobs say which one is being waited for. These lines are an
interface (terminal output, "Jobs").
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from ganeti import errors
from ganeti.cli import failure
from ganeti.cli.command import Run
from ganeti.cli.options import PRIORITIES
from ganeti.opcodes.base import OpCode
from ganeti.utils import text

POLL_S = 60
WINDOW = 25
"""How many of the jobs left are looked at to find the one to follow next."""
FINAL = ("success", "error", "canceled", "canceling")


class Submitted(Exception):
    """The job was submitted and is not waited for."""

    def __init__(self, job_id: int) -> None:
        super().__init__(job_id)
        self.job_id = job_id


def prepared(run: Run, op: OpCode) -> OpCode:
    """The opcode with what all opcodes get from the command line; what it says itself stays."""
    op.debug_level = max(op.debug_level or 0, run.opts.debug)
    if hasattr(run.opts, "dry_run"):
        op.dry_run = bool(op.dry_run or run.opts.dry_run)
    if getattr(run.opts, "priority", None):
        op.priority = PRIORITIES[run.opts.priority]
    op.reason = [*op.reason, *reason_trail(run)]
    return op


def reason_trail(run: Run) -> list[tuple[str, str, int]]:
    """Why somebody wants something: in their own words, if given, and by which command."""
    now = int(run.world.clock.now() * 1_000_000_000)
    given = [("gnt:user", run.opts.reason, now)] if run.opts.reason else []
    return [*given, (f"gnt:client:{run.tool}", run.name, now)]


def submit(run: Run, op: OpCode) -> Any:
    """Submit one job of one opcode and wait for its result; raises `Submitted` with ``--submit``."""
    job_id = run.world.client.SubmitJob([prepared(run, op).encode()])
    if getattr(run.opts, "print_jobid", False):
        run.say(job_id)
    if getattr(run.opts, "submit_only", False):
        raise Submitted(job_id)
    return follow(run, job_id)[0]


def submit_drained(run: Run, op: OpCode) -> Any:
    """The same although the queue takes no jobs; always waits."""
    job_id = run.world.client.SubmitJobToDrainedQueue([prepared(run, op).encode()])
    if run.opts.print_jobid:
        run.say(job_id)
    return follow(run, job_id)[0]


def result_of(run: Run, op: OpCode) -> Any:
    """The result of a job that only asks something; what the options say is for the main job."""
    job_id = run.world.client.SubmitJob([prepared(run, op).encode()])
    return follow(run, job_id)[0]


def follow(run: Run, job_id: int) -> list[Any]:
    """Print a job's log while it runs; the results of its opcodes, or the first one's error."""
    _Follower(run, job_id).until_end()
    return outcome(run, job_id)


class _Follower:
    """Prints the log of one job, and says once each what it is waiting for."""

    def __init__(self, run: Run, job_id: int, *, silent: bool = False) -> None:
        self._run, self._job_id, self._silent = run, job_id, silent
        self._info: list[Any] | None = None
        self._serial = -1
        self._noted: set[str] = set()

    def until_end(self) -> None:
        while self._info is None or self._info[0] not in FINAL:
            answer = self._run.world.client.WaitForJobChange(
                self._job_id, ["status"], self._info, self._serial, POLL_S
            )
            if answer is None:
                raise errors.JobLost(f"job {self._job_id} is not in the queue any more")
            if answer == "nochange" or (answer[0] == self._info and not answer[1]):
                self._note_waiting()
                continue
            self._info, entries = answer
            self._print(entries)

    def _print(self, entries: Sequence[Sequence[Any]]) -> None:
        for serial, stamp, kind, payload in entries:
            self._serial = max(self._serial, serial)
            if not self._silent:
                line = text.safe(payload if kind == "message" else str(payload))
                self._run.say(f"{time.ctime(stamp[0])} {line}")

    def _note_waiting(self) -> None:
        status = self._info[0] if self._info else ""
        what = {"queued": "is queued", "waiting": "waits for locks"}.get(status)
        if what and status not in self._noted:
            self._noted.add(status)
            self._run.note(f"Job {self._job_id} {what}")


def wait(run: Run, job_id: int) -> None:
    """Wait for the end of a job without a word; raises its error."""
    _Follower(run, job_id, silent=True).until_end()
    outcome(run, job_id)


def outcome(run: Run, job_id: int) -> list[Any]:
    """The results of a job that has ended; its error is raised."""
    (row,) = run.world.client.QueryJobs([job_id], ["status", "opstatus", "opresult"])
    if row is None or row[0] is None:
        raise errors.JobLost(f"job {job_id} is not in the queue any more")
    status, op_statuses, results = row
    if status == "success":
        return list(results)
    if status in ("canceling", "canceled"):
        raise errors.JobCanceled(f"job {job_id} was canceled")
    raise _first_error(op_statuses, results)


def _first_error(statuses: Sequence[str], results: Sequence[Any]) -> errors.GenericError:
    for index, (status, result) in enumerate(zip(statuses, results, strict=True)):
        if status == "error":
            partial = f"partial failure (opcode {index}): " if "success" in statuses[:index] else ""
            return errors.decode(result) or errors.OpExecError(f"{partial}{result}")
    return errors.OpExecError(f"the job failed without a failed opcode: {list(results)}")


class Outcome(NamedTuple):
    """How one of several jobs ended: its results, or None if it failed."""

    name: str | None
    results: list[Any] | None


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """1 if one of the jobs failed."""
    return int(any(outcome.results is None for outcome in outcomes))


class Batch:
    """Several jobs: submitted together, then followed one after the other."""

    def __init__(self, run: Run, *, announce: bool = True) -> None:
        self._run, self._announce = run, announce
        self._queued: list[tuple[str | None, Sequence[OpCode]]] = []
        self._jobs: dict[int, str | None] = {}
        self._refused: list[tuple[str | None, str]] = []

    def add(self, name: str | None, *ops: OpCode) -> None:
        """A job to submit."""
        self._queued.append((name, [prepared(self._run, op) for op in ops]))

    def submit(self) -> None:
        """Submit all jobs that were added, with one call."""
        jobs = [[op.encode() for op in ops] for _, ops in self._queued]
        answers = self._run.world.client.SubmitManyJobs(jobs) if jobs else []
        self.adopt(answers, [name for name, _ in self._queued])
        self._queued = []

    def adopt(self, answers: Sequence[Sequence[Any]], names: Sequence[str | None] = ()) -> None:
        """Follow jobs that were submitted already: rows of [true, id] or [false, text]."""
        names = names or [None] * len(answers)
        for name, (submitted, answer) in zip(names, answers, strict=True):
            if submitted:
                self._jobs[int(answer)] = name
            else:
                self._refused.append((name, _error_text(answer)))

    def show(self) -> int:
        """Say the numbers instead of waiting; the exit code."""
        for job_id, name in self._jobs.items():
            self._run.say(f"{job_id}: {name}" if name else f"{job_id}")
        for name, why in self._refused:
            self._run.note(f"Failure{_of(name)}: {why}")
        return int(bool(self._refused))

    def wait(self) -> list[Outcome]:
        """Follow all jobs."""
        if self._announce and self._jobs:
            self._run.say(f"Submitted jobs {', '.join(map(str, self._jobs))}")
        for name, why in self._refused:
            self._run.note(f"Failed to submit job{_of(name)}: {why}")
        left = dict(self._jobs)
        outcomes = [Outcome(name, None) for name, _ in self._refused]
        while left:
            job_id = self._next(list(left))
            outcomes.append(self._follow(job_id, left.pop(job_id)))
        return outcomes

    def finish(self) -> int:
        """Submit, then wait or (with ``--submit``) show; the exit code."""
        self.submit()
        if getattr(self._run.opts, "submit_only", False):
            return self.show()
        return exit_code(self.wait())

    def _next(self, left: list[int]) -> int:
        """The first job that does something or has ended, else the first."""
        near = left[:WINDOW]
        rows = self._run.world.client.QueryJobs(near, ["status"]) if len(near) > 1 else []
        for job_id, row in zip(near, rows, strict=False):
            if row and row[0] not in ("queued", "waiting"):
                return job_id
        return near[0]

    def _follow(self, job_id: int, name: str | None) -> Outcome:
        self._run.say(f"Waiting for job {job_id}{_of(name)} ...")
        try:
            return Outcome(name, follow(self._run, job_id))
        except errors.JobLost:
            self._run.note(f"Job {job_id}{_of(name)} has been archived, its result is not known")
        except errors.LuxiError:
            raise  # the talk with the master broke off, which says nothing about the job
        except errors.GenericError as err:
            words = failure.describe(err)[1]
            self._run.note(f"Job {job_id}{_of(name)} has failed: {words}")
        return Outcome(name, None)


def _of(name: str | None) -> str:
    return f" for {name}" if name else ""


def _error_text(answer: Any) -> str:
    error = errors.decode(answer)
    return str(error) if error else str(answer)
