# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_TAGS_SET: add tags to an object."""

from __future__ import annotations

from ganeti.master.units.tags import objects
from ganeti.master.units.tags.change import TagsChange
from ganeti.opcodes.tags import OpTagsSet


class TagsSet(TagsChange[OpTagsSet]):
    """Tags that are there already stay; nothing is an error."""

    def tags_of(self, target: objects.Tagged) -> tuple[str, ...]:
        return objects.with_tags(target, self.op.tags)
