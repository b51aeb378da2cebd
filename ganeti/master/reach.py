# SPDX-License-Identifier: GPL-2.0-or-later
"""Which nodes do not answer, known to all who would otherwise find out one after the other.

*Unreachable* is a node to which the last call failed on its way; *silent* one for which a commit has
waited in vain. Any answer ends both, and whoever has something for the node hears of that at once.
The sets have one lock, under which nobody is called.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

Back = Callable[[str], None]


class Reach:
    """Nodes are told by UUID."""

    def __init__(self) -> None:
        self._unreachable: set[str] = set()
        self._silent: set[str] = set()
        self._when_back: list[Back] = []
        self._lock = threading.Lock()

    def when_back(self, callback: Back) -> None:
        """Call this, on any thread, with each node that answers again; quick work only."""
        self._when_back.append(callback)

    def waited_in_vain(self, node: str) -> None:
        with self._lock:
            self._silent.add(node)

    def is_silent(self, node: str) -> bool:
        return node in self._silent

    def told(self, node: str, has_answered: bool) -> None:
        """A call to a node is over."""
        if has_answered:
            self.answered(node)
        else:
            with self._lock:
                self._unreachable.add(node)

    def answered(self, node: str) -> None:
        """The node is there, whatever it said."""
        if node not in self._unreachable and node not in self._silent:
            return
        with self._lock:
            self._unreachable.discard(node)
            self._silent.discard(node)
        for callback in self._when_back:
            callback(node)
