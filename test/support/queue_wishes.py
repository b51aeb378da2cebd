# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs to be submitted, drawn at random: several opcodes, locks, priorities, dependencies on other jobs."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from ganeti.opcodes.base import OpCode
from test.support.queue_world import scripted

LOCKS = {"free": None, "a": "a", "b": "b"}
"""Scripts, and the lock that each of them takes."""

TOGETHER = -1
"""The dependency on the job before."""


@dataclass(frozen=True)
class Wish:
    """A job to be submitted; `after` chooses what it depends on, of the jobs there are."""

    scripts: list[str]
    priority: int
    after: int | None
    statuses: list[str]


WISHES = st.builds(
    Wish,
    st.lists(st.sampled_from(sorted(LOCKS)), min_size=1, max_size=3),
    st.sampled_from([-10, 0, 10]),
    st.one_of(st.none(), st.none(), st.integers(TOGETHER, 9)),
    st.sampled_from([[], ["success"], ["error", "canceled"]]),
)


def opcodes(wish: Wish, known: list[int]) -> list[OpCode]:
    depends = _depends(wish, known)
    return [scripted(name, priority=wish.priority, depends=depends) for name in wish.scripts]


def _depends(wish: Wish, known: list[int]) -> list[tuple[int, list[str]]] | None:
    if wish.after is None:
        return None
    is_before = wish.after == TOGETHER or not known
    return [(TOGETHER if is_before else known[wish.after % len(known)], wish.statuses)]
