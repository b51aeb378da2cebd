# SPDX-License-Identifier: GPL-2.0-or-later
"""Who holds what and who waits for what: a pure state machine, its owner has the mutex.

A level is a set of names, which need not exist. A name is held shared or exclusive, with the matching
intention on its set; who wants the whole level takes the set itself. A request names all locks of one
level. It is granted when it conflicts with no holder and with no better-ranked waiter, as a whole, or
waits as a whole. Levels are taken in order and ranks are strict, so there is no deadlock.

Invariant after each step: no two holders conflict, and every waiter conflicts with a holder or with
a waiter before it. Steps that can end somebody's waiting return the requests they granted.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import NamedTuple

from ganeti import errors
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


class Grip:
    """What one owner has, or asks for, at one level: the whole set or single names."""

    __slots__ = ("names", "on_set", "whole")

    def __init__(self, whole: Mode | None, names: Mapping[str, Mode]) -> None:
        self.whole, self.names = whole, names
        self.on_set = self._set_mode()

    def _set_mode(self) -> SetMode:
        if self.whole is not None:
            return SetMode.S if self.whole is Mode.SHARED else SetMode.X
        return SetMode.IX if Mode.EXCLUSIVE in self.names.values() else SetMode.IS

    @classmethod
    def of(cls, want: Want) -> Grip:
        mode = Mode.SHARED if want.shared else Mode.EXCLUSIVE
        if isinstance(want.names, All):
            return cls(mode, {})
        return cls(None, dict.fromkeys(want.names, mode))

    @property
    def is_empty(self) -> bool:
        return self.whole is None and not self.names


@dataclass(frozen=True, slots=True)
class Request:
    """A request that waits or was granted."""

    owner: int
    level: Level
    grip: Grip
    rank: Rank


@dataclass(frozen=True, slots=True)
class LockRow:
    """One line of the lock query; `mode` is None for a lock that is only waited for."""

    name: str
    mode: Mode | None
    owners: tuple[int, ...]
    pending: tuple[tuple[str, tuple[int, ...]], ...]


WHOLE_SET = "[lockset]"


class _Tally:
    """How many grips of each kind there are; so a further one is tried against all of them at once."""

    def __init__(self, grips: Iterable[Grip] = ()) -> None:
        self._sets: Counter[SetMode] = Counter()
        self._names: dict[Mode, dict[str, int]] = {mode: {} for mode in Mode}
        for grip in grips:
            self.add(grip)

    def add(self, grip: Grip) -> None:
        self._sets[grip.on_set] += 1
        for name, mode in grip.names.items():
            counts = self._names[mode]
            counts[name] = counts.get(name, 0) + 1

    def remove(self, grip: Grip) -> None:
        self._sets[grip.on_set] -= 1
        for name, mode in grip.names.items():
            counts = self._names[mode]
            counts[name] -= 1
            if not counts[name]:
                del counts[name]

    def admits(self, grip: Grip) -> bool:
        """True if the grip conflicts with none of those counted."""
        if any(self._sets[mode] for mode in _EXCLUDES[grip.on_set]):
            return False
        is_shared, is_exclusive = self._names[Mode.SHARED], self._names[Mode.EXCLUSIVE]
        return not any(
            name in is_exclusive or (mode is Mode.EXCLUSIVE and name in is_shared)
            for name, mode in grip.names.items()
        )


class _LevelLocks:
    """Holders and waiters of one level."""

    def __init__(self) -> None:
        self.holders: dict[int, Grip] = {}
        self.members: dict[int, frozenset[str]] = {}
        self.waiting: list[Request] = []
        self._held = _Tally()
        self._wanted = _Tally()

    def can_be_held(self, grip: Grip, rank: Rank) -> bool:
        return self._held.admits(grip) and self._ahead_of(rank).admits(grip)

    def _ahead_of(self, rank: Rank) -> _Tally:
        """The waiters with a better rank; mostly these are all of them."""
        place = bisect.bisect_left(self.waiting, rank, key=lambda r: r.rank)
        if place == len(self.waiting):
            return self._wanted
        return _Tally(request.grip for request in self.waiting[:place])

    def hold(self, owner: int, grip: Grip) -> None:
        self.drop(owner)
        if not grip.is_empty:
            self.holders[owner] = grip
            self._held.add(grip)

    def drop(self, owner: int) -> None:
        grip = self.holders.pop(owner, None)
        if grip is not None:
            self._held.remove(grip)

    def wait(self, request: Request) -> None:
        bisect.insort(self.waiting, request, key=lambda r: r.rank)
        self._wanted.add(request.grip)

    def withdraw(self, request: Request) -> None:
        self.waiting.remove(request)
        self._wanted.remove(request.grip)

    def grant(self) -> list[Request]:
        """Grant what no longer conflicts, best rank first."""
        if not self.waiting:
            return []
        granted, claimed = [], _Tally()
        for request in self.waiting:
            if self._held.admits(request.grip) and claimed.admits(request.grip):
                self.hold(request.owner, request.grip)
                granted.append(request)
            else:
                claimed.add(request.grip)
        for request in granted:
            self.withdraw(request)
        return granted

    def modes(self, owner: int) -> dict[str, Mode]:
        """The names an owner holds, those of a whole set too."""
        grip = self.holders.get(owner)
        if grip is None:
            return {}
        if grip.whole is None:
            return dict(grip.names)
        return dict.fromkeys(self.members.get(owner, ()), grip.whole)


class LockTable:
    """All levels. An owner is a job's number; it waits for at most one request at a time."""

    def __init__(self) -> None:
        self._levels = {level: _LevelLocks() for level in Level}
        self._waits: dict[int, Request] = {}

    def request(self, owner: int, level: Level, want: Want, rank: Rank) -> bool:
        """Ask for all locks of a level; False if the owner has to wait for them."""
        self._check_order(owner, level)
        locks, grip = self._levels[level], Grip.of(want)
        if grip.is_empty or locks.can_be_held(grip, rank):
            locks.hold(owner, grip)
            return True
        self._waits[owner] = Request(owner, level, grip, rank)
        locks.wait(self._waits[owner])
        return False

    def take_free(
        self, owner: int, level: Level, names: Iterable[str], rank: Rank, *, shared: bool
    ) -> frozenset[str]:
        """Take those of `names` that nobody holds or is to get first, and say which these are."""
        self._check_order(owner, level)
        locks, mode = self._levels[level], Mode.SHARED if shared else Mode.EXCLUSIVE
        free = [n for n in names if locks.can_be_held(Grip(None, {n: mode}), rank)]
        locks.hold(owner, Grip(None, dict.fromkeys(free, mode)))
        return frozenset(free)

    def _check_order(self, owner: int, level: Level) -> None:
        order = list(Level)
        late = [at for at in order[order.index(level) :] if owner in self._levels[at].holders]
        if late or owner in self._waits:
            raise errors.ProgrammerError(
                f"job {owner} asks for locks of level {level} out of order; it holds or awaits others"
            )

    def expand(self, owner: int, level: Level, names: Iterable[str]) -> None:
        """Tell which names the whole set consists of, now that the owner has it."""
        self._levels[level].members[owner] = frozenset(names)

    def owned(self, owner: int, level: Level) -> frozenset[str]:
        """The names an owner holds at a level."""
        return frozenset(self._levels[level].modes(owner))

    def release(
        self, owner: int, level: Level, names: Iterable[str] | None = None
    ) -> list[Request]:
        """Give back some names of a level, or all of it."""
        if names is None:
            return self._weaken(owner, level, {})
        modes, gone = self._levels[level].modes(owner), frozenset(names)
        return self._weaken(owner, level, {n: m for n, m in modes.items() if n not in gone})

    def downgrade(
        self, owner: int, level: Level, names: Iterable[str] | None = None
    ) -> list[Request]:
        """Turn exclusive locks into shared ones."""
        locks = self._levels[level]
        grip = locks.holders.get(owner)
        if names is None and grip is not None and grip.whole is not None:
            locks.hold(owner, Grip(Mode.SHARED, {}))
            return self._granted(level)
        modes = locks.modes(owner)
        softer = modes if names is None else modes.keys() & frozenset(names)
        return self._weaken(owner, level, {**modes, **dict.fromkeys(softer, Mode.SHARED)})

    def release_all(self, owner: int) -> list[Request]:
        """Give back everything, highest level first, and stop waiting."""
        granted = self._withdraw(owner)
        for level in reversed(Level):
            granted += self.release(owner, level)
        return granted

    def change_priority(self, owner: int, priority: int) -> list[Request]:
        """Give a waiting owner another priority; its arrival counts as before."""
        request = self._waits.get(owner)
        if request is None:
            return []
        locks = self._levels[request.level]
        locks.withdraw(request)
        rank = request.rank._replace(priority=priority)
        self._waits[owner] = Request(owner, request.level, request.grip, rank)
        locks.wait(self._waits[owner])
        return self._granted(request.level)

    def _withdraw(self, owner: int) -> list[Request]:
        request = self._waits.pop(owner, None)
        if request is None:
            return []
        self._levels[request.level].withdraw(request)
        return self._granted(request.level)

    def _weaken(self, owner: int, level: Level, modes: Mapping[str, Mode]) -> list[Request]:
        locks = self._levels[level]
        if owner not in locks.holders:
            return []
        locks.hold(owner, Grip(None, modes))
        locks.members.pop(owner, None)
        return self._granted(level)

    def _granted(self, level: Level) -> list[Request]:
        granted = self._levels[level].grant()
        for request in granted:
            del self._waits[request.owner]
        return granted

    def rows(self) -> list[LockRow]:
        """What the lock query shows: every lock that somebody holds or waits for."""
        return [row for level in Level for row in _level_rows(level, self._levels[level])]


def _level_rows(level: Level, locks: _LevelLocks) -> list[LockRow]:
    owners: dict[str, dict[int, Mode]] = {}
    for owner, grip in locks.holders.items():
        for name, mode in _shown(grip).items():
            owners.setdefault(name, {})[owner] = mode
    pending: dict[str, list[tuple[Mode, Rank, int]]] = {}
    for request in locks.waiting:
        for name, mode in _shown(request.grip).items():
            pending.setdefault(name, []).append((mode, request.rank, request.owner))
    return [
        LockRow(
            f"{level}/{name}",
            next(iter(owners.get(name, {}).values()), None),
            tuple(sorted(owners.get(name, {}))),
            _grouped(pending.get(name, [])),
        )
        for name in sorted(owners.keys() | pending.keys())
    ]


def _shown(grip: Grip) -> Mapping[str, Mode]:
    return grip.names if grip.whole is None else {WHOLE_SET: grip.whole}


def _grouped(
    waiting: Iterable[tuple[Mode, Rank, int]],
) -> tuple[tuple[Mode, tuple[int, ...]], ...]:
    """Waiters in order; sharers of one priority that follow each other stand together."""
    groups: list[tuple[Mode, int, list[int]]] = []
    for mode, rank, owner in waiting:
        if mode is Mode.SHARED and groups and groups[-1][:2] == (mode, rank.priority):
            groups[-1][2].append(owner)
        else:
            groups.append((mode, rank.priority, [owner]))
    return tuple((mode, tuple(owners)) for mode, _, owners in groups)
