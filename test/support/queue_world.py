# SPDX-License-Identifier: GPL-2.0-or-later
"""A job queue with real threads and files, whose opcodes do what the test says.

Tests wait for states by subscription (`World.until`), never by looking again and again.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import simplejson

from ganeti.master.candidates import CandidateSet, Done, Transport
from ganeti.master.locks.plan import Held, Level, LockPlan, Want
from ganeti.master.query import fields_job
from ganeti.master.queue import changes
from ganeti.master.queue.changes import RECORD, Changes
from ganeti.master.queue.execution import Feedback, Run
from ganeti.master.queue.job import FINAL, Job, Operation
from ganeti.master.queue.jobqueue import SET_OUT_S, JobQueue, Settings
from ganeti.master.queue.store import QueueStore
from ganeti.master.queue.watch import Answer, Known
from ganeti.model.filter import FilterRule
from ganeti.opcodes.base import Disclosure, OpCode, param
from ganeti.paths import Paths
from ganeti.utils.files import Disk, Primitives
from test.support.alarms import FakeAlarms
from test.support.clock import FakeClock

PATIENCE_S = 20
"""So long a test waits for what must come; only a failing one waits in vain."""


_LONGEST_ATTEMPT_S = 100
HARD_LIMIT = 200


class OpSampleScripted(OpCode):
    """Does what the script of that name says."""

    SUBJECT = "script"
    script: str = param("Name of a script")
    secret: Annotated[dict[str, str] | None, Disclosure.SECRET] = param("A secret", default=None)


class Quick(Primitives):
    """Real files without waiting for the device; `fail` makes every write fail."""

    fail = False

    def write_temporary(self, path: str, item: Any) -> None:
        if self.fail:
            raise OSError(28, "no space left on device")
        super().write_temporary(path, item)

    def sync_directory(self, path: str) -> None:
        pass


class TickingClock(FakeClock):
    """Each look at the time of day is a microsecond later."""

    def now(self) -> float:
        self._now_s += 0.000001
        return self._now_s


class Candidates:
    """Master candidates in memory. `hold` keeps answers back until `let_go`; `broken` ones fail."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = {}
        self.drained: dict[str, bool] = {}
        self.calls: list[tuple[str, Changes]] = []
        self._called = threading.Condition()
        self.broken: dict[str, Exception] = {}
        self._held: list[Callable[[], None]] | None = None

    def send(self, candidate: str, content: Changes, done: Done) -> None:
        with self._called:
            self.calls.append((candidate, content))
            is_held = self._held is not None
            if self._held is not None:
                self._held.append(lambda: self._deliver(candidate, content, done))
            self._called.notify_all()
        if not is_held:
            self._deliver(candidate, content, done)

    def _deliver(self, candidate: str, content: Changes, done: Done) -> None:
        if candidate in self.broken:
            done(self.broken[candidate])
            return
        files = self.files.setdefault(candidate, {})
        if content.everything:
            files.clear()
        files |= content.files
        if content.known is not None:
            wanted = {f"job-{number}" for number in content.live}
            for name in [name for name in files if name.startswith("job-") and name not in wanted]:
                del files[name]
        for old, new in content.renames:
            files[new] = files.pop(old)
        if content.drained is not None:
            self.drained[candidate] = content.drained
        done(None)

    def queue_of(self, candidate: str) -> dict[str, bytes]:
        """Its jobs and the serial."""
        return {name: data for name, data in self.files[candidate].items() if name != RECORD}

    def hold(self) -> None:
        self._held = []

    def wait_for_calls(self, count: int) -> None:
        """Wait until so many calls are held back."""
        with self._called:
            assert self._called.wait_for(lambda: len(self._held or ()) >= count, PATIENCE_S)

    def let_go(self) -> None:
        with self._called:
            held, self._held = self._held or [], None
        for deliver in held:
            deliver()


class Gate:
    """A place where scripts stop until they are let through."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self._open = threading.Semaphore(0)

    def __call__(self, run: Run | None) -> None:
        self.arrived.release()
        assert self._open.acquire(timeout=PATIENCE_S)

    def wait_for_arrival(self) -> None:
        assert self.arrived.acquire(timeout=PATIENCE_S)

    def let_through(self, count: int = 1) -> None:
        self._open.release(count)


@dataclass
class Script:
    """What an opcode wants and does."""

    body: Callable[[Run], Any] = lambda run: None
    plan: LockPlan = field(default_factory=LockPlan)
    begin: Callable[[Feedback], None] = lambda feedback: None
    check: Callable[[], None] = lambda: None
    second: str | None = None
    names: Mapping[Level, Sequence[str]] = field(default_factory=dict)


@dataclass
class ScriptAttempt:
    world: World
    script: Script
    opcode: OpCode

    def want(self, level: Level, held: Held) -> Want | None:
        return self.script.plan.want(level, held)

    def names_of(self, level: Level) -> Iterable[str]:
        return self.script.names[level]

    def run(self, run: Run) -> Any:
        self.script.check()
        run.until_durable()
        return self.script.body(run)

    def second(self) -> OpCode | None:
        return None if self.script.second is None else scripted(self.script.second)

    def close(self) -> None:
        self.world.closed += 1


def scripted(name: str, **more: Any) -> OpCode:
    """An opcode that runs a script."""
    return OpSampleScripted(script=name).replace(**more)


class World:
    """The queue, and everything around it that tests look at or turn."""

    def __init__(
        self,
        root: Path,
        *candidates: str,
        disk: Disk | None = None,
        transport: Transport[Changes] | None = None,
        set_out_s: float = SET_OUT_S,
        epoch: int = 1,
    ) -> None:
        self.paths = Paths(str(root))
        Path(self.paths.queue_archive_dir).mkdir(parents=True, exist_ok=True)
        self.primitives, self.alarms, self.clock = Quick(), FakeAlarms(), TickingClock()
        self.candidates = Candidates()
        self.scripts: dict[str, Script] = {"nothing": Script()}
        self.begun: Counter[int] = Counter()
        self.closed = 0
        self.complete_names: dict[str, str] = {}
        self.max_running, self.rules = 20, list[FilterRule]()
        self._names, self._set_out_s, self._epoch = candidates, set_out_s, epoch
        self._disk, self._transport = disk or Disk(self.primitives), transport or self.candidates
        self.queue = self.build()

    def build(self) -> JobQueue:
        candidate_set: CandidateSet[Changes] = CandidateSet(
            self._transport, changes.merge, self.alarms
        )
        store = QueueStore(
            self.paths, self._disk, candidate_set, self.alarms, epoch=self._epoch, clock=self.clock
        )
        return JobQueue(
            store,
            self,
            self.alarms,
            self.clock,
            settings=Settings(
                lambda: self.max_running, lambda: self.rules, HARD_LIMIT, self._set_out_s
            ),
            row=fields_job.values,
        )

    def start(self) -> None:
        """Start, and wait until the candidates have what is there."""
        self.queue.start(self._names)
        self.let_writer_catch_up()

    def let_writer_catch_up(self) -> None:
        """Return when all is written that the queue has asked for so far."""
        self.queue.set_drained(self.queue.is_drained)

    def restart(self) -> None:
        """As if the daemon had been stopped and started."""
        self.queue.shutdown()
        assert self.queue.wait_until_settled(PATIENCE_S)
        self.queue.close()
        self.queue = self.build()
        self.start()

    def begin(
        self, job_id: int, op_index: int, opcode: OpCode, feedback: Feedback
    ) -> ScriptAttempt:
        self.begun[job_id] += 1
        script = self.scripts[self._script_name(opcode)]
        script.begin(feedback)
        return ScriptAttempt(self, script, opcode)

    def _script_name(self, opcode: OpCode) -> str:
        """Other opcodes do what the script with their id says."""
        if not isinstance(opcode, OpSampleScripted):
            return opcode.OP_ID
        opcode.script = self.complete_names.get(opcode.script, opcode.script)
        return opcode.script

    # What tests say.

    def script(self, name: str, body: Any = None, **more: Any) -> None:
        """Define a script; a body that is no function is its result."""
        self.scripts[name] = Script(body if callable(body) else lambda run: body, **more)

    def submit(self, *names: str, **more: Any) -> int:
        """A job that runs these scripts."""
        return self.queue.submit([scripted(name, **more) for name in names])

    def job(self, job_id: int) -> Job:
        snapshot = self.queue.job(job_id)
        assert snapshot is not None
        return snapshot.job

    def op(self, job_id: int) -> Operation:
        return self.job(job_id).ops[0]

    def status(self, job_id: int) -> str:
        return str(self.job(job_id).status)

    def until(self, job_id: int, *statuses: str) -> Job:
        """Wait until the job has one of these states; any final one, if none is given."""
        wanted = {*statuses} or {str(status) for status in FINAL}
        while True:
            job = self.job(job_id)
            if job.status in wanted:
                return job
            assert not job.is_final, f"job {job_id} ended: {job}"
            self.until_changed(job)

    def until_changed(self, *found: Job) -> None:
        """Wait until one of the jobs is not as it was found."""
        changed = threading.Event()

        def answer(news: Answer) -> None:
            changed.set()

        for job in found:
            known = Known(["opstatus"], [_op_statuses(job)], job.last_log_serial)
            self.queue.wait_for_change(job.id, known, 2 * _LONGEST_ATTEMPT_S, answer)
        states = ", ".join(f"{job.id} {job.status}" for job in found)
        assert changed.wait(PATIENCE_S), f"jobs stay as they are: {states}"

    def until_op(self, job_id: int, index: int) -> Job:
        """Wait until one opcode of a job is final."""
        while not (job := self.job(job_id)).ops[index].is_final:
            self.until_changed(job)
        return job

    def until_known(self, job_id: int) -> Job:
        """A job that is seen once its end is written, at the next attempt if that under way fails."""
        for _ in range(3):
            self.let_writer_catch_up()
            if self.queue.job(job_id):
                break
            self.pass_time(1)
        return self.job(job_id)

    def wait_for_alarm(self) -> None:
        """Wait until somebody wants to be woken."""
        self.alarms.wait_for(1, PATIENCE_S)

    def until_blocked(self, *job_ids: int) -> None:
        """Wait until so many jobs wait for locks: each has an alarm for the end of its attempt."""
        for job_id in job_ids:
            self.until(job_id, "waiting")
        self.pass_time(1)  # what the store writes lazily
        self.alarms.wait_for(len(job_ids), PATIENCE_S, below_s=_LONGEST_ATTEMPT_S)

    def queue_file(self, raw_opcode: dict[str, Any]) -> int:
        """Put the file of a queued job into the directory, for the next start."""
        number = self.queue.last_id + 1
        raw = {"id": number, "ops": [{"input": raw_opcode, "status": "queued"}]}
        Path(self.paths.job(number)).write_text(simplejson.dumps(raw))
        return number

    def on_disk(self, job_id: int) -> bytes:
        return Path(self.paths.job(job_id)).read_bytes()

    def write_job(self, job_id: int, content: bytes) -> None:
        """Change a job file behind the queue's back."""
        Path(self.paths.job(job_id)).write_bytes(content)

    def pass_time(self, seconds: float) -> None:
        self.clock.pass_time(seconds)
        self.alarms.pass_time(seconds)

    def rule(self, action: Any, *predicates: Any, uuid: str = "rule") -> None:
        """Add a filter rule and tell the queue."""
        raw = {
            "uuid": uuid,
            "watermark": self.queue.last_id,
            "priority": 0,
            "predicates": list(predicates),
            "action": action,
            "reason_trail": [],
        }
        self.rules.append(FilterRule.from_raw(raw))
        self.queue.reschedule()


def _op_statuses(job: Job) -> list[str]:
    return [str(op.status) for op in job.ops]
