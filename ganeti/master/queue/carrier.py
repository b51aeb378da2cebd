# SPDX-License-Identifier: GPL-2.0-or-later
"""The work of a job's threads: begin an attempt, walk through the locks, run, close.

Each method is one task of a worker; between two of them a job is only a record. Whatever goes wrong
here ends the opcode: this is the rim at which exceptions stop.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol

from ganeti import errors
from ganeti.errors import Code
from ganeti.master.queue import job as jobs
from ganeti.master.queue.entry import Entry
from ganeti.master.queue.execution import Attempt, Executor, Feedback, Submitted
from ganeti.master.queue.lockphase import HeldByJob, Host, LockPhase, Walk
from ganeti.opcodes.base import OpCode

log = logging.getLogger(__name__)

Submit = Callable[[Sequence[Sequence[OpCode]]], list[Submitted]]


class Board(Host, Protocol):
    """The scheduler, as workers see it; for use in a `holding` block."""

    @property
    def locks(self) -> LockPhase: ...

    def begin_attempt(self, entry: Entry) -> None: ...

    def line_up(self, entry: Entry, raw: Mapping[str, Any]) -> bool: ...

    def gave_back(self, entry: Entry) -> None: ...

    def try_again(self, entry: Entry, opcode: OpCode) -> None: ...

    def add_to_log(self, entry: Entry, index: int, kind: str, payload: object) -> None: ...

    def succeed(self, entry: Entry, result: object) -> None: ...

    def fail(self, entry: Entry, error: BaseException) -> None: ...


class Carrier:
    """Carries opcodes out, by the executor."""

    def __init__(self, board: Board, executor: Executor, submit: Submit) -> None:
        self._board, self._executor, self._submit = board, executor, submit

    def step(self, entry: Entry) -> None:
        """Go as far through the lock phase as is possible without waiting."""
        self._guarded(entry, self._step)

    def run(self, entry: Entry, written: Future[Exception | None]) -> None:
        """Carry the opcode out; `written` tells when it is known to be durable, or why it never is."""
        self._guarded(entry, partial(self._run, written=written))

    def _guarded(self, entry: Entry, work: Callable[[Entry], None]) -> None:
        try:
            work(entry)
        except errors.GenericError as err:
            self._fail(entry, err)
        except Exception as err:
            log.exception("job %d failed unexpectedly", entry.id)
            self._fail(entry, err)

    def _step(self, entry: Entry) -> None:
        if entry.interrupt is None:
            attempt = entry.attempt or self._begin(entry)
            progress = self._board.locks.walk(entry, attempt)
            if progress is Walk.WAITS or (
                progress is Walk.ALL_HELD and self._lined_up(entry, attempt)
            ):
                return
        self._close(entry)
        with self._board.holding():
            self._board.gave_back(entry)

    def _begin(self, entry: Entry) -> Attempt:
        with self._board.holding():
            self._board.begin_attempt(entry)
            index = entry.head.current
            op = entry.head.ops[index]
        if op.opcode is None:
            raise errors.OpPrereqError(
                "this release does not know such an opcode", Code.WRONG_INPUT
            )
        if op.lost_secrets:
            raise errors.OpPrereqError(
                "private and secret parameters are not stored in the queue, so they were lost when the"
                " master daemon was restarted; submit the job again",
                Code.WRONG_STATE,
            )
        feedback = partial(self._tell, entry, index)
        entry.attempt = self._executor.begin(entry.id, index, op.opcode, feedback)
        return entry.attempt

    def _tell(self, entry: Entry, index: int, kind: str, payload: Any) -> None:
        jobs.as_json(payload)
        with self._board.holding():
            self._board.add_to_log(entry, index, kind, payload)

    def _lined_up(self, entry: Entry, attempt: Attempt) -> bool:
        raw = attempt.opcode.encode(for_disk=True)
        with self._board.holding():
            return self._board.line_up(entry, raw)

    def _run(self, entry: Entry, written: Future[Exception | None]) -> None:
        assert entry.attempt is not None
        feedback = partial(self._tell, entry, entry.head.current)
        result = entry.attempt.run(
            RunningOpcode(self._board, entry, self._submit, written, feedback)
        )
        try:
            jobs.as_json(result)
        except (TypeError, ValueError) as err:
            raise errors.OpResultError(f"the result is not JSON: {err}") from err
        self._close(entry)
        with self._board.holding():
            self._board.succeed(entry, result)

    def _fail(self, entry: Entry, error: Exception) -> None:
        try:
            second = self._second(entry, error)
            self._close(entry)
        except Exception:
            log.exception("job %d could not be closed", entry.id)
            second = None
        with self._board.holding():
            if second is None:
                self._board.fail(entry, error)
            else:
                self._board.try_again(entry, second)

    def _second(self, entry: Entry, error: Exception) -> OpCode | None:
        """Another opcode to try, if the failure may pass and the unit knows another way."""
        is_passing = (
            isinstance(error, errors.OpPrereqError) and error.code == Code.TEMP_NO_RESOURCES
        )
        return entry.attempt.second() if entry.attempt is not None and is_passing else None

    def _close(self, entry: Entry) -> None:
        attempt, entry.attempt = entry.attempt, None
        if attempt is not None:
            attempt.close()


class RunningOpcode:
    """What an opcode has while it runs (`execution.Run`)."""

    def __init__(
        self,
        board: Board,
        entry: Entry,
        submit: Submit,
        written: Future[Exception | None],
        feedback: Feedback,
    ) -> None:
        self._board, self._entry, self._submit = board, entry, submit
        self._written, self.feedback = written, feedback
        self._index = entry.head.current
        self.locks = HeldByJob(board, board.locks, entry)

    @property
    def job_id(self) -> int:
        return self._entry.id

    @property
    def priority(self) -> int:
        return self._entry.head.ops[self._index].priority

    def until_durable(self) -> None:
        error = self._written.result()
        if error is not None:
            raise errors.JobQueueError(f"the job queue could not be written: {error}")

    def submit_jobs(self, jobs: Sequence[Sequence[OpCode]]) -> list[Submitted]:
        return self._submit(jobs)
