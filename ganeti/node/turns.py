# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that replace the same thing, one after the other, and no older one after a newer one.

Only in memory: what the calls of a daemon have left undone ends with it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ganeti.contracts.node.turn import Turn
from ganeti.errors import GenericError

TIMEOUT_S = 10.0
FIRST = Turn(0, 0)
MOST_LINES = 500
"""There are as many as files that a master uploads."""


class NotInTurn(GenericError):
    """The call was not carried out."""


class _Line:
    """Who had the last turn. `lock` is held while a call is carried out."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.epoch, self.turn = 0, FIRST

    def take(self, epoch: int, turn: Turn | None) -> None:
        """A call without a turn is a command's; it comes too late only after a newer master."""
        if epoch < self.epoch or (turn and (epoch, turn) < (self.epoch, self.turn)):
            raise NotInTurn("a newer call was carried out already")
        if turn or epoch > self.epoch:
            self.epoch, self.turn = epoch, turn or FIRST


class Turns:
    """A line for each thing. The lock guards the table; nobody waits under it."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._lock, self._lines = threading.Lock(), dict[str, _Line]()

    @contextmanager
    def taken(self, what: str, epoch: int, turn: Turn | None) -> Iterator[None]:
        """Carry a call out in the block; raises `NotInTurn` if it comes too late, or an older one hangs."""
        line = self._line(what)
        if not line.lock.acquire(timeout=self._timeout_s):
            raise NotInTurn(f"{what}: an older call has hung for {self._timeout_s:g} seconds")
        try:
            line.take(epoch, turn)
            yield
        finally:
            line.lock.release()

    def _line(self, what: str) -> _Line:
        """It becomes the newest; the oldest is forgotten, for names may be anything."""
        with self._lock:
            line = self._lines.pop(what) if what in self._lines else _Line()
            self._lines[what] = line
            if len(self._lines) > MOST_LINES:
                del self._lines[next(iter(self._lines))]
            return line
