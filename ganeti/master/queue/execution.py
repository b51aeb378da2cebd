# SPDX-License-Identifier: GPL-2.0-or-later
"""The agreement between the queue and whoever knows what an opcode does (the processor).

For each opcode whose turn it is, the queue calls, one after the other and never two at once:

1. `Executor.begin` on some worker: names are completed; the attempt's `opcode` has them.
2. for each level in order `Attempt.want`; the queue takes these locks. Of a whole level it asks
   `Attempt.names_of` once it has it. Between two levels the job may wait, without a thread.
3. when all locks are held: `Attempt.run`, on a worker that is its own until it returns. Nothing is
   changed before `Run.until_durable` has returned: state `running` is durable then, with the completed
   opcode. The result must be JSON.
4. always `Attempt.close`, before the locks are given back.

When locks do not come in time, or the job is cancelled, or the daemon shuts down, `close` follows upon
1 or 2, and the next attempt starts at 1. A GenericError from 1, 2 or 3 is the opcode's failure; if it
is an OpPrereqError with the code `temp_insufficient_resources` and `Attempt.second` gives another
opcode, that one takes its place and starts at 1.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from ganeti.master.locks.plan import Held, Level, Want
from ganeti.opcodes.base import OpCode

if typing.TYPE_CHECKING:
    from ganeti.master.unit import HeldLocks

Submitted = tuple[bool, int | str]
"""``(True, job id)`` or ``(False, why not)``."""

Feedback = Callable[[str, Any], None]
"""Appends to the job's log: the kind of the entry, and a payload that must be JSON."""


class Run(Protocol):
    """What an opcode has while it runs."""

    @property
    def job_id(self) -> int: ...

    @property
    def priority(self) -> int:
        """What this opcode's priority is now; jobs that it submits inherit it."""

    @property
    def locks(self) -> HeldLocks: ...

    def until_durable(self) -> None:
        """Return when it is durable that the opcode runs; raises JobQueueError if it must not."""

    @property
    def feedback(self) -> Feedback:
        """The same that `Executor.begin` got."""

    def submit_jobs(self, jobs: Sequence[Sequence[OpCode]]) -> list[Submitted]:
        """Submit jobs; returns when they are durable."""


class Attempt(Protocol):
    """One try to carry out one opcode."""

    @property
    def opcode(self) -> OpCode:
        """The opcode with complete names; it goes into the job file."""

    def want(self, level: Level, held: Held) -> Want | None:
        """The locks it needs at this level; `held` has the names held at the lower ones."""

    def names_of(self, level: Level) -> Iterable[str]:
        """All names of a level, as the configuration is now."""

    def run(self, run: Run) -> Any:
        """Check, run the hooks, execute."""

    def second(self) -> OpCode | None:
        """What to try when resources are short at the moment, if there is another way."""

    def close(self) -> None:
        """Give back reservations; must not fail."""


class Executor(Protocol):
    """Begins attempts."""

    def begin(self, job_id: int, op_index: int, opcode: OpCode, feedback: Feedback) -> Attempt: ...
