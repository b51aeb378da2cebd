# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs that wait for other jobs: relative numbers, and what an opcode's dependencies say now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ganeti import errors
from ganeti.master.queue.job import Operation, Status
from ganeti.opcodes import base


def absolute(opcode: base.OpCode, job_id: int) -> base.OpCode:
    """The opcode with relative job numbers resolved: -1 is the job submitted just before."""
    if not opcode.depends:
        return opcode
    return opcode.replace(
        depends=[(_absolute(number, job_id), statuses) for number, statuses in opcode.depends]
    )


def _absolute(number: int, job_id: int) -> int:
    resolved = number if number >= 0 else job_id + number
    if number < 0 and resolved <= 0:
        raise errors.JobQueueError(
            f"relative dependency {number} is on no job: nothing was submitted before"
        )
    return resolved


def dependencies(operation: Operation) -> list[tuple[int, list[str]]]:
    """``[(job id, [status, ...]), ...]`` as the job file has it."""
    raw: Any = operation.input.get("depends") or []
    return [(int(number), list(statuses)) for number, statuses in raw]


def job_ids(operations: Iterable[Operation]) -> set[int]:
    """All jobs that the opcodes depend on."""
    return {number for op in operations for number, _ in dependencies(op)}


@dataclass(frozen=True)
class Ready:
    """Nothing more to wait for."""


@dataclass(frozen=True)
class WaitFor:
    """This job has not ended."""

    job_id: int


@dataclass(frozen=True)
class Cancel:
    """A job that was needed has been cancelled, so this one is."""


@dataclass(frozen=True)
class Fail:
    """The job cannot go on, and why."""

    reason: str


Verdict = Ready | WaitFor | Cancel | Fail


def verdict(operation: Operation, job_id: int, known: Mapping[int, Status | None]) -> Verdict:
    """What to do with an opcode whose turn it is.

    `known` has the status of each job that it depends on and that exists (live or archived); None is
    one that has not ended.
    """
    for number, wanted in dependencies(operation):
        if number == job_id:
            return Fail(f"job {job_id} depends on itself")
        if number not in known:
            return Fail(f"job {number}, on which this one depends, does not exist")
        status = known[number]
        if status is None:
            return WaitFor(number)
        if wanted and status.value not in wanted:
            if status is Status.CANCELED:
                return Cancel()
            return Fail(
                f"job {number} ended with status '{status}', this job needs {' or '.join(wanted)}"
            )
    return Ready()
