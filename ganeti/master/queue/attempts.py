# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a job tries to get its locks before it gives back what it has and begins again.

The times of a list get longer until their sum reaches half an hour. When a list is used up, the job
becomes one step more urgent and begins a new list; at the highest priority it waits without limit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ganeti.master.queue.job import HIGHEST_PRIORITY

SHORTEST_S, LONGEST_S, TOTAL_S = 5.0, 75.0, 1800.0
VARIATION = 0.05


def _timeouts() -> tuple[float, ...]:
    times = [SHORTEST_S]
    while sum(times) < TOTAL_S:
        times.append(min(LONGEST_S, max(SHORTEST_S, (times[-1] * 1.05) ** 1.25)))
    return tuple(times)


TIMEOUTS_S = _timeouts()


@dataclass(frozen=True)
class Attempt:
    """How long to try now, None for ever. `is_new_list`: the priority rises before, counting restarts."""

    timeout_s: float | None
    is_new_list: bool = False


def attempt(failed: int, priority: int, random: Callable[[], float]) -> Attempt:
    """The attempt that follows `failed` ones of this list; `random` gives 0 … 1."""
    variation = 1 + VARIATION * (2 * random() - 1)
    if failed < len(TIMEOUTS_S):
        return Attempt(TIMEOUTS_S[failed] * variation)
    if priority > HIGHEST_PRIORITY:
        return Attempt(TIMEOUTS_S[0] * variation, is_new_list=True)
    return Attempt(None)
