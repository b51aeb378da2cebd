# SPDX-License-Identifier: GPL-2.0-or-later
"""How parameters of guests, nodes, NICs and disks are declared, typed and checked.

Values come from people, as text or as JSON, and are brought to their type in one place (`typed`).
The rules are those of the field: a size is in MiB, has an optional unit and is rounded up to a
multiple of 4; false stands for an empty string; null only fits a ``str | None``.

The annotation of a parameter is its syntax, which the master checks; `on_node` says what only a node
can know about the value.
"""

from __future__ import annotations

import math
import os
import re
import types as pytypes
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, NamedTuple

from ganeti.errors import TypeEnforcementError, UnitParseError
from ganeti.schema import types
from ganeti.utils import text

DEFAULT = "default"
"""As a value it takes an own setting away, so that the level above counts."""


class ValueType(StrEnum):
    BOOL = "bool"
    FLOAT = "float"
    INT = "int"
    MAYBE_STRING = "maybe-string"
    SIZE = "size"
    STRING = "string"


Size = Annotated[int, ValueType.SIZE]


def _is_path(value: str) -> bool:
    return os.path.isabs(value) and os.path.normpath(value) == value


def _is_path_or_url(value: str) -> bool:
    return _is_path(value) or re.match(r"(https?|ftps?)://\S", value) is not None


Port = Annotated[int, types.Check(lambda v: 0 < v < 65536, "a port number")]
Path = Annotated[str, types.Check(_is_path, "an absolute path without '..' and '//'")]
OptionalPath = Annotated[
    str, types.Check(lambda v: v == "" or _is_path(v), "empty or an absolute path")
]
OptionalImage = Annotated[
    str,
    types.Check(
        lambda v: v == "" or _is_path_or_url(v),
        "empty, an absolute path or a URL (http, https, ftp, ftps)",
    ),
]


class NodeCheck(NamedTuple):
    """What must hold on the node that uses a value; empty values are not looked at."""

    holds: Callable[[str], bool]
    text: str


IS_FILE = NodeCheck(os.path.isfile, "a file")
IS_DIRECTORY = NodeCheck(os.path.isdir, "a directory")
IS_FILE_OR_URL = NodeCheck(lambda v: "://" in v or os.path.isfile(v), "a file or a URL")


@dataclass
class Parameter:
    """One declared parameter; `cluster_only` ones cannot be set for one instance or node."""

    doc: str
    default: Any
    title: str
    on_node: NodeCheck | None
    cluster_only: bool
    name: str = ""
    type: ValueType = ValueType.STRING
    check: types.Checker = str

    def bind(self, name: str, annotation: Any) -> None:
        self.name, self.type = name, _value_type(annotation)
        self.check = types.checker(annotation)

    def problem(self, value: Any) -> str | None:
        """What is wrong with the syntax of a typed value."""
        try:
            self.check(value)
        except types.Mismatch as err:
            return f"parameter {self.name}: {err}"
        return None

    def problem_on_node(self, value: Any) -> str | None:
        if not value or self.on_node is None or self.on_node.holds(value):
            return None
        return f"parameter {self.name}: '{value}' is not {self.on_node.text}"


def param(
    doc: str,
    *,
    default: Any,
    title: str = "",
    on_node: NodeCheck | None = None,
    cluster_only: bool = False,
) -> Any:
    """Declare a parameter; its annotation is its syntax."""
    return Parameter(doc, default, title, on_node, cluster_only)


_BASES = {bool: ValueType.BOOL, int: ValueType.INT, float: ValueType.FLOAT, str: ValueType.STRING}


def _value_type(annotation: Any) -> ValueType:
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        marks = [mark for mark in args[1:] if isinstance(mark, ValueType)]
        return marks[0] if marks else _value_type(args[0])
    if origin is typing.Literal:
        return _value_type(type(args[0]))
    if origin in (typing.Union, pytypes.UnionType):
        return ValueType.MAYBE_STRING
    return _BASES[annotation]


class ParamSet:
    """Base of the classes that declare parameters; they are tables, not made into objects."""

    PARAMETERS: ClassVar[dict[str, Parameter]] = {}
    WHAT: ClassVar[str] = "parameter"
    SEPARATOR: ClassVar[str] = "_"
    """What stands between the words of a parameter's name on the wire."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        hints = typing.get_type_hints(cls, localns={cls.__name__: cls}, include_extras=True)
        own = {n: p for n, p in vars(cls).items() if isinstance(p, Parameter)}
        for name, parameter in own.items():
            parameter.bind(name.replace("_", cls.SEPARATOR), hints[name])
        cls.PARAMETERS = {**cls.PARAMETERS, **{p.name: p for p in own.values()}}

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        return {name: parameter.default for name, parameter in cls.PARAMETERS.items()}

    @classmethod
    def cluster_only(cls) -> frozenset[str]:
        return frozenset(n for n, p in cls.PARAMETERS.items() if p.cluster_only)

    @classmethod
    def typed(cls, values: Mapping[str, Any], *, keep: Collection[str] = ()) -> dict[str, Any]:
        """The values in their types, but for the words in `keep`; raises TypeEnforcementError."""
        result = {}
        for name, value in values.items():
            if name not in cls.PARAMETERS:
                known = ", ".join(sorted(cls.PARAMETERS)) or "none"
                raise TypeEnforcementError(f"unknown {cls.WHAT} '{name}' (known: {known})")
            kept = isinstance(value, str) and value in keep
            kind = cls.PARAMETERS[name].type
            result[name] = value if kept else typed(f"{cls.WHAT} '{name}'", kind, value)
        return result

    @classmethod
    def problems(cls, filled: Mapping[str, Any]) -> list[str]:
        """What is wrong with the syntax of typed values, each for itself and together."""
        each = (p.problem(filled[n]) for n, p in cls.PARAMETERS.items() if n in filled)
        found = [problem for problem in each if problem]
        return found or list(cls.together(filled))

    @classmethod
    def together(cls, filled: Mapping[str, Any]) -> Iterator[str]:
        """Problems of values that do not go with each other."""
        return iter(())

    @classmethod
    def problems_on_node(cls, filled: Mapping[str, Any]) -> list[str]:
        """What this machine lacks for the values."""
        each = (p.problem_on_node(filled.get(n)) for n, p in cls.PARAMETERS.items())
        return [problem for problem in each if problem]


def typed(what: str, kind: ValueType, value: Any) -> Any:
    """The value in its type; raises TypeEnforcementError that names `what`."""
    try:
        return _CONVERSIONS[kind](value)
    except (ValueError, TypeError, OverflowError, UnitParseError):
        raise TypeEnforcementError(f"{what}: {value!r:.80} is not {_WANTED[kind]}") from None


_WORDS = {"true": True, "false": False, "": False}


def _bool(value: Any) -> bool:
    if not isinstance(value, str):
        return bool(value)
    return _WORDS[value.lower()] if value.lower() in _WORDS else _fail()


def _fail() -> Any:
    raise ValueError


def _int(value: Any) -> int:
    whole = isinstance(value, int | str) or (isinstance(value, float) and value.is_integer())
    return _fail() if isinstance(value, bool) or not whole else int(value)


def _float(value: Any) -> float:
    number = _fail() if isinstance(value, bool) else float(value)
    return number if math.isfinite(number) else _fail()


def _string(value: Any) -> str:
    if value is False:
        return ""
    return value if isinstance(value, str) else _fail()


def _maybe_string(value: Any) -> str | None:
    return None if value is None else _string(value)


def _size(value: Any) -> int:
    return _fail() if isinstance(value, bool) else text.parse_size(str(value))


_CONVERSIONS: dict[ValueType, Callable[[Any], Any]] = {
    ValueType.BOOL: _bool,
    ValueType.FLOAT: _float,
    ValueType.INT: _int,
    ValueType.MAYBE_STRING: _maybe_string,
    ValueType.SIZE: _size,
    ValueType.STRING: _string,
}

_WANTED = {
    ValueType.BOOL: "true or false",
    ValueType.FLOAT: "a number",
    ValueType.INT: "a whole number",
    ValueType.MAYBE_STRING: "a text or null",
    ValueType.SIZE: "a size (MiB, or with a unit m, g, t)",
    ValueType.STRING: "a text",
}
