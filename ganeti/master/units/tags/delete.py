# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_TAGS_DEL: take tags from an object."""

from __future__ import annotations

from ganeti.master.units.tags import objects
from ganeti.master.units.tags.change import TagsChange
from ganeti.opcodes.tags import OpTagsDel


class TagsDel(TagsChange[OpTagsDel]):
    """All named tags go, or, if one is not set, none."""

    def tags_of(self, target: objects.Tagged) -> tuple[str, ...]:
        return objects.without_tags(target, self.op.tags)
