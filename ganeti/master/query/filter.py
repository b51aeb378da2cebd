# SPDX-License-Identifier: GPL-2.0-or-later
"""Filters: nested lists in, a test of one object out.

``["&", ["==", "pnode", "node1"], ["!", ["?", "admin_up"]]]`` and the like (query fields, "filter"). A
value that is not there makes every comparison false but ``!=``.
"""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganeti.errors import ParameterError
from ganeti.master.query.field import Absent, Compare, Field, Kind, Need
from ganeti.opcodes.base import JobId
from ganeti.schema import types
from ganeti.utils import regex

DEPTH = 10
"""Filters that are nested deeper are refused."""

Test = Callable[[Any, Any], bool]
"""Takes an object and the view of its resource, as the getters of fields do."""

_SYNONYMS = {"=": "=="}
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Malformed(ParameterError):
    """What was sent is no filter: an unknown operator, or the wrong operands."""


@dataclass(frozen=True)
class Filter:
    """`keys`: the objects that the filter names, if it does nothing but name objects."""

    test: Test
    needs: frozenset[Need]
    keys: tuple[Any, ...] | None


def parse(expression: Any, fields: Mapping[str, Field], key: str) -> Filter:
    """Compile a filter; raises ParameterError."""
    used: set[str] = set()
    test = _compiled(expression, fields, used, DEPTH)
    needs = frozenset(need for name in used if (need := fields[name].needs))
    return Filter(test, needs, _keys(expression, fields[key]) if used <= {key} else None)


def _keys(expression: Any, key: Field) -> tuple[Any, ...] | None:
    """The values of a filter that consists of ``|`` and ``==`` on the key alone."""
    match expression:
        case ["=" | "==", _, (str() | int() | float()) as value]:
            return (_number(key, value) if key.compare is Compare.JOB_ID else value,)
        case ["|", *parts]:
            found = [_keys(part, key) for part in parts]
            if all(names is not None for names in found):
                return tuple(name for names in found for name in names or ())
    return None


def _compiled(expression: Any, fields: Mapping[str, Field], used: set[str], levels: int) -> Test:
    if levels == 0:
        raise ParameterError(f"the filter is nested deeper than {DEPTH} levels")
    match expression:
        case ["&" | "|" as sign, *parts]:
            tests = [_compiled(part, fields, used, levels - 1) for part in parts]
            return _all_of(tests) if sign == "&" else _any_of(tests)
        case ["!", part]:
            test = _compiled(part, fields, used, levels - 1)
            return lambda item, view: not test(item, view)
        case ["?", str(name)]:
            value_of = _value_of(_field(name, fields, used))
            return lambda item, view: bool(value_of(item, view))
        case [str(sign), str(name), value] if sign in _COMPARISONS:
            return _COMPARISONS[sign](_field(name, fields, used), value)
    raise Malformed(f"this is no filter: {expression!r:.80}")


def _field(name: str, fields: Mapping[str, Field], used: set[str]) -> Field:
    if name not in fields:
        raise ParameterError(f"the filter names the unknown field '{name}'")
    used.add(name)
    return fields[name]


def _all_of(tests: Sequence[Test]) -> Test:
    return lambda item, view: all(test(item, view) for test in tests)


def _any_of(tests: Sequence[Test]) -> Test:
    return lambda item, view: any(test(item, view) for test in tests)


def _value_of(field: Field) -> Callable[[Any, Any], Any]:
    """The getter of a field, with None for whatever is not there."""
    get, convert = field.get, _CONVERSIONS.get(field.compare)

    def value_of(item: Any, view: Any) -> Any:
        value = get(item, view)
        if value is None or isinstance(value, Absent):
            return None
        return value if convert is None else convert(value)

    return value_of


def _stamp(value: Any) -> Any:
    match value:
        case [int() | float() as seconds, int() | float() as microseconds]:
            with contextlib.suppress(OverflowError):
                return seconds + microseconds / 1_000_000
    return value


_CONVERSIONS: dict[Compare, Callable[[Any], Any]] = {Compare.STAMP: _stamp}

# Comparisons. Each takes a field and the value from the filter and gives the test.


def _operand(field: Field, value: Any) -> Any:
    """The value in the form in which the field's values are compared; raises ParameterError."""
    if field.compare is Compare.JOB_ID:
        return _number(field, value)
    wanted = _OPERANDS.get(field.kind)
    is_bool = isinstance(value, bool)
    if wanted and (not isinstance(value, wanted) or (is_bool and field.kind is not Kind.BOOL)):
        raise ParameterError(
            f"the filter compares field '{field.name}', which is of kind {field.kind}, with {value!r}"
        )
    return _stamp(value) if field.compare is Compare.STAMP else value


_OPERANDS: Mapping[Kind, Any] = {
    Kind.TEXT: str,
    Kind.BOOL: bool,
    Kind.NUMBER: int,
    Kind.UNIT: int,
    Kind.FLOAT: (int, float),
    Kind.TIMESTAMP: (int, float),
}
"""Other kinds take any value."""


_job_id = types.checker(JobId)


def _number(field: Field, value: Any) -> int:
    try:
        return int(_job_id(value))
    except types.Mismatch as err:
        raise ParameterError(f"the filter compares field '{field.name}': {err}") from None


def _equal(field: Field, value: Any) -> Test:
    wanted, value_of = _operand(field, value), _value_of(field)
    if field.compare is not Compare.HOST_NAME:
        return lambda item, view: bool(value_of(item, view) == wanted)
    name, prefix = wanted.lower(), wanted.lower() + "."

    def is_called(item: Any, view: Any) -> bool:
        full = (value_of(item, view) or "").lower()
        return full == name or full.startswith(prefix)

    return is_called


def _unequal(field: Field, value: Any) -> Test:
    equal = _equal(field, value)
    return lambda item, view: not equal(item, view)


def _ordered(holds: Callable[[Any, Any], bool]) -> Callable[[Field, Any], Test]:
    def comparison(field: Field, value: Any) -> Test:
        wanted, value_of = _operand(field, value), _value_of(field)

        def test(item: Any, view: Any) -> bool:
            found = value_of(item, view)
            try:
                return found is not None and holds(found, wanted)
            except TypeError:
                return False

        return test

    return comparison


def _matches(field: Field, value: Any) -> Test:
    if not isinstance(value, str):
        raise ParameterError(f"{value!r:.80} is no regular expression")
    matches = regex.compiled(value).matches
    value_of = _value_of(field)

    def test(item: Any, view: Any) -> bool:
        found = value_of(item, view)
        return isinstance(found, str) and matches(found)

    return test


def _contains(field: Field, value: Any) -> Test:
    value_of = _value_of(field)

    def test(item: Any, view: Any) -> bool:
        found = value_of(item, view)
        return isinstance(found, list | tuple | dict) and value in list(found)

    return test


_COMPARISONS: Mapping[str, Callable[[Field, Any], Test]] = {
    "=": _equal,
    "==": _equal,
    "!=": _unequal,
    "=~": _matches,
    "=[]": _contains,
    **{sign: _ordered(holds) for sign, holds in _ORDER.items()},
}


def modern(expression: Any) -> Any:
    """The filter with today's operators in place of older ones."""
    match expression:
        case ["&" | "|" | "!" as sign, *parts]:
            return [sign, *map(modern, parts)]
        case [sign, *operands] if sign in _SYNONYMS:
            return [_SYNONYMS[sign], *operands]
    return expression


def fields_of(expression: Any) -> set[str]:
    """The fields that a filter names, whatever they are; raises ParameterError for what is no filter."""
    used: set[str] = set()
    _compiled(expression, _AnyField(), used, DEPTH)
    return used


class _AnyField(dict[str, Field]):
    """Has every field, of a kind that compares with everything."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Field:
        return Field(name, Kind.OTHER, name, name, lambda _item, _view: None)


def simple(key: str, values: Sequence[Any]) -> list[Any] | None:
    """The filter that names objects; none for no names."""
    return ["|", *(["==", key, value] for value in values)] if values else None
