# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-debug test-jobqueue``: asks the running queue to keep what the job queue's description says.

Each trial submits jobs of its own and raises OpExecError if one does not go as it must.
"""

from __future__ import annotations

import socket
from typing import Any, NamedTuple

from ganeti.cli import jobs
from ganeti.cli.command import Run
from ganeti.errors import JobLost, OpExecError
from ganeti.opcodes.base import OpCode
from ganeti.opcodes.test import OpTestDelay, OpTestJqueue

ANNOUNCEMENT = "jqueue-test"
WAITLOCK, EXEC = "waitlock", "exec"
FIELDS = ["status", "opstatus", "start_ts", "end_ts"]
SHORT_S = 0.01
URGENT = -10


class State(NamedTuple):
    """What clients see of a job."""

    status: str
    opstatus: list[str]
    start: list[int] | None
    end: list[int] | None


class Watched:
    """One job that somebody follows, and that goes on only when it is told to."""

    def __init__(self, run: Run, job_id: int) -> None:
        self._run, self.job_id = run, job_id
        self._info: list[Any] | None = None
        self._serial = -1
        self.lines: list[str] = []
        self._stops: list[tuple[str, str]] = []

    def state(self) -> State:
        (row,) = self._run.world.client.QueryJobs([self.job_id], FIELDS)
        if row[0] is None:
            raise JobLost(f"job {self.job_id} is not in the queue any more")
        return State(*row)

    def wait_for(self, event: str) -> State:
        """Until the job has stopped there; its state then. `go_on` lets it go on."""
        while not self._stops:
            if self._has_ended():
                raise OpExecError(f"job {self.job_id} has ended and never stopped at {event}")
            self._look()
        where = self._stops[0][1]
        _expect(f"where job {self.job_id} stops", where, event)
        return self.state()

    def go_on(self) -> None:
        path, _ = self._stops.pop(0)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)

    def end(self) -> State:
        """Until the job has ended."""
        while not self._has_ended():
            self._look()
        return self.state()

    def _has_ended(self) -> bool:
        return self._info is not None and self._info[0] in jobs.FINAL

    def _look(self) -> None:
        """Wait for news."""
        answer = self._run.world.client.WaitForJobChange(
            self.job_id, ["status"], self._info, self._serial, jobs.POLL_S
        )
        if answer is None:
            raise JobLost(f"job {self.job_id} is not in the queue any more")
        if answer == "nochange":
            return
        self._info, entries = answer
        for serial, _, kind, payload in entries:
            _expect(f"order of the log of job {self.job_id}", serial > self._serial, True)
            self._serial = serial
            if kind == ANNOUNCEMENT:
                self._stops.append(tuple(payload))
            else:
                self.lines.append(payload)


def _expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise OpExecError(f"{what}: {found} instead of {wanted}")


def _after(job_id: int, *statuses: str) -> OpCode:
    """What may begin when another job has ended so."""
    return OpTestDelay(duration=SHORT_S).replace(depends=[(job_id, list(statuses))])


class Trials:
    """What is tried, one after the other."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def everything(self) -> None:
        for about, trial in (
            ("states and log of a job", self._states),
            ("a failing opcode", self._failure),
            ("jobs that depend on others", self._dependencies),
            ("cancelling and changing priorities", self._cancel),
            ("a job that is refused", self._refusal),
        ):
            self._run.say(f"Testing {about}")
            trial()

    def _submit(self, *ops: OpCode) -> Watched:
        encoded = [jobs.prepared(self._run, op).encode() for op in ops]
        return Watched(self._run, self._run.world.client.SubmitJob(encoded))

    def _submit_many(self, *ops: OpCode) -> list[tuple[bool, Any]]:
        """Jobs of one opcode each."""
        encoded = [[jobs.prepared(self._run, op).encode()] for op in ops]
        return [(good, what) for good, what in self._run.world.client.SubmitManyJobs(encoded)]

    def _watched(self, *ops: OpCode) -> list[Watched]:
        answers = self._submit_many(*ops)
        _expect("submission of good jobs", [good for good, _ in answers], [True] * len(ops))
        return [Watched(self._run, job_id) for _, job_id in answers]

    def _states(self) -> None:
        lines = [f"line {number}" for number in range(1, 11)]
        job = self._submit(OpTestJqueue(notify_waitlock=True, notify_exec=True, log_messages=lines))
        _expect("state before the locks", job.wait_for(WAITLOCK).status, "waiting")
        job.go_on()
        _expect("state with the locks", job.wait_for(EXEC).status, "running")
        job.go_on()
        _expect("state in the end", job.end()[:2], ("success", ["success"]))
        _expect("log", job.lines, lines)

    def _failure(self) -> None:
        job = self._submit(
            OpTestJqueue(log_messages=["first"]),
            OpTestJqueue(log_messages=["second"], fail=True),
            OpTestJqueue(log_messages=["third"]),
        )
        wanted = ("error", ["success", "error", "error"])
        _expect("state after a failure", job.end()[:2], wanted)
        _expect("log of what was carried out", job.lines, ["first", "second"])

    def _dependencies(self) -> None:
        first, second, failing, refused, content = self._watched(
            OpTestDelay(duration=SHORT_S),
            _after(-1, "success"),
            OpTestJqueue(fail=True),
            _after(-1, "success"),
            _after(-2, "error"),
        )
        found = [job.end().status for job in (first, second, failing, refused, content)]
        _expect("states in the end", found, ["success", "success", "error", "error", "success"])
        before, after = first.state().end, second.state().start
        in_order = before is not None and after is not None and before <= after
        _expect("a job starts after the one it depends on", in_order, True)

    def _cancel(self) -> None:
        running = self._submit(OpTestJqueue(notify_exec=True))
        running.wait_for(EXEC)
        doomed, urgent = self._watched(
            _after(running.job_id),
            _after(running.job_id),
        )
        client = self._run.world.client
        _expect("a running job is cancelled", client.CancelJob(running.job_id, False)[0], False)
        _expect("a queued job is cancelled", client.CancelJob(doomed.job_id, False)[0], True)
        changed = client.ChangeJobPriority(urgent.job_id, URGENT)[0]
        _expect("a queued job gets another priority", changed, True)
        _expect("state of what was cancelled", doomed.end().status, "canceled")
        running.go_on()
        found = [job.end().status for job in (running, urgent)]
        _expect("states of the others", found, ["success", "success"])

    def _refusal(self) -> None:
        bad = _after(-1_000_000_000)
        answers = self._submit_many(bad, OpTestDelay(duration=SHORT_S))
        _expect("what is submitted", [good for good, _ in answers], [False, True])
        job = Watched(self._run, answers[1][1])
        _expect("state of the job beside it", job.end().status, "success")


def run_all(run: Run) -> int:
    """Returns 0, or raises what went wrong."""
    Trials(run).everything()
    run.say("The job queue does what it must")
    return 0
