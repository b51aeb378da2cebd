# SPDX-License-Identifier: GPL-2.0-or-later
"""The filter language of the ``list`` commands, and what plain names mean there.

A filter travels as nested lists, the operator first (query fields, "filter").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ganeti.cli import parse
from ganeti.errors import Code, OpPrereqError, QueryFilterParseError

Filter = list[Any]

_FILTER_CHARACTERS = frozenset(" \t\r\n\v\f!\"'()/<=>\\~")
# Compiled when a filter is parsed: most command lines have none.
_TOKEN = r"""\s*(?:
    (?P<field>[A-Za-z][A-Za-z0-9_/.]*)
    | (?P<number>[-+]?[0-9]+)
    | (?P<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
    | (?P<operator>==|=~|=\*|!=|!~|!\*|<=|>=|=|<|>|\(|\))
    )"""
_REGEX = r"\s*m?([/#^|])((?:\\.|(?!\1)[^\\])*)\1([a-z]*)"
_COMPARISONS = {"=": "==", **{op: op for op in ("==", "!=", "<", "<=", ">", ">=")}}
_KEYWORDS = ("and", "or", "not", "in")


class Place(NamedTuple):
    """Where in which text the parser gave up, and what it missed."""

    text: str
    position: int
    message: str


class _Token(NamedTuple):
    kind: str
    text: str
    start: int


_END = "end"


class _Parser:
    """Recursive descent, one method per rule of the grammar."""

    def __init__(self, text: str) -> None:
        self._text, self._position = text, 0
        self._token_form = re.compile(_TOKEN, re.VERBOSE | re.DOTALL)
        self._regex_form = re.compile(_REGEX, re.DOTALL)

    def whole(self) -> Filter:
        result = self._any()
        if self._peek().kind != _END:
            raise self._error("'and', 'or' or the end is expected here")
        return result

    def _any(self) -> Filter:
        return self._chain("|", "or", self._all)

    def _all(self) -> Filter:
        return self._chain("&", "and", self._one)

    def _chain(self, operator: str, keyword: str, rule: Any) -> Filter:
        parts = [rule()]
        while self._accept("field", keyword):
            parts.append(rule())
        return parts[0] if len(parts) == 1 else [operator, *parts]

    def _one(self) -> Filter:
        if self._accept("field", "not"):
            return ["!", self._one()]
        if self._accept("operator", "("):
            inner = self._any()
            if not self._accept("operator", ")"):
                raise self._error("a closing parenthesis is missing here")
            return inner
        return self._condition()

    def _condition(self) -> Filter:
        token = self._peek()
        if token.kind in ("number", "string"):
            return self._membership(self._value())
        if token.kind != "field" or token.text in _KEYWORDS:
            raise self._error("a field, a value or '(' is expected here")
        self._next()
        return self._test(token.text)

    def _membership(self, value: Any) -> Filter:
        negated = self._accept("field", "not")
        if not self._accept("field", "in"):
            raise self._error("'in' is expected here")
        field = self._next()
        if field.kind != "field":
            raise self._error("a field is expected here", field.start)
        test = ["=[]", field.text, value]
        return ["!", test] if negated else test

    def _test(self, field: str) -> Filter:
        operator = self._peek().text if self._peek().kind == "operator" else ""
        if operator in _COMPARISONS:
            self._next()
            return [_COMPARISONS[operator], field, self._value()]
        if operator in ("=~", "!~", "=*", "!*"):
            self._next()
            pattern = self._regex() if operator.endswith("~") else glob(self._string())
            test = ["=~", field, pattern]
            return ["!", test] if operator.startswith("!") else test
        return ["?", field]

    def _value(self) -> int | str:
        return int(self._next().text) if self._peek().kind == "number" else self._string()

    def _string(self) -> str:
        token = self._next()
        if token.kind != "string":
            raise self._error("a number or a text in quotes is expected here", token.start)
        return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)

    def _regex(self) -> str:
        found = self._regex_form.match(self._text, self._position)
        if found is None or set(found[3]) - set("is"):
            raise self._error("a regular expression like /text/ or m/text/i is expected here")
        self._position = found.end()
        delimiter, text, flags = found.groups()
        text = text.replace(f"\\{delimiter}", delimiter)
        return f"(?{''.join(sorted(set(flags)))}){text}" if flags else text

    def _peek(self) -> _Token:
        found = self._token_form.match(self._text, self._position)
        if found and found.lastgroup:
            return _Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup))
        rest = self._text[self._position :]
        start = len(self._text) - len(rest.lstrip())
        return _Token("unknown" if rest.strip() else _END, rest.strip(), start)

    def _next(self) -> _Token:
        token = self._peek()
        self._position = token.start + len(token.text)
        return token

    def _accept(self, kind: str, text: str) -> bool:
        token = self._peek()
        if (token.kind, token.text) != (kind, text):
            return False
        self._next()
        return True

    def _error(self, message: str, position: int | None = None) -> QueryFilterParseError:
        place = self._peek().start if position is None else position
        return QueryFilterParseError(
            "the filter is not understood", Place(self._text, place, message)
        )


def parse_filter(text: str) -> Filter:
    """The filter a text stands for."""
    return _Parser(text).whole()


def glob(pattern: str) -> str:
    """A regular expression for ``*`` and ``?``, which do not cross the dots of a name.

    Further components of the name may follow.
    """
    special = {"*": "[^.]*", "?": "[^.]"}
    return "^" + "".join(special.get(c) or re.escape(c) for c in pattern) + r"(\..*)?$"


def is_one_of(field: str, values: Iterable[Any]) -> Filter:
    """The field has one of these values."""
    return ["|", *(["==", field, value] for value in values)]


def all_of(*parts: Filter | None) -> Filter | None:
    """What passes all filters that there are; None if there is none."""
    given = [part for part in parts if part]
    return ["&", *given] if len(given) > 1 else (*given, None)[0]


def from_arguments(
    names: Sequence[str], *, force: bool, name_field: str = "name", numeric: bool = False
) -> Filter | None:
    """What the arguments of a ``list`` command ask for: names, patterns, or one filter."""
    if force and len(names) != 1:
        raise OpPrereqError("with --filter exactly one argument is needed", Code.WRONG_INPUT)
    if force or (len(names) == 1 and _FILTER_CHARACTERS.intersection(names[0])):
        return parse_filter(names[0])
    if not names:
        return None
    return ["|", *(_name_test(name, name_field, numeric) for name in names)]


def is_pattern(name: str) -> bool:
    """Whether an argument stands for all names that look like it."""
    return "*" in name or "?" in name


def _name_test(name: str, field: str, numeric: bool) -> Filter:
    if numeric:
        return ["==", field, parse.integer("job id", name)]
    return ["=~", field, glob(name)] if is_pattern(name) else ["==", field, name]
