# SPDX-License-Identifier: GPL-2.0-or-later
"""What a logical unit is: the code of one opcode on the master.

A unit's life (`processor`): `expand` → locks by `lock_plan` → `check` → pre hooks → `execute` → post
hooks. `expand` sees the published configuration without locks, so `check` looks again at whatever
it relied on. Decisions belong into pure functions beside the unit; the unit reads, decides, acts.
"""

from __future__ import annotations

import typing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from ganeti.master.locks.plan import Level, LockPlan
from ganeti.model.config import Config
from ganeti.opcodes.base import OpCode
from ganeti.utils.clock import Clock

if typing.TYPE_CHECKING:
    from ganeti.master.config.transaction import Transaction
    from ganeti.master.services import Services

O = TypeVar("O", bound=OpCode)  # noqa: E741


class Target(StrEnum):
    """What kind of object a hook is about (``GANETI_OBJECT_TYPE``)."""

    CLUSTER = "CLUSTER"
    NODE = "NODE"
    GROUP = "GROUP"
    INSTANCE = "INSTANCE"
    NETWORK = "NETWORK"


@dataclass(frozen=True)
class Hooks:
    """Which hooks run around a unit. `env`: parameters that are handed on, upper-cased."""

    path: str
    target: Target
    env: tuple[str, ...] = ()


@dataclass(frozen=True)
class HookNodes:
    """UUIDs of the nodes on which the hooks of each phase run."""

    pre: Sequence[str] = ()
    post: Sequence[str] = ()


@dataclass(frozen=True)
class JobsResult:
    """A result that comes with jobs to submit; their ids join it under the key ``jobs``."""

    jobs: Sequence[Sequence[OpCode]]
    more: Mapping[str, Any] = field(default_factory=dict)


class JobLog:
    """What a unit tells the user; each line becomes an entry of the job's log.

    The forms of the lines are an interface (what `gnt-*` prints).
    """

    def __init__(self, feedback: Callable[[str, Any], None]) -> None:
        self._feedback = feedback

    def entry(self, kind: str, payload: Any) -> None:
        """For programs that follow the job; people see it as it is."""
        self._feedback(kind, payload)

    def plain(self, text: str) -> None:
        self._feedback("message", text)

    def lines(self, texts: Sequence[str]) -> None:
        self._feedback("message-list", list(texts))

    def step(self, text: str) -> None:
        self.plain(f"* {text}")

    def numbered(self, number: int, of: int, text: str) -> None:
        self.plain(f"STEP {number}/{of} {text}")

    def info(self, text: str) -> None:
        self.plain(f" - INFO: {text}")

    def warning(self, text: str, hint: str | None = None) -> None:
        self.plain(f" - WARNING: {text}")
        if hint:
            self.plain(f"      Hint: {hint}")


class HeldLocks(Protocol):
    """The locks of a unit while it executes: they can be given back, never added to."""

    def release(self, level: Level, names: Iterable[str] | None = None) -> None: ...

    def downgrade(self, level: Level, names: Iterable[str] | None = None) -> None: ...

    def owned(self, level: Level) -> frozenset[str]: ...


class LogicalUnit(ABC, Generic[O]):
    """Base of all units; ``class InstanceReboot(LogicalUnit[OpInstanceReboot])`` binds the opcode."""

    UNITS: ClassVar[dict[type[OpCode], type[LogicalUnit[Any]]]] = {}
    hooks: ClassVar[Hooks | None] = None
    exclusive: ClassVar[bool] = False
    """Takes the big lock alone: nothing else runs meanwhile."""

    log: JobLog
    locks: HeldLocks

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in getattr(cls, "__orig_bases__", ()):
            origin, args = typing.get_origin(base), typing.get_args(base)
            is_unit = isinstance(origin, type) and issubclass(origin, LogicalUnit)
            if is_unit and isinstance(args[0], type):
                LogicalUnit.UNITS[args[0]] = cls

    def __init__(self, op: O, services: Services, context: str) -> None:
        self.op = op
        self.services = services
        self.context = context
        self.rpc = services.rpc
        self.paths = services.paths
        self.runner = services.runner

    # What units override, in the order of their life.

    def expand(self) -> None:
        """Check the parameters against each other and complete names; no locks are held."""

    def lock_plan(self) -> LockPlan:
        """The locks the unit needs; none by default."""
        return LockPlan()

    def check(self) -> None:
        """Check the prerequisites under locks; raises OpPrereqError."""

    def hook_env(self) -> Mapping[str, Any]:
        """Variables beyond the parameters that `hooks` lists."""
        return {}

    def hook_nodes(self) -> HookNodes:
        """Where the hooks run; the master alone by default."""
        master = (self.cfg.cluster.master_node,)
        return HookNodes(master, master)

    def dry_run_result(self) -> Any:
        """What a dry run returns."""
        return None

    @abstractmethod
    def execute(self) -> Any:
        """Carry the operation out and return its result."""

    def second_attempt(self) -> O | None:
        """What to try after a failure with `temp_insufficient_resources`, or None."""
        return None

    def after_post_hooks(self, rows: Mapping[str, Any], result: Any) -> Any:
        """The result once the post hooks have run (cluster verify reports them)."""
        return result

    # What units use.

    @property
    def cfg(self) -> Config:
        """The published configuration as it is now."""
        return self.services.store.current

    @property
    def clock(self) -> Clock:
        return self.services.clock

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction; leaving the block returns when the change is durable."""
        with self.services.store.write(self.context) as transaction:
            yield transaction
        for text in transaction.warnings:
            self.log.warning(text)
