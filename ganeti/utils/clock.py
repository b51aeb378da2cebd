# SPDX-License-Identifier: GPL-2.0-or-later
"""The clock as a thing that is handed in, so that tests need not wait."""

from __future__ import annotations

import time


class Clock:
    """The real clock."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds of a clock that nobody sets."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
