# SPDX-License-Identifier: GPL-2.0-or-later
"""What setting and deleting tags share: all but the tags that come out."""

from __future__ import annotations

from abc import abstractmethod
from typing import Generic, TypeVar

from ganeti.master.locks.plan import LockPlan
from ganeti.master.unit import LogicalUnit
from ganeti.master.units.tags import objects
from ganeti.opcodes.tags import OpTagsDel, OpTagsSet

O = TypeVar("O", OpTagsSet, OpTagsDel)  # noqa: E741


class TagsChange(LogicalUnit[O], Generic[O]):
    """A unit that gives the object of its opcode other tags."""

    @abstractmethod
    def tags_of(self, target: objects.Tagged) -> tuple[str, ...]:
        """The tags that the object is to have; raises OpPrereqError if that cannot be."""

    def expand(self) -> None:
        objects.check_tags(self.op.tags)
        self._target()

    def _target(self) -> objects.Tagged:
        return objects.tagged(self.cfg, self.op.kind, self.op.name)

    def lock_plan(self) -> LockPlan:
        return objects.lock_plan(self._target())

    def check(self) -> None:
        self.tags_of(self._target())

    def execute(self) -> None:
        with self.write() as cfg:
            target = objects.tagged(cfg.root, self.op.kind, self.op.name)
            cfg.put(target.replace(tags=self.tags_of(target)))
