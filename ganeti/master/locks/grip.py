# SPDX-License-Identifier: GPL-2.0-or-later
"""Which locks go together: modes, what one owner has or asks for at a level, and all of that counted.

Values, and one counter; nothing here knows who waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from itertools import repeat
from typing import NamedTuple

from ganeti.master.locks.plan import All, Level, Want


class Mode(StrEnum):
    """The mode of a lock, in the words of the lock query."""

    SHARED = "shared"
    EXCLUSIVE = "exclusive"


class SetMode(Enum):
    """The mode on a level's set; IS and IX announce locks on single names."""

    IS = "names shared"
    IX = "names exclusive"
    S = "all shared"
    X = "all exclusive"


_EXCLUDES: Mapping[SetMode, tuple[SetMode, ...]] = {
    SetMode.IS: (SetMode.X,),
    SetMode.IX: (SetMode.S, SetMode.X),
    SetMode.S: (SetMode.IX, SetMode.X),
    SetMode.X: tuple(SetMode),
}


class Rank(NamedTuple):
    """Who comes first: the smaller priority, then the earlier arrival (which is unique)."""

    priority: int
    arrival: int


_NO_NAMES: frozenset[str] = frozenset()


class Grip(NamedTuple):
    """What one owner has, or asks for, at one level: the whole set or single names."""

    whole: Mode | None = None
    shared: frozenset[str] = _NO_NAMES
    exclusive: frozenset[str] = _NO_NAMES

    @property
    def on_set(self) -> SetMode:
        if self.whole is not None:
            return SetMode.S if self.whole is Mode.SHARED else SetMode.X
        return SetMode.IX if self.exclusive else SetMode.IS

    @classmethod
    def of(cls, want: Want) -> Grip:
        if isinstance(want.names, All):
            return cls(Mode.SHARED if want.shared else Mode.EXCLUSIVE)
        return cls.on_names(want.names, want.shared)

    @classmethod
    def on_names(cls, names: frozenset[str], is_shared: bool) -> Grip:
        return cls(shared=names) if is_shared else cls(exclusive=names)

    @property
    def names(self) -> frozenset[str]:
        return self.shared | self.exclusive

    def modes(self) -> Iterator[tuple[str, Mode]]:
        """The single names, each with its mode."""
        yield from zip(self.shared, repeat(Mode.SHARED))
        yield from zip(self.exclusive, repeat(Mode.EXCLUSIVE))

    @property
    def is_empty(self) -> bool:
        return self == Grip()


@dataclass(frozen=True, slots=True)
class Request:
    """A request that waits or was granted."""

    owner: int
    level: Level
    grip: Grip
    rank: Rank


class Tally:
    """How many grips of each kind there are; so a further one is tried against all of them at once.

    A grip may be on thousands of names, so names are compared and counted set by set.
    """

    def __init__(self, grips: Iterable[Grip] = ()) -> None:
        self._sets: Counter[SetMode] = Counter()
        self._shared: Counter[str] = Counter()
        self._exclusive: Counter[str] = Counter()
        for grip in grips:
            self.add(grip)

    def add(self, grip: Grip) -> None:
        self._sets[grip.on_set] += 1
        self._shared.update(grip.shared)
        self._exclusive.update(grip.exclusive)

    def remove(self, grip: Grip) -> None:
        self._sets[grip.on_set] -= 1
        _uncount(self._shared, grip.shared)
        _uncount(self._exclusive, grip.exclusive)

    def admits(self, grip: Grip) -> bool:
        """True if the grip conflicts with none of those counted."""
        if any(self._sets[mode] for mode in _EXCLUDES[grip.on_set]):
            return False
        return (
            self._exclusive.keys().isdisjoint(grip.shared)
            and self._exclusive.keys().isdisjoint(grip.exclusive)
            and self._shared.keys().isdisjoint(grip.exclusive)
        )

    def admitted(self, names: Iterable[str], is_shared: bool) -> Iterable[str]:
        """Those of the names that could be had, each for itself."""
        if any(self._sets[mode] for mode in _EXCLUDES[SetMode.IS if is_shared else SetMode.IX]):
            return ()
        taken = self._exclusive.keys() if is_shared else self._exclusive.keys() | self._shared
        return [name for name in names if name not in taken]


def _uncount(counts: Counter[str], names: Iterable[str]) -> None:
    for name in names:
        if counts[name] == 1:
            del counts[name]
        else:
            counts[name] -= 1
