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
from collections.abc import Iterable

from ganeti import errors
from ganeti.master.locks.grip import Grip, Mode, Rank, Request, Tally
from ganeti.master.locks.plan import Level, Want
from ganeti.master.locks.rows import Snapshot


class _LevelLocks:
    """Holders and waiters of one level."""

    def __init__(self) -> None:
        self.holders: dict[int, Grip] = {}
        self.members: dict[int, frozenset[str]] = {}
        self.waiting: list[Request] = []
        self._held = Tally()
        self._wanted = Tally()

    def can_be_held(self, grip: Grip, rank: Rank) -> bool:
        return self._held.admits(grip) and self._ahead_of(rank).admits(grip)

    def free(self, names: Iterable[str], rank: Rank, *, is_shared: bool) -> frozenset[str]:
        """Those of the names that nobody holds or is to get first."""
        unheld = self._held.admitted(names, is_shared)
        return frozenset(self._ahead_of(rank).admitted(unheld, is_shared))

    def _ahead_of(self, rank: Rank) -> Tally:
        """The waiters with a better rank; mostly these are all of them."""
        place = self._place(rank)
        if place == len(self.waiting):
            return self._wanted
        return Tally(request.grip for request in self.waiting[:place])

    def _place(self, rank: Rank) -> int:
        return bisect.bisect_left(self.waiting, rank, key=_by_rank)

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
        self.waiting.insert(self._place(request.rank), request)
        self._wanted.add(request.grip)

    def withdraw(self, request: Request) -> None:
        del self.waiting[self._place(request.rank)]
        self._wanted.remove(request.grip)

    def grant(self) -> list[Request]:
        """Grant what no longer conflicts, best rank first.

        Who wants the same as somebody before him that must wait, waits for the same reason: of thousands
        that queue for one lock only the first is looked at.
        """
        granted, claimed, blocked = list[Request](), Tally(), set[Grip]()
        for request in self.waiting:
            if request.grip in blocked:
                continue
            if self._held.admits(request.grip) and claimed.admits(request.grip):
                self.hold(request.owner, request.grip)
                granted.append(request)
            else:
                claimed.add(request.grip)
                blocked.add(request.grip)
        for request in granted:
            self.withdraw(request)
        return granted

    def grip(self, owner: int) -> Grip:
        """What an owner holds, of a whole set all its names."""
        grip = self.holders.get(owner, Grip())
        if grip.whole is None:
            return grip
        return Grip.on_names(self.members.get(owner, frozenset()), grip.whole is Mode.SHARED)


def _by_rank(request: Request) -> Rank:
    return request.rank


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
        locks = self._levels[level]
        free = locks.free(names, rank, is_shared=shared)
        locks.hold(owner, Grip.on_names(free, shared))
        return free

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
        return self._levels[level].grip(owner).names

    def release(
        self, owner: int, level: Level, names: Iterable[str] | None = None
    ) -> list[Request]:
        """Give back some names of a level, or all of it."""
        if names is None:
            return self._weaken(owner, level, Grip())
        grip, gone = self._levels[level].grip(owner), frozenset(names)
        left = Grip(shared=grip.shared - gone, exclusive=grip.exclusive - gone)
        return self._weaken(owner, level, left)

    def downgrade(
        self, owner: int, level: Level, names: Iterable[str] | None = None
    ) -> list[Request]:
        """Turn exclusive locks into shared ones."""
        locks = self._levels[level]
        if names is None and locks.holders.get(owner, Grip()).whole is not None:
            locks.hold(owner, Grip(Mode.SHARED))
            return self._granted(level)
        grip = locks.grip(owner)
        softer = grip.exclusive if names is None else grip.exclusive & frozenset(names)
        left = Grip(shared=grip.shared | softer, exclusive=grip.exclusive - softer)
        return self._weaken(owner, level, left)

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

    def _weaken(self, owner: int, level: Level, left: Grip) -> list[Request]:
        locks = self._levels[level]
        if owner not in locks.holders:
            return []
        locks.hold(owner, left)
        locks.members.pop(owner, None)
        return self._granted(level)

    def _granted(self, level: Level) -> list[Request]:
        granted = self._levels[level].grant()
        for request in granted:
            del self._waits[request.owner]
        return granted

    def snapshot(self) -> Snapshot:
        """Who holds and who waits now; it can be looked at when the table goes on."""
        return Snapshot(
            {
                level: (list(locks.holders.items()), list(locks.waiting))
                for level, locks in self._levels.items()
            }
        )
