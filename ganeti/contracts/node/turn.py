# SPDX-License-Identifier: GPL-2.0-or-later
"""The order in which a master has made the calls that replace the same thing.

A call of a master that was killed, or whose connection died, may still hang on the node's disk, or lie
there unread, when the next one has sent something newer. So these calls have a header ``X-Ganeti-Turn:
<start> <number>``: which start of a master daemon on its host it was, and which call of that daemon. A
node carries out one after the other, and never an older one after a newer one.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

HEADER = "X-Ganeti-Turn"
_FORM = re.compile(r"([0-9]{1,19}) ([0-9]{1,19})")


@dataclass(frozen=True, order=True)
class Turn:
    """Later ones are greater."""

    start: int
    number: int

    def header(self) -> str:
        return f"{self.start} {self.number}"

    @classmethod
    def parse(cls, header: str) -> Turn:
        """The turn in a header; `ValueError` if it is malformed."""
        found = _FORM.fullmatch(header)
        if found is None:
            raise ValueError(header)
        return cls(int(found[1]), int(found[2]))


class Turns:
    """Gives out the turns of one start; from any thread."""

    def __init__(self, start: int) -> None:
        self._start, self._numbers = start, itertools.count(1)

    def next(self) -> Turn:
        return Turn(self._start, next(self._numbers))
