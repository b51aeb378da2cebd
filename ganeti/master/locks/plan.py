# SPDX-License-Identifier: GPL-2.0-or-later
"""What a logical unit says about locks: values only, no lock is touched here.

Every unit takes its locks level by level, in the order of `Level`, each level at most once. An entry
of the plan may be a function of what the lower levels gave (the nodes of an instance are known for
sure only while the instance is locked); it is evaluated when its level's turn comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final


class Level(StrEnum):
    """The lock levels, in the order in which they are taken."""

    CLUSTER = "cluster"
    INSTANCE = "instance"
    NODEGROUP = "nodegroup"
    NODE = "node"
    NODE_RES = "node-res"
    NETWORK = "network"


BIG_LOCK: Final = "BGL"
"""The one name of level `cluster`: shared by almost everyone, exclusive by the few that stop all others."""


class All(Enum):
    """In place of names: the whole level, with what may be added to it meanwhile."""

    ALL = "all"


ALL: Final = All.ALL


@dataclass(frozen=True, slots=True)
class Want:
    """The locks that a unit needs at one level; they are granted together or not at all.

    With `free_at_least` the unit takes, without waiting, those that are free at the moment, if
    they are at least so many (opportunistic locking).
    """

    names: frozenset[str] | All
    shared: bool
    free_at_least: int | None = None


Held = Mapping[Level, frozenset[str]]
Entry = Want | Callable[[Held], Want]


def exclusive(*names: str) -> Want:
    return Want(frozenset(names), shared=False)


def shared(*names: str) -> Want:
    return Want(frozenset(names), shared=True)


def all_exclusive() -> Want:
    return Want(ALL, shared=False)


def all_shared() -> Want:
    return Want(ALL, shared=True)


def free_ones(names: Iterable[str] | All, at_least: int, *, shared: bool = False) -> Want:
    """Opportunistic: whatever of `names` is free now."""
    wanted = names if isinstance(names, All) else frozenset(names)
    return Want(wanted, shared, free_at_least=at_least)


@dataclass(frozen=True)
class LockPlan:
    """The levels a unit needs; one that is not named needs nothing."""

    entries: Mapping[Level, Entry] = field(default_factory=dict)

    def want(self, level: Level, held: Held) -> Want | None:
        """What is needed at `level`, now that the locks of the lower levels are held."""
        entry = self.entries.get(level)
        return entry(held) if callable(entry) else entry
