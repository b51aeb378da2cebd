# SPDX-License-Identifier: GPL-2.0-or-later
"""How a call is carried out once only, although a connection may die under it.

A call that is not repeatable has a name of its own, in the header ``X-Ganeti-Call: <name>``. When its
connection dies, the master asks what became of it: the same request, with `` again`` after the name. The
node answers what it would have answered, once the call has ended. One that it has not heard of it refuses
with `UNHEARD_STATUS`, and will not carry it out any more, should it arrive late.
"""

from __future__ import annotations

from dataclasses import dataclass

HEADER = "X-Ganeti-Call"
UNHEARD_STATUS = 409
_AGAIN = "again"


@dataclass(frozen=True)
class CallName:
    """The name of a call; `again` if it was sent before."""

    name: str
    again: bool = False

    def header(self) -> str:
        return f"{self.name} {_AGAIN}" if self.again else self.name

    @classmethod
    def parse(cls, header: str) -> CallName:
        """The name in a header; `ValueError` if it is malformed."""
        name, _, rest = header.partition(" ")
        if not name or rest not in ("", _AGAIN):
            raise ValueError(header)
        return cls(name, rest == _AGAIN)
