# SPDX-License-Identifier: GPL-2.0-or-later
"""Annotations are the one type language: what an annotation says is checked at the rim.

`checker(annotation)` compiles an annotation into a function that takes a JSON value and returns the
value a program works with, or raises `Mismatch`. Understood are ``str int float bool None Any``,
``Literal``, enums, ``X | Y``, ``list[X]``, ``tuple[X, ...]``, ``tuple[X, Y]``, ``dict[K, V]``,
``Annotated[X, Check(...)]`` and record classes (anything with ``from_raw``). `plain` is the way back.

As on the wire of today: an integer is taken where a float is wanted, and a float without a fraction where
an integer is; a bool never where a number is.
"""

from __future__ import annotations

import collections.abc
import contextlib
import enum
import functools
import math
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

JSON = Any
Checker = Callable[[JSON], Any]


class Mismatch(ValueError):
    """A value does not fit its annotation; the text says where and what was wanted."""

    def __init__(self, text: str, path: tuple[Any, ...] = ()) -> None:
        super().__init__(text, path)
        self.text, self.path = text, path

    def __str__(self) -> str:
        return f"{'/'.join(map(str, self.path))}: {self.text}" if self.path else self.text

    def below(self, where: Any) -> Mismatch:
        """The same finding, seen from the value that holds this one."""
        return Mismatch(self.text, (where, *self.path))


class Check(NamedTuple):
    """A condition beyond the type, for use in ``Annotated``."""

    holds: Callable[[Any], bool]
    text: str


class Convert(NamedTuple):
    """Run on the JSON value before its type is checked, for use in ``Annotated``."""

    to: Callable[[Any], Any]


NonEmpty = Annotated[str, Check(bool, "a non-empty string")]
NonNegative = Annotated[int, Check(lambda v: v >= 0, "an integer of 0 or more")]
Positive = Annotated[int, Check(lambda v: v > 0, "an integer above 0")]


def _is_number(value: JSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wanted(text: str, value: JSON) -> Mismatch:
    shown = repr(value)
    return Mismatch(f"expected {text}, got {shown if len(shown) <= 80 else shown[:77] + '...'}")


def _plain_type(wanted: type, text: str) -> Checker:
    def check(value: JSON) -> Any:
        if not isinstance(value, wanted):
            raise _wanted(text, value)
        return value

    return check


def _float(value: JSON) -> float:
    """NaN and infinities are not JSON, though parsers let them through."""
    if _is_number(value):
        with contextlib.suppress(OverflowError):
            number = float(value)
            if math.isfinite(number):
                return number
    raise _wanted("a number", value)


def _int(value: JSON) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wanted("an integer", value)
    return value


def _none(value: JSON) -> None:
    if value is not None:
        raise _wanted("null", value)


_LEAVES: dict[Any, Checker] = {
    str: _plain_type(str, "a string"),
    int: _int,
    bool: _plain_type(bool, "a boolean"),
    bytes: _plain_type(bytes, "bytes"),
    object: lambda value: value,
    float: _float,
    None: _none,
    type(None): _none,
    Any: lambda value: value,
    dict: _plain_type(dict, "an object"),
    list: _plain_type(list, "a list"),
}


def _enum(kind: type[enum.Enum]) -> Checker:
    words = ", ".join(repr(member.value) for member in kind)

    def check(value: JSON) -> enum.Enum:
        try:
            return kind(value)
        except ValueError:
            raise _wanted(f"one of {words}", value) from None

    return check


def _literal(values: tuple[Any, ...]) -> Checker:
    def check(value: JSON) -> Any:
        if not any(value == v and type(value) is type(v) for v in values):
            raise _wanted("one of " + ", ".join(map(repr, values)), value)
        return value

    return check


def _union(members: tuple[Any, ...]) -> Checker:
    checks = [checker(m) for m in members]

    def check(value: JSON) -> Any:
        problems = []
        for one in checks:
            try:
                return one(value)
            except Mismatch as err:
                problems.append(err)
        raise max(problems, key=lambda p: (len(p.path), not p.text.startswith("expected null")))

    return check


def _sequence(of: Any, make: Callable[[list[Any]], Any]) -> Checker:
    one = checker(of)

    def check(value: JSON) -> Any:
        if not isinstance(value, list | tuple):
            raise _wanted("a list", value)
        return make([at(index, one, item) for index, item in enumerate(value)])

    return check


def _row(members: tuple[Any, ...]) -> Checker:
    checks = [checker(m) for m in members]

    def check(value: JSON) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) != len(checks):
            raise _wanted(f"a list of {len(checks)}", value)
        return tuple(at(i, c, v) for i, (c, v) in enumerate(zip(checks, value, strict=True)))

    return check


def _mapping(key: Any, of: Any) -> Checker:
    key_check, one = checker(key), checker(of)

    def check(value: JSON) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise _wanted("an object", value)
        return {key_check(k): at(k, one, v) for k, v in value.items()}

    return check


def _annotated(base: Any, conditions: tuple[Any, ...]) -> Checker:
    inner = checker(base)
    checks = [c for c in conditions if isinstance(c, Check)]
    converts = [c for c in conditions if isinstance(c, Convert)]

    def check(value: JSON) -> Any:
        for conversion in converts:
            value = conversion.to(value)
        result = inner(value)
        for condition in checks:
            if not condition.holds(result):
                raise _wanted(condition.text, value)
        return result

    return check


def at(where: Any, one: Checker, value: JSON) -> Any:
    """Run a checker on a part of a value and name the part if it does not fit."""
    try:
        return one(value)
    except Mismatch as err:
        raise err.below(where) from None


@functools.cache
def checker(annotation: Any) -> Checker:
    """The function that checks (and where needed converts) a JSON value of this annotation."""
    if annotation in _LEAVES:
        return _LEAVES[annotation]
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _annotated(args[0], args[1:])
    if origin is typing.Literal:
        return _literal(args)
    if origin in (typing.Union, types.UnionType):
        return _union(args)
    if origin is list:
        return _sequence(args[0], list)
    if origin is tuple:
        return _sequence(args[0], tuple) if args[1:] == (...,) else _row(args)
    if origin in (dict, collections.abc.Mapping):
        return _mapping(*args)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _enum(annotation)
    if hasattr(annotation, "from_raw"):
        return annotation.from_raw  # type: ignore[no-any-return]
    raise TypeError(f"no checker for the annotation {annotation!r}")


_PLAIN = frozenset({str, int, float, bool, type(None)})


def plain(value: Any) -> JSON:
    """The JSON form of a checked value: records by ``raw``, enums by value, tuples as lists."""
    if type(value) in _PLAIN:  # nearly all there are
        return value
    if isinstance(value, enum.Enum):
        return value.value
    if hasattr(value, "raw"):
        return value.raw()
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    return value
