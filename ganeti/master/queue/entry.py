# SPDX-License-Identifier: GPL-2.0-or-later
"""What the scheduler knows about one job beyond its file: a record, never a thread.

Protected by the scheduler's lock; `attempt`, `levels` (those left), `wanted` (of the first of them) and
`held` belong to the task that is at work for the job, if there is one (never two at once).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any

from ganeti.master.alarms import Alarm
from ganeti.master.locks.grip import Rank
from ganeti.master.locks.plan import Level, Want
from ganeti.master.queue.admission import Limit
from ganeti.master.queue.execution import Attempt
from ganeti.master.queue.job import Job, Status


class Phase(Enum):
    """Where a job is on its way."""

    PENDING = "could start, but for filters and slots"
    PARKED = "another job has to end first"
    LOCKING = "takes locks, step by step, or waits for some"
    READY = "has its locks, all run slots are taken"
    RUNNING = "runs, or will as soon as that is durable"
    ENDING = "an opcode has ended, which is not durable yet"
    ENDED = "is final"


class Interrupt(IntEnum):
    """Why a job in the lock phase has to give back what it has; the greater reason wins."""

    TIME_OVER = 1
    STOP = 2
    CANCEL = 3


Outcome = Callable[[Exception | None], None]
"""Called when what was asked for is durable, or with the reason why it is not."""


@dataclass(eq=False)
class Entry:
    """`head` is the job as it is; `shown` is what clients may see of it, None before it is durable.

    `held_by`: the limit in whose line a pending job stands.
    `raw` is the attempt's opcode as the job file will have it, once all locks are held.
    `is_new`: it has not even been given to the store. `is_refused`: that failed, so it must not run.
    """

    head: Job
    arrival: int
    shown: Job | None = None
    is_new: bool = False
    is_refused: bool = False
    phase: Phase = Phase.PENDING
    held_by: Limit | None = None
    known: dict[int, Status | None] = field(default_factory=dict)
    interrupt: Interrupt | None = None
    failed_attempts: int = 0
    deadline: float | None = None
    attempt: Attempt | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    held: dict[Level, frozenset[str]] = field(default_factory=dict)
    levels: tuple[Level, ...] = tuple(Level)
    wanted: Want | None = None
    is_waiting: bool = False
    alarm: Alarm | None = None
    outcomes: list[Outcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.head.is_final:
            self.phase = Phase.ENDED

    @property
    def id(self) -> int:
        return self.head.id

    @property
    def rank(self) -> Rank:
        return Rank(self.head.priority, self.arrival)


def by_rank(entry: Entry) -> Rank:
    """Key of the lists in which jobs wait."""
    return entry.rank
