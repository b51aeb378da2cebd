# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_TAGS_SET: add tags to an object."""

from __future__ import annotations

from ganeti.master.locks.plan import LockPlan
from ganeti.master.unit import LogicalUnit
from ganeti.master.units.tags import objects
from ganeti.opcodes.tags import OpTagsSet


class TagsSet(LogicalUnit[OpTagsSet]):
    """Tags that are there already stay; nothing is an error."""

    def expand(self) -> None:
        objects.check_tags(self.op.tags)
        self._target()

    def _target(self) -> objects.Tagged:
        return objects.tagged(self.cfg, self.op.kind, self.op.name)

    def lock_plan(self) -> LockPlan:
        return objects.lock_plan(self._target())

    def check(self) -> None:
        objects.with_tags(self._target(), self.op.tags)

    def execute(self) -> None:
        with self.write() as cfg:
            target = objects.tagged(cfg.root, self.op.kind, self.op.name)
            cfg.put(target.replace(tags=objects.with_tags(target, self.op.tags)))
