# SPDX-License-Identifier: GPL-2.0-or-later
"""Strangers: connections that have not finished their handshake, so nobody knows yet whose they are.

A handshake costs a millisecond of processor time, and whoever reaches the port can ask for thousands. So an
address that sends many waits for itself: those of other addresses come first, and it makes room for them.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Collection

from ganeti.http.connection import Connection


def first(
    ready: Collection[Connection], strangers: Collection[Connection], most: int
) -> list[Connection]:
    """Which of those who are `ready` are served now: one that waits for long is hardly a client."""
    crowd = Counter(c.peer.address for c in strangers)
    return heapq.nsmallest(most, ready, key=lambda c: (crowd[c.peer.address], -c.since))


def surplus(strangers: Collection[Connection], most: int) -> list[Connection]:
    """Who has to go so that no more than `most` are left: the oldest of the address that has most."""
    crowds: defaultdict[str, list[Connection]] = defaultdict(list)
    for connection in sorted(strangers, key=lambda c: c.since):
        crowds[connection.peer.address].append(connection)
    return [max(crowds.values(), key=len).pop(0) for _ in range(len(strangers) - most)]
