# SPDX-License-Identifier: GPL-2.0-or-later
"""Who calls a node, and with which fencing token: a header of every call.

``X-Ganeti-Master: <name of the master> <epoch>``; a call without it counts as epoch 0. A node that
knows a newer master answers with `DEPOSED_STATUS` and does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

HEADER = "X-Ganeti-Master"
DEPOSED_STATUS = 412


@dataclass(frozen=True)
class Sender:
    """The master that calls, and its epoch."""

    name: str
    epoch: int

    def header(self) -> str:
        return f"{self.name} {self.epoch}"

    @classmethod
    def parse(cls, header: str | None) -> Sender:
        """The sender a header names; `ValueError` if it names none."""
        if header is None:
            return cls("a caller without a name", 0)
        name, _, epoch = header.partition(" ")
        return cls(name, int(epoch))
