# SPDX-License-Identifier: GPL-2.0-or-later
"""One opcode's life: expand → locks → check → pre hooks → execute → post hooks.

The queue drives it (`queue.execution`): the lock phase is a record that any worker steps through, so
that only `run` occupies a thread.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from ganeti.errors import Code, OpPrereqError, OpResultError
from ganeti.master.hooks import UnitHooks
from ganeti.master.locks.plan import BIG_LOCK, All, Held, Level, LockPlan, Want, exclusive, shared
from ganeti.master.queue.execution import Attempt, Executor, Feedback, Run
from ganeti.master.services import Services
from ganeti.master.unit import HeldLocks, JobLog, JobsResult, LogicalUnit
from ganeti.opcodes.base import OpCode
from ganeti.schema import types
from ganeti.utils import loading

log = logging.getLogger(__name__)

JOBS = "jobs"
"""The key of a result under which the ids of submitted jobs stand."""


class UnitExecutor(Executor):
    """Makes an attempt for each opcode whose turn it is."""

    def __init__(self, services: Services) -> None:
        self._services = services
        loading.load_all("ganeti.master.units")

    def begin(self, job_id: int, op_index: int, opcode: OpCode, feedback: Feedback) -> Attempt:
        """Expand the names of an opcode; raises GenericError if that fails."""
        unit_class = LogicalUnit.UNITS.get(type(opcode))
        if unit_class is None:
            raise OpPrereqError(f"this release does not carry out {opcode.OP_ID}", Code.WRONG_INPUT)
        unit = unit_class(opcode.replace(), self._services, f"job-{job_id}/{op_index}")
        unit.log = JobLog(feedback)
        return UnitAttempt(unit, self._services)


class UnitAttempt(Attempt):
    """One way of an opcode through its unit."""

    def __init__(self, unit: LogicalUnit[Any], services: Services) -> None:
        self._unit, self._services = unit, services
        try:
            unit.expand()
            self._plan: LockPlan = unit.lock_plan()
        except BaseException:
            self.close()
            raise

    @property
    def opcode(self) -> OpCode:
        """The opcode with what `expand` found out."""
        op: OpCode = self._unit.op
        return op

    def want(self, level: Level, held: Held) -> Want | None:
        """The big lock always; other levels as the unit says, none beside an exclusive big lock."""
        if level is Level.CLUSTER:
            return exclusive(BIG_LOCK) if self._unit.exclusive else shared(BIG_LOCK)
        return None if self._unit.exclusive else self._plan.want(level, held)

    def names_of(self, level: Level) -> Iterable[str]:
        """What a lock on the whole level stands for: instances by name, all else by UUID."""
        cfg = self._services.store.current
        if level is Level.CLUSTER:
            return (BIG_LOCK,)
        if level is Level.INSTANCE:
            return [instance.name for instance in cfg.instances.values()]
        tables = {Level.NODEGROUP: cfg.groups, Level.NETWORK: cfg.networks}
        return list(tables.get(level, cfg.nodes))

    def second(self) -> OpCode | None:
        """Another way for when resources are short at the moment."""
        op: OpCode | None = self._unit.second_attempt()
        return op

    def run(self, run: Run) -> Any:
        """Check and execute; returns the result or raises what the opcode ends with."""
        unit = self._unit
        unit.locks = run.locks
        self._check_locks(run.locks)
        unit.check()
        run.until_durable()
        return self._execute(run)

    def _check_locks(self, locks: HeldLocks) -> None:
        """While it waited for them, what the locks were chosen by may have changed: an instance
        has another name or other nodes. Raises OpPrereqError if others are needed now."""
        held = {level: locks.owned(level) for level in Level}
        self._plan = self._unit.lock_plan()
        for level in Level:
            want = self.want(level, held)
            if want is None or isinstance(want.names, All) or want.free_at_least is not None:
                continue
            if want.names - held[level]:
                raise OpPrereqError(
                    f"what {self.opcode.summary()} is about changed while the job waited for its"
                    " locks; submit the job again",
                    Code.WRONG_STATE,
                )

    def _execute(self, run: Run) -> Any:
        unit = self._unit
        hooks = UnitHooks(unit, self._services, unit.log)
        hooks.run_pre()
        if unit.op.dry_run:
            unit.log.info("dry run: the prerequisites are met, nothing was done")
            return unit.dry_run_result()
        writes = self._services.store.writes_of(unit.context)
        result = self._with_jobs(unit.execute(), run)
        result = unit.after_post_hooks(hooks.run_post(), result)
        if self._services.store.writes_of(unit.context) != writes:
            hooks.run_config_update()
        return checked(unit.op, result)

    def _with_jobs(self, result: Any, run: Run) -> Any:
        """Submit the jobs that come with a result and put their ids into it."""
        if not isinstance(result, JobsResult):
            return result
        jobs = [[inherited(self._unit.op, run.priority, op) for op in job] for job in result.jobs]
        return {**result.more, JOBS: run.submit_jobs(jobs)}

    def close(self) -> None:
        """Give temporary reservations back."""
        self._services.store.release(self._unit.context)


def inherited(parent: OpCode, priority: int, child: OpCode) -> OpCode:
    """What a job takes over from the opcode that submits it."""
    return child.replace(
        debug_level=parent.debug_level if child.debug_level is None else child.debug_level,
        priority=_submittable(priority) if child.priority == 0 else child.priority,
        comment=child.comment or f"Submitted by {parent.OP_ID}",
        reason=[*child.reason, *parent.reason],
    )


def _submittable(priority: int) -> int:
    """The nearest of the priorities that a job can be submitted with; waiting may have raised it."""
    return min((-10, 0, 10), key=lambda allowed: abs(allowed - priority))


def checked(op: OpCode, result: Any) -> Any:
    """The result as JSON; raises OpResultError if the opcode's declaration does not allow it."""
    plain = types.plain(result)
    try:
        types.checker(op.RESULT)(plain)
    except types.Mismatch as err:
        log.error("%s returned what it must not: %s", op.OP_ID, err)
        raise OpResultError(f"{op.OP_ID} returned a wrong result: {err}") from err
    return plain
