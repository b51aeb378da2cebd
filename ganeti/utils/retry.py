# SPDX-License-Identifier: GPL-2.0-or-later
"""Try until it works or the time is over."""

from __future__ import annotations

from collections.abc import Callable

from ganeti.utils.clock import Clock


def until(
    is_done: Callable[[], bool],
    *,
    timeout_s: float,
    clock: Clock,
    first_delay_s: float = 0.01,
    growth: float = 1.5,
    most_s: float = 1.0,
) -> bool:
    """Ask again with growing pauses; False when the time is over. It is asked once at least."""
    deadline = clock.monotonic() + timeout_s
    delay = first_delay_s
    while not is_done():
        left = deadline - clock.monotonic()
        if left <= 0:
            return False
        clock.sleep(min(delay, left))
        delay = min(delay * growth, most_s)
    return True
