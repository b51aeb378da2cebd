# SPDX-License-Identifier: GPL-2.0-or-later
"""The query fields of jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ganeti.errors import Code, OpPrereqError
from ganeti.master.query.field import (
    Compare,
    Field,
    Getter,
    Kind,
    Need,
    Resource,
    Sources,
    by_name,
    known_fields,
    plain,
)
from ganeti.master.queue.job import Job, Operation
from ganeti.opcodes import base
from ganeti.opcodes.base import JobId
from ganeti.schema import types

TEXT, BOOL, NUMBER, OTHER = Kind.TEXT, Kind.BOOL, Kind.NUMBER, Kind.OTHER
STAMP = Compare.STAMP

SHOWN_WHEN_NULL = ("depends", "comment")


class Found(NamedTuple):
    """A job that was asked for; None if there is none of this number."""

    id: int
    job: Job | None
    is_archived: bool = False


def _of_job(read: Callable[[Job], Any]) -> Getter:
    return lambda found, _: read(found.job) if found.job else None


def _of_ops(read: Callable[[Operation], Any]) -> Getter:
    return lambda found, _: [read(op) for op in found.job.ops] if found.job else None


def _without_marks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_marks(inner) for key, inner in value.items()}
    return None if value == base.REDACTED else value


def _opcode(operation: Operation) -> dict[str, Any]:
    """The opcode without parameters that are not set, and without secrets."""
    return {
        name: _without_marks(value)
        for name, value in operation.input.items()
        if value is not None or name in SHOWN_WHEN_NULL
    }


_FIELDS = [
    Field("id", NUMBER, "ID", "Number", lambda found, _: found.id, compare=Compare.JOB_ID),
    Field("status", TEXT, "Status", "Status", _of_job(lambda job: job.status.value)),
    Field(
        "priority",
        NUMBER,
        "Priority",
        "Priority, -20 to 19, the smaller the more urgent",
        _of_job(lambda job: job.priority),
    ),
    Field(
        "archived",
        BOOL,
        "Archived",
        "Whether it is in the archive",
        lambda found, _: found.is_archived if found.job else None,
        Need.ARCHIVE,
    ),
    Field(
        "received_ts",
        OTHER,
        "Received",
        "When it was submitted",
        _of_job(lambda job: job.received),
        compare=STAMP,
    ),
    Field(
        "start_ts", OTHER, "Start", "When it began", _of_job(lambda job: job.start), compare=STAMP
    ),
    Field("end_ts", OTHER, "End", "When it ended", _of_job(lambda job: job.end), compare=STAMP),
    Field("summary", OTHER, "Summary", "A text for each opcode", _of_ops(lambda op: op.summary)),
    Field("ops", OTHER, "OpCodes", "Opcodes with their parameters", _of_ops(_opcode)),
    Field(
        "opresult", OTHER, "OpCode_result", "Result of each opcode", _of_ops(lambda op: op.result)
    ),
    Field(
        "opstatus",
        OTHER,
        "OpCode_status",
        "Status of each opcode",
        _of_ops(lambda op: op.status.value),
    ),
    Field(
        "oplog",
        OTHER,
        "OpCode_log",
        "Log of each opcode: rows of number, time, type, content",
        _of_ops(lambda op: op.log),
    ),
    Field(
        "opstart",
        OTHER,
        "OpCode_start",
        "When each opcode was taken up",
        _of_ops(lambda op: op.start),
    ),
    Field(
        "opexec",
        OTHER,
        "OpCode_exec",
        "When each opcode had its locks",
        _of_ops(lambda op: op.exec),
    ),
    Field("opend", OTHER, "OpCode_end", "When each opcode ended", _of_ops(lambda op: op.end)),
    Field(
        "oppriority",
        OTHER,
        "OpCode_prio",
        "Priority of each opcode",
        _of_ops(lambda op: op.priority),
    ),
]


_number = types.checker(JobId)


def number(key: Any) -> int:
    """A job number; raises OpPrereqError."""
    try:
        return int(_number(key))
    except types.Mismatch as err:
        raise OpPrereqError(f"this is no job number: {err}", Code.WRONG_INPUT) from None


class JobResource(Resource):
    """In order of their numbers."""

    NAME = "job"
    KEY = "id"
    FIELDS = by_name(_FIELDS)

    def everything(self, sources: Sources, needs: frozenset[Need]) -> Sequence[Found]:
        found = sources.services.jobs.jobs(archived=Need.ARCHIVE in needs)
        return [Found(s.job.id, s.job, s.is_archived) for s in found]

    def named(self, sources: Sources, keys: Sequence[Any], *, strict: bool) -> Sequence[Found]:
        """A row for each; without values if there is no such job."""
        return [self._found(sources, job_id) for job_id in dict.fromkeys(map(number, keys))]

    def _found(self, sources: Sources, job_id: int) -> Found:
        snapshot = sources.services.jobs.job(job_id)
        if snapshot is None:
            return Found(job_id, None)
        return Found(job_id, snapshot.job, snapshot.is_archived)


def values(job: Job, fields: Sequence[str]) -> list[Any]:
    """Values of a job that is not archived; raises OpPrereqError for an unknown field."""
    return plain(Found(job.id, job), None, known_fields(JobResource(), fields))
