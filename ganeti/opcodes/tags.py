# SPDX-License-Identifier: GPL-2.0-or-later
"""Opcodes about tags, for all kinds of objects that can have them."""

from __future__ import annotations

from typing import Literal

from ganeti.opcodes.base import OpCode, param
from ganeti.schema.types import NonEmpty

TagKind = Literal["cluster", "instance", "network", "node", "nodegroup"]


class OpTagsGet(OpCode):
    """List the tags of an object."""

    SUBJECT = "name"
    RESULT = list[NonEmpty]
    kind: TagKind = param("Kind of the object")
    use_locking: bool = param("Lock the object while reading", default=False)
    name: str | None = param("Name of the object; the cluster has none", default=None)


class OpTagsSearch(OpCode):
    """Find the tags that a regular expression matches."""

    SUBJECT = "pattern"
    RESULT = list[tuple[NonEmpty, NonEmpty]]
    pattern: NonEmpty = param("Regular expression, searched for anywhere in the tag")


class OpTagsSet(OpCode):
    """Add tags to an object."""

    RESULT = None
    kind: TagKind = param("Kind of the object")
    tags: list[str] = param("Tags to add")
    name: str | None = param("Name of the object; the cluster has none", default=None)


class OpTagsDel(OpCode):
    """Take tags away from an object."""

    RESULT = None
    kind: TagKind = param("Kind of the object")
    tags: list[str] = param("Tags to take away")
    name: str | None = param("Name of the object; the cluster has none", default=None)
