# SPDX-License-Identifier: GPL-2.0-or-later
"""Where opcodes wait while they run, until the test says how each of them ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from test.support.queue_promises import Place


class Dead(Exception):
    """This opcode was at work when the power failed."""


@dataclass
class Work:
    """An opcode that runs, until it is told how to end."""

    script: str
    ended: threading.Event = field(default_factory=threading.Event)
    is_good: bool = True
    is_dead: bool = False


class Workshop:
    """Where opcodes wait while they run. One lock protects all, and what is marked with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._works: dict[Place, Work] = {}
        self._is_open = self._is_dead = False

    def carry_out(self, place: Place, script: str, mark: Callable[[], None]) -> Work:
        """Begin; `mark` is called unless the power has failed."""
        work = Work(script)
        with self._lock:
            if self._is_dead:
                raise Dead
            mark()
            self._works[place] = work
            if self._is_open:
                work.ended.set()
        return work

    def leave(self, place: Place) -> None:
        with self._lock:
            self._works.pop(place)

    @property
    def works(self) -> dict[Place, Work]:
        """What is at work, the first job first."""
        with self._lock:
            return {
                place: work
                for place, work in sorted(self._works.items())
                if not work.ended.is_set()
            }

    def open(self) -> None:
        """Everything succeeds at once from now on."""
        with self._lock:
            self._is_open = True
            for work in self._works.values():
                work.ended.set()

    def power_fails(self) -> None:
        with self._lock:
            self._is_dead = True

    def dismiss(self) -> None:
        """Let the threads of a dead master end."""
        with self._lock:
            for work in self._works.values():
                work.is_dead = True
                work.ended.set()
