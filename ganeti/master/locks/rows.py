# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lock query shows. It is made of a snapshot, so that nobody waits for thousands of rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ganeti.master.locks.grip import Grip, Mode, Rank, Request
from ganeti.master.locks.plan import Level

WHOLE_SET = "[lockset]"


@dataclass(frozen=True, slots=True)
class LockRow:
    """One line of the lock query; `mode` is None for a lock that is only waited for."""

    name: str
    mode: Mode | None
    owners: tuple[int, ...]
    pending: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Snapshot:
    """Holders and waiters of all levels."""

    levels: Mapping[Level, tuple[list[tuple[int, Grip]], list[Request]]]

    def rows(self) -> list[LockRow]:
        """What the lock query shows: every lock that somebody holds or waits for."""
        return [row for level, who in self.levels.items() for row in _level_rows(level, *who)]


def _level_rows(
    level: Level, holders: Iterable[tuple[int, Grip]], waiting: Iterable[Request]
) -> list[LockRow]:
    owners: dict[str, dict[int, Mode]] = {}
    for owner, grip in holders:
        for name, mode in _shown(grip):
            owners.setdefault(name, {})[owner] = mode
    pending: dict[str, list[tuple[Mode, Rank, int]]] = {}
    for request in waiting:
        for name, mode in _shown(request.grip):
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


def _shown(grip: Grip) -> Iterable[tuple[str, Mode]]:
    return grip.modes() if grip.whole is None else [(WHOLE_SET, grip.whole)]


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
