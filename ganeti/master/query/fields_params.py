# SPDX-License-Identifier: GPL-2.0-or-later
"""Fields for parameters: one for each that is declared, named ``be/vcpus`` and the like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ganeti.master.query.field import Field, Getter, Kind
from ganeti.model.params.declare import Parameter, ValueType

_KINDS = {
    ValueType.BOOL: Kind.BOOL,
    ValueType.FLOAT: Kind.FLOAT,
    ValueType.INT: Kind.NUMBER,
    ValueType.SIZE: Kind.UNIT,
}


def parameter_fields(
    prefix: str,
    parameters: Iterable[Parameter],
    filled: Callable[[Any, Any], Mapping[str, Any]],
) -> list[Field]:
    """`filled` gives all the effective parameters of an object."""
    return [
        Field(
            f"{prefix}/{parameter.name}",
            _KINDS.get(parameter.type, Kind.OTHER),
            parameter.title or f"{prefix}/{parameter.name}",
            parameter.doc,
            _one(parameter.name, filled),
        )
        for parameter in parameters
    ]


def _one(name: str, filled: Callable[[Any, Any], Mapping[str, Any]]) -> Getter:
    return lambda item, view: filled(item, view).get(name)
