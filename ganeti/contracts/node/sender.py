# SPDX-License-Identifier: GPL-2.0-or-later
"""Who calls a node, and with which fencing token.

Every call of a master has the header ``X-Ganeti-Master: <its name> <its epoch>``; a call without it
counts as epoch 0. A node that obeys a newer master answers with `DEPOSED_STATUS` and does nothing.
The epoch a host knows stands in ``/var/lib/ganeti/master-epoch``: a number and a newline.
"""

from __future__ import annotations

from dataclasses import dataclass

from ganeti.errors import ConfigurationError
from ganeti.utils import files

HEADER = "X-Ganeti-Master"
DEPOSED_STATUS = 412


@dataclass(frozen=True)
class Sender:
    """The master that calls, and its epoch; `name` is empty if it does not say."""

    name: str
    epoch: int

    def header(self) -> str:
        return f"{self.name} {self.epoch}"

    @classmethod
    def parse(cls, header: str | None) -> Sender:
        """The sender a header names; `ValueError` if it is malformed."""
        if header is None:
            return cls("", 0)
        name, _, epoch = header.partition(" ")
        return cls(name, int(epoch))


def read_epoch(path: str) -> int:
    """The epoch in a file; 0 if there is none."""
    try:
        return int(files.read_text(path))
    except FileNotFoundError:
        return 0
    except ValueError:
        raise ConfigurationError(
            f"{path} does not hold a number; put the number there that the other nodes have"
        ) from None
