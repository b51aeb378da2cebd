# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs as values: what a job file holds, and every transition as a function from job to job.

Disk form (``queue/job-<id>``): one JSON object, keys in the order written here. While nothing of the
job has begun it is compact, afterwards it has blanks after ``,`` and ``:`` and a final newline.
Unknown keys (``livelock`` and ``process_id`` of other versions too) are kept. Values of private and
secret parameters never reach `Operation.input`; they live in `Operation.given` until the master ends.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import simplejson

from ganeti import errors
from ganeti.opcodes import base
from ganeti.schema import types

Stamp = tuple[int, int]
LogEntry = tuple[int, Stamp, str, Any]

INVALID_OP = "INVALID_OP"
CANCELLED_TEXT = "Job canceled by request"
PRECEDING_FAILED_TEXT = "Not carried out: a preceding opcode of this job failed"
UNCLEAN_TEXT = "The master daemon ended while this job was running; look at what it was about before trying again"

HIGHEST_PRIORITY, LOWEST_PRIORITY = -20, 19
SUBMIT_PRIORITIES = (-10, 0, 10)


class Status(StrEnum):
    """States of opcodes and, derived from these, of jobs."""

    QUEUED = "queued"
    WAITING = "waiting"
    CANCELING = "canceling"
    RUNNING = "running"
    CANCELED = "canceled"
    SUCCESS = "success"
    ERROR = "error"


FINAL = frozenset({Status.CANCELED, Status.SUCCESS, Status.ERROR})


@dataclass(frozen=True)
class Operation:
    """One opcode of a job and what became of it."""

    input: Mapping[str, Any]
    status: Status = Status.QUEUED
    result: Any = None
    log: tuple[LogEntry, ...] = ()
    start: Stamp | None = None
    exec: Stamp | None = None
    end: Stamp | None = None
    priority: int = 0
    more: Mapping[str, Any] = field(default_factory=dict)
    given: base.OpCode | None = field(default=None, compare=False, repr=False)

    @functools.cached_property
    def opcode(self) -> base.OpCode | None:
        """The opcode with all it was given, or None if this version cannot decode it."""
        if self.given is not None:
            return self.given
        try:
            return base.decode(dict(self.input))
        except (base.Unknown, types.Mismatch):
            return None

    @property
    def summary(self) -> str:
        return INVALID_OP if self.opcode is None else self.opcode.summary()

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def lost_secrets(self) -> bool:
        """True if it was given values that ended with the master daemon it was given to."""
        opcode = self.opcode
        return self.given is None and opcode is not None and opcode.is_confidential

    def raw(self) -> dict[str, Any]:
        return {
            "input": self.input,
            "status": self.status.value,
            "result": self.result,
            "log": self.log,
            "start_timestamp": self.start,
            "exec_timestamp": self.exec,
            "end_timestamp": self.end,
            "priority": self.priority,
            **self.more,
        }


@dataclass(frozen=True)
class Job:
    """A job; its status is derived, never stored."""

    id: int
    ops: tuple[Operation, ...]
    start: Stamp | None = None
    end: Stamp | None = None
    received: Stamp | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def status(self) -> Status:
        return derive(op.status for op in self.ops)

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def finished(self) -> int:
        """How many opcodes are final."""
        return sum(op.is_final for op in self.ops)

    @property
    def current(self) -> int:
        """Index of the opcode whose turn it is; of a job that is not final."""
        return next(i for i, op in enumerate(self.ops) if not op.is_final)

    @functools.cached_property
    def priority(self) -> int:
        """The most urgent one of the opcodes that are not final."""
        return min((op.priority for op in self.ops if not op.is_final), default=0)

    @property
    def last_log_serial(self) -> int:
        return max((op.log[-1][0] for op in self.ops if op.log), default=0)

    @functools.cached_property
    def encoded(self) -> bytes:
        """The content of the job file."""
        raw = {
            "id": self.id,
            "ops": [op.raw() for op in self.ops],
            "start_timestamp": self.start,
            "end_timestamp": self.end,
            "received_timestamp": self.received,
            **self.more,
        }
        if all(op.status is Status.QUEUED for op in self.ops):
            return as_json(raw, separators=(",", ":")).encode()
        return (as_json(raw) + "\n").encode()


def derive(statuses: Iterable[Status]) -> Status:
    """A job's status from those of its opcodes, in order."""
    value, all_succeeded = Status.QUEUED, True
    for status in statuses:
        if status is Status.SUCCESS:
            continue
        all_succeeded = False
        if status in (Status.CANCELING, Status.ERROR, Status.CANCELED):
            return status
        if status is not Status.QUEUED:
            value = status
    return Status.SUCCESS if all_succeeded else value


def as_json(value: Any, **layout: Any) -> str:
    """Numbers that JSON does not have become null, as they do on their way to clients."""
    return simplejson.dumps(value, ignore_nan=True, **layout)


# Reading.

_OP_KEYS = frozenset(Operation({}).raw())
_JOB_KEYS = frozenset(
    {"id", "ops", "start_timestamp", "end_timestamp", "received_timestamp"}
)  # the keys of `Job.encoded`


def decode(content: bytes) -> Job:
    """The job of a job file; raises JobFileCorrupted if there is none in it."""
    try:
        raw = simplejson.loads(content)
        return Job(
            id=int(raw["id"]),
            ops=tuple(_operation(op) for op in raw["ops"]),
            start=_stamp(raw.get("start_timestamp")),
            end=_stamp(raw.get("end_timestamp")),
            received=_stamp(raw.get("received_timestamp")),
            more={k: v for k, v in raw.items() if k not in _JOB_KEYS},
        )
    except (ValueError, LookupError, TypeError, AttributeError) as err:
        raise errors.JobFileCorrupted(f"not a job file: {err}") from err


def _operation(raw: Any) -> Operation:
    return Operation(
        input=dict(raw["input"]),
        status=Status(raw["status"]),
        result=raw.get("result"),
        log=tuple(_log_entry(entry) for entry in raw.get("log") or ()),
        start=_stamp(raw.get("start_timestamp")),
        exec=_stamp(raw.get("exec_timestamp")),
        end=_stamp(raw.get("end_timestamp")),
        priority=raw.get("priority") or 0,
        more={k: v for k, v in raw.items() if k not in _OP_KEYS},
    )


def _stamp(raw: Any) -> Stamp | None:
    if raw is None:
        return None
    seconds, microseconds = raw
    return seconds, microseconds


def _log_entry(raw: Any) -> LogEntry:
    serial, (seconds, microseconds), kind, payload = raw
    return serial, (seconds, microseconds), kind, payload


def stamp(seconds: float) -> Stamp:
    """A time as job files have it."""
    return divmod(round(seconds * 1_000_000), 1_000_000)


# Transitions. Each returns the job as it is afterwards.


def submitted(job_id: int, opcodes: Sequence[base.OpCode], now: Stamp) -> Job:
    """A new job; the reason trail of each opcode tells where it went."""
    ns = (now[0] * 1_000_000 + now[1]) * 1000
    ops = (_with_reason(op, f"job={job_id};index={i}", ns) for i, op in enumerate(opcodes))
    return Job(job_id, tuple(map(_fresh, ops)), received=now, end=None if opcodes else now)


def _with_reason(opcode: base.OpCode, text: str, ns: int) -> base.OpCode:
    source = "gnt:opcode:" + opcode.OP_ID.removeprefix("OP_").lower()
    return opcode.replace(reason=[*opcode.reason, (source, text, ns)])


def _fresh(opcode: base.OpCode) -> Operation:
    return Operation(opcode.encode(for_disk=True), priority=opcode.priority, given=opcode)


def _with_op(job: Job, index: int, **changes: Any) -> Job:
    ops = list(job.ops)
    ops[index] = replace(ops[index], **changes)
    return replace(job, ops=tuple(ops))


def _with_unfinished(job: Job, **changes: Any) -> Job:
    ops = tuple(op if op.is_final else replace(op, **changes) for op in job.ops)
    return replace(job, ops=ops)


def waiting(job: Job, index: int, now: Stamp) -> Job:
    """The job is taken up: it waits for the locks of this opcode."""
    job = _with_op(job, index, status=Status.WAITING, start=now)
    return job if job.start is not None else replace(job, start=now)


def requeued(job: Job) -> Job:
    """What waited, waits no more; it will be taken up again."""
    return _with_unfinished(job, status=Status.QUEUED)


def running(job: Job, index: int, opcode: base.OpCode, raw: Mapping[str, Any], now: Stamp) -> Job:
    """All locks are held; `opcode`, for the disk `raw`, has complete names."""
    return _with_op(job, index, status=Status.RUNNING, exec=now, input=raw, given=opcode)


def tried_again(job: Job, index: int, opcode: base.OpCode) -> Job:
    """The opcode goes back to waiting, as `opcode`."""
    raw = opcode.encode(for_disk=True)
    return _with_op(job, index, status=Status.WAITING, input=raw, given=opcode)


def succeeded(job: Job, index: int, result: Any, now: Stamp) -> Job:
    job = _with_op(job, index, status=Status.SUCCESS, result=result, end=now)
    return replace(job, end=now) if job.is_final else job


def failed(job: Job, index: int, error: BaseException, now: Stamp) -> Job:
    """This opcode failed; those behind it are not carried out."""
    job = _with_op(job, index, status=Status.ERROR, result=errors.encode(error), end=now)
    return broken_off(job, errors.OpExecError(PRECEDING_FAILED_TEXT), now)


def broken_off(job: Job, error: errors.GenericError, now: Stamp) -> Job:
    """Everything that has not ended fails with the same error."""
    ended = _with_unfinished(job, status=Status.ERROR, result=errors.encode(error), end=now)
    return replace(ended, end=now)


def canceling(job: Job) -> Job:
    return _with_unfinished(job, status=Status.CANCELING)


def canceled(job: Job, now: Stamp) -> Job:
    job = _with_unfinished(job, status=Status.CANCELED, result=CANCELLED_TEXT, end=now)
    return replace(job, end=now)


def logged(job: Job, index: int, kind: str, payload: Any, now: Stamp) -> Job:
    """Append to the log; a ``message-list`` becomes one ``message`` for each of its lines."""
    entries = (
        [("message", line) for line in payload] if kind == "message-list" else [(kind, payload)]
    )
    first = job.last_log_serial + 1
    new = tuple((first + i, now, kind, text) for i, (kind, text) in enumerate(entries))
    return _with_op(job, index, log=job.ops[index].log + new)


def reprioritised(job: Job, priority: int) -> Job | None:
    """Another priority for what has not begun to run; None if there is nothing left to change."""
    can_change = (Status.QUEUED, Status.WAITING)
    if not any(op.status in can_change for op in job.ops):
        return None
    ops = tuple(replace(op, priority=priority) if op.status in can_change else op for op in job.ops)
    return replace(job, ops=ops)


def more_urgent(job: Job, index: int) -> Job:
    """One step up, after a long time of waiting; the highest priority stays."""
    return _with_op(job, index, priority=max(HIGHEST_PRIORITY, job.ops[index].priority - 1))
