# SPDX-License-Identifier: GPL-2.0-or-later
"""The pool of master candidates: how many there should be, and who is to be promoted.

Pure functions of the configuration.
"""

from __future__ import annotations

from collections.abc import Collection

from ganeti.model.config import Config
from ganeti.model.node import Node


def eligible(node: Node) -> bool:
    """Whether the node could be a master candidate."""
    return node.master_capable and not node.offline and not node.drained


def current(cfg: Config, without: Collection[str] = ()) -> int:
    """How many candidates there are, not counting some nodes."""
    return sum(n.master_candidate and n.uuid not in without for n in cfg.nodes.values())


def target(cfg: Config, without: Collection[str] = ()) -> int:
    """How many candidates there should be."""
    possible = sum(eligible(n) and n.uuid not in without for n in cfg.nodes.values())
    return min(cfg.cluster.candidate_pool_size, possible)


def has_room(cfg: Config, *, newcomers: int) -> bool:
    """Whether a node that becomes eligible should be a candidate at once."""
    possible = sum(eligible(n) for n in cfg.nodes.values()) + newcomers
    return current(cfg) < min(cfg.cluster.candidate_pool_size, possible)


def promotions(cfg: Config, without: Collection[str] = ()) -> list[Node]:
    """Nodes to promote so that the pool is full again, by name."""
    missing = target(cfg, without) - current(cfg, without)
    idle = [
        n
        for n in sorted(cfg.nodes.values(), key=lambda n: n.name)
        if eligible(n) and not n.master_candidate and n.uuid not in without
    ]
    return idle[: max(0, missing)]
