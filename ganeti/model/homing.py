# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether nodes have one network or two. The master sets the measure, and all nodes are alike."""

from __future__ import annotations

from typing import NamedTuple

from ganeti.errors import Code, OpPrereqError


class Addresses(NamedTuple):
    """Of one node; both are the same where it has one network."""

    primary: str
    secondary: str

    @property
    def is_single(self) -> bool:
        return self.primary == self.secondary


def check(master: Addresses, node: Addresses) -> None:
    """Raises OpPrereqError if the node has not as many networks as the master."""
    if node.is_single == master.is_single:
        return
    if master.is_single:
        raise OpPrereqError(
            "the master has no secondary address, so no node can have one", Code.WRONG_INPUT
        )
    raise OpPrereqError(
        "the master has a secondary address, so every node needs one; give it with -s",
        Code.WRONG_INPUT,
    )
