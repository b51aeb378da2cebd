# SPDX-License-Identifier: GPL-2.0-or-later
"""Opcodes of the generic query; most queries go over LUXI directly and need no job."""

from __future__ import annotations

from typing import Any, Literal

from ganeti.opcodes.base import OpCode, param
from ganeti.schema.types import NonEmpty

Resource = Literal[
    "cluster",
    "export",
    "extstorage",
    "filter",
    "group",
    "instance",
    "job",
    "lock",
    "network",
    "node",
    "os",
]
FieldDefinitions = list[dict[str, Any]]
Cell = tuple[Literal[0, 1, 2, 3, 4], Any]


class OpQuery(OpCode):
    """Ask for fields of the objects of one kind."""

    SUBJECT = "what"
    RESULT = dict[Literal["fields", "data"], FieldDefinitions | list[list[Cell]]]
    what: Resource = param("Kind of the objects")
    use_locking: bool = param("Lock the objects while reading", default=False)
    fields: list[NonEmpty] = param("Names of the fields")
    qfilter: list[Any] | None = param("Filter, as nested lists", default=None)


class OpQueryFields(OpCode):
    """Ask which fields there are for one kind of objects."""

    SUBJECT = "what"
    RESULT = dict[Literal["fields"], FieldDefinitions]
    what: Resource = param("Kind of the objects")
    fields: list[NonEmpty] | None = param("Names of the fields; all if absent", default=None)
