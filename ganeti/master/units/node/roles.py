# SPDX-License-Identifier: GPL-2.0-or-later
"""What a change of a node's flags means: which flags it ends with, and what forbids it.

Pure functions; a node has at most one of the flags master_candidate, drained and offline.
"""

from __future__ import annotations

from collections.abc import Mapping

from ganeti.errors import Code, OpPrereqError
from ganeti.model.node import Node

EXCLUSIVE = ("master_candidate", "offline", "drained")

Flags = dict[str, bool]


def _state(message: str) -> OpPrereqError:
    return OpPrereqError(message, Code.WRONG_STATE)


def _input(message: str) -> OpPrereqError:
    return OpPrereqError(message, Code.WRONG_INPUT)


def check_request(asked: Mapping[str, bool | None]) -> None:
    """`asked`: the flags of the request. At most one role can be asked for."""
    wanted = [name for name in EXCLUSIVE if asked.get(name)]
    if len(wanted) > 1:
        raise _input(f"a node can have one role only, not {' and '.join(wanted)}")


def check_master(node: Node, asked: Mapping[str, bool | None]) -> None:
    """The master's role changes by failover only."""
    if asked.get("master_capable") is False or any(asked.get(n) is not None for n in EXCLUSIVE):
        raise _input(
            f"the role of the master {node.name} can only be changed by"
            " 'gnt-cluster master-failover'"
        )


def after(node: Node, asked: Mapping[str, bool | None]) -> Flags:
    """All flags after the change; a role that is asked for ends the others."""
    flags = {name: bool(getattr(node, name)) for name in (*EXCLUSIVE, "master_capable")}
    flags |= {name: value for name, value in asked.items() if value is not None and name in flags}
    for name in EXCLUSIVE:
        if asked.get(name):
            flags |= {other: False for other in EXCLUSIVE if other != name}
    if not flags["master_capable"]:
        if asked.get("master_candidate"):
            raise _state(f"node {node.name} is not able to become master")
        flags["master_candidate"] = False
    return flags


def comes_back(node: Node, flags: Flags) -> bool:
    """Whether the node may join the candidates by itself: an obstacle has gone."""
    blocked = node.offline or node.drained or not node.master_capable
    free = not (flags["offline"] or flags["drained"]) and flags["master_capable"]
    return blocked and free


def leaves_pool(node: Node, flags: Flags) -> bool:
    return node.master_candidate and not flags["master_candidate"]
