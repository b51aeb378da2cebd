# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_TAGS_DEL: take tags from an object."""

from __future__ import annotations

from ganeti.master.locks.plan import LockPlan
from ganeti.master.unit import LogicalUnit
from ganeti.master.units.tags import objects
from ganeti.opcodes.tags import OpTagsDel


class TagsDel(LogicalUnit[OpTagsDel]):
    """All named tags go, or, if one is not set, none."""

    def expand(self) -> None:
        objects.check_tags(self.op.tags)
        self._target()

    def _target(self) -> objects.Tagged:
        return objects.tagged(self.cfg, self.op.kind, self.op.name)

    def lock_plan(self) -> LockPlan:
        return objects.lock_plan(self._target())

    def check(self) -> None:
        objects.without_tags(self._target(), self.op.tags)

    def execute(self) -> None:
        with self.write() as cfg:
            target = objects.tagged(cfg.root, self.op.kind, self.op.name)
            cfg.put(target.replace(tags=objects.without_tags(target, self.op.tags)))
