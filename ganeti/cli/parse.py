# SPDX-License-Identifier: GPL-2.0-or-later
"""Values of options: text as typed becomes a value, or an error that quotes it.

The forms are an interface.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Sequence
from typing import Any

from ganeti.errors import Code, OpPrereqError, ParameterError

KeyValues = dict[str, Any]
Ident = tuple[str, KeyValues | bool | None]

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}


def seconds(text: str) -> int:
    """A time span: seconds, or a number with s, m, h, d or w behind it."""
    found = re.fullmatch(r"(\d+)([smhdw]?)", text.strip())
    if found is None:
        raise OpPrereqError(
            f"'{text}' is no time span; write a number with s, m, h, d or w behind it",
            Code.WRONG_INPUT,
        )
    return int(found[1]) * _SECONDS[found[2]]


def integer(what: str, text: str) -> int:
    """A whole number; the error says what it should have been."""
    try:
        return int(text)
    except ValueError:
        raise OpPrereqError(f"{what} '{text}' is not a number", Code.WRONG_INPUT) from None


def yes_no(text: str) -> bool:
    """``yes``, ``no``, ``true`` or ``false``."""
    if text.lower() not in _YES_NO:
        raise ParameterError(f"'{text}' is neither yes nor no")
    return _YES_NO[text.lower()]


def number(text: str) -> float:
    """A number, of those that JSON has; ValueError for anything else."""
    with contextlib.suppress(ValueError):
        if math.isfinite(value := float(text)):
            return value
    raise ValueError(f"'{text}' is not a number")


def number_or_default(text: str) -> float | str:
    """A number, or the word ``default``; ValueError for anything else."""
    return text if text == "default" else number(text)


def words(text: str) -> list[str]:
    """A comma list, in which a backslash takes the next character as it is."""
    if not text:
        return []
    found, part, chars = [], "", iter(text)
    for char in chars:
        if char == ",":
            found.append(part)
            part = ""
        else:
            part += next(chars, char) if char == "\\" else char
    return [*found, part]


def plain_words(text: str) -> list[str]:
    """A comma list in which nothing is special."""
    return text.split(",")


def key_values(text: str) -> KeyValues:
    """``key=value,…``; ``key`` means true, ``no_key`` false, ``-key`` null (the default again)."""
    values: KeyValues = {}
    for word in words(text):
        key, value = _key_value(word)
        if key in values:
            raise ParameterError(f"'{key}' is given twice in '{text}'")
        values[key] = value
    return values


def _key_value(word: str) -> tuple[str, Any]:
    key, equals, value = word.partition("=")
    if equals:
        return key, value
    if word.startswith("no_"):
        return word[3:], False
    if word.startswith("-"):
        return word[1:], None
    return word, True


def identified(text: str) -> Ident:
    """``ident:key=value,…``; ``no_ident`` means false, ``-ident`` null."""
    ident, _, rest = text.partition(":")
    value: KeyValues | bool | None = key_values(rest)
    if ident.startswith("no_"):
        ident, value = ident[3:], False
    elif ident.startswith("-") and not ident[1:2].isdigit():
        ident, value = ident[1:], None
    if rest and not isinstance(value, dict):
        raise ParameterError(f"nothing can be set together with the removal in '{text}'")
    return ident, value


def by_name(pairs: Sequence[Ident]) -> dict[str, KeyValues] | None:
    """What several `identified` values say together; None if there are none."""
    values: dict[str, KeyValues] = {}
    for ident, settings in pairs:
        if not isinstance(settings, dict) or ident in values:
            raise ParameterError(f"'{ident}' cannot be removed here, nor be given twice")
        values[ident] = settings
    return values or None


def identified_lists(text: str) -> list[dict[str, KeyValues]]:
    """``ident:key=value,…/ident:…//ident:…``: a list of such groups."""
    return [_group(element) for element in text.split("//")]


def _group(text: str) -> dict[str, KeyValues]:
    group: dict[str, KeyValues] = {}
    for part in text.split("/"):
        ident, colon, rest = part.partition(":")
        bare = [word for word in words(rest) if "=" not in word]
        if not colon or not rest or bare or ident in group:
            raise ParameterError(f"'{part}' is not of the form name:key=value,..., or comes twice")
        group[ident] = key_values(rest)
    return group


def uid_ranges(text: str) -> list[tuple[int, int]]:
    """``LOW-HIGH,UID,…`` as sorted pairs."""
    return sorted(_uid_range(part) for part in text.split(",") if part)


def _uid_range(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    pair = integer("user id", low), integer("user id", high or low)
    if pair[0] > pair[1]:
        raise OpPrereqError(f"the range of user ids '{text}' is empty", Code.WRONG_INPUT)
    return pair


def predicates(text: str) -> list[Any]:
    """A JSON list of names and expressions, as rules for jobs have them."""
    import simplejson  # few commands need it to read their options

    try:
        found = simplejson.loads(text)
    except ValueError as err:
        raise ParameterError(f"'{text}' is not JSON: {err}") from None
    if not isinstance(found, list) or not all(map(_is_predicate, found)):
        raise ParameterError(f'\'{text}\' is no list like [["opcode", ["=", "OP_ID", "OP_X"]]]')
    return found


def _is_predicate(found: Any) -> bool:
    match found:
        case [str(), [*_]]:
            return True
    return False
