# SPDX-License-Identifier: GPL-2.0-or-later
"""Regular expressions that somebody else wrote, matched in a time that goes with the length of the text.

`re` tries one way through the expression after the other. For ``(a+)+$`` their number doubles with every
letter, and no other thread runs meanwhile. Here all ways are followed at once (Thompson's method), and
where a set of places leads is remembered. Syntax and meaning are those of `re`, which also judges single
characters and positions; what needs the history of a way is refused: back references, look-around,
atomic groups, possessive repeats.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

_parser: Any = importlib.import_module("re._parser")
_compiler: Any = importlib.import_module("re._compiler")

MOST_PLACES = 1000
MOST_STEPS = 5000
"""So many steps are remembered of one expression; then it begins anew."""
_LAST_NEWLINE = "\n."
_LETTERS = int(re.ASCII | re.LOCALE | re.UNICODE)

Here = tuple[str, str]
"""The characters before and after a position; empty at the ends of the text."""


@dataclass
class _Place:
    """What must hold here, if anything, and the places that follow; a `consumes` takes a character."""

    follow: list[int]
    holds: Callable[[Here], bool] | None = None
    consumes: bool = False


class _State(dict[Here, "_State"]):
    """A set of places; as a dict, the states to which positions of the text lead from here."""

    def __init__(self, pattern: Pattern, places: frozenset[int]) -> None:
        super().__init__()
        self._pattern, self._places = pattern, places

    def __missing__(self, here: Here) -> _State:
        found = self[here] = self._pattern.after(self._places, here)
        return found


class Pattern:
    """Compiled from the tree of `re`, back to front: each part gets the place that follows it."""

    def __init__(self, text: str) -> None:
        tree = _parser.parse(text)
        self._places: list[_Place] = [_Place([])]
        self._begin = self._sequence(tree, tree.state.flags, 0)
        self._matched = _State(self, frozenset({0}))
        self._forget()

    def matches(self, text: str) -> bool:
        """Whether it is found somewhere in the text."""
        characters = ["", *text, ""]
        if text.endswith("\n"):
            characters[-2] = _LAST_NEWLINE
        state, matched = self._first, self._matched
        for here in itertools.pairwise(characters):
            state = state[here]
            if state is matched:
                return True
        return False

    # Following all ways.

    def _forget(self) -> None:
        self._steps = 0
        self._states: dict[frozenset[int], _State] = {}
        self._first = self._state(frozenset())

    def _state(self, places: frozenset[int]) -> _State:
        if places not in self._states:
            self._states[places] = _State(self, places)
        return self._states[places]

    def after(self, places: Iterable[int], here: Here) -> _State:
        """The state behind the next character; a match may also begin here."""
        self._steps += 1
        if self._steps > MOST_STEPS:
            self._forget()
        waiting, seen, found = [*places, self._begin], set[int](), set[int]()
        while waiting:
            number = waiting.pop()
            place = self._places[number]
            if number in seen or (place.holds and not place.holds(here)):
                continue
            if number == 0:
                return self._matched
            seen.add(number)
            (found.update if place.consumes else waiting.extend)(place.follow)
        return self._state(frozenset(found))

    # Compiling.

    def _new(self, *place: Any) -> int:
        if len(self._places) >= MOST_PLACES:
            raise re.error("the expression is too large")
        self._places.append(_Place(*place))
        return len(self._places) - 1

    def _sequence(self, items: Iterable[Any], flags: int, follow: int) -> int:
        for operator, argument in reversed(list(items)):
            follow = self._part(str(operator), argument, (operator, argument), flags, follow)
        return follow

    def _part(self, operator: str, argument: Any, item: Any, flags: int, follow: int) -> int:
        match operator:
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN":
                return self._new([follow], _character(item, flags), True)
            case "AT":
                return self._new([follow], _position(item, flags))
            case "BRANCH":
                return self._new([self._sequence(way, flags, follow) for way in argument[1]])
            case "SUBPATTERN":
                _, added, removed, inner = argument
                return self._sequence(inner, _changed(flags, added, removed), follow)
            case "MAX_REPEAT" | "MIN_REPEAT":
                return self._repeat(argument, flags, follow)
        raise re.error("back references, look-around and the like are not supported")

    def _repeat(self, argument: Any, flags: int, follow: int) -> int:
        least, most, inner = argument
        begin = follow
        if most is _parser.MAXREPEAT:
            begin = self._new([follow])
            self._places[begin].follow.append(self._sequence(inner, flags, begin))
        else:
            for _ in range(most - least):
                begin = self._new([self._sequence(inner, flags, begin), follow])
        for _ in range(least):
            before, begin = begin, self._sequence(inner, flags, begin)
            if begin == before:  # nothing, however often it is repeated
                break
        return begin


def _changed(flags: int, added: int, removed: int) -> int:
    """Of the flags that say which letters there are, one holds."""
    if added & _LETTERS:
        flags &= ~_LETTERS
    return (flags | added) & ~removed


def _alone(item: Any, flags: int) -> re.Pattern[str]:
    """One item of the tree as an expression of its own."""
    state = _parser.State()
    state.flags = flags
    compiled: re.Pattern[str] = _compiler.compile(_parser.SubPattern(state, [item]))
    return compiled


def _character(item: Any, flags: int) -> Callable[[Here], bool]:
    test = _alone(item, flags).match
    return lambda here: bool(here[1]) and test(here[1][0]) is not None


def _position(item: Any, flags: int) -> Callable[[Here], bool]:
    """Judged in a text of two characters, and one more where the text goes on after a newline."""
    test = _alone(item, flags).match

    def holds(here: Here) -> bool:
        before, after = here[0][:1], here[1][:1]
        rest = "" if here[1] in ("", _LAST_NEWLINE) else "x"
        return test(before + after + rest, len(before)) is not None

    return holds


@functools.lru_cache(maxsize=64)
def compiled(text: str) -> Pattern:
    """The expression; raises `re.error` for what is none, or is not supported."""
    try:
        return Pattern(text)
    except (OverflowError, RecursionError) as err:
        raise re.error(str(err)) from None
