# SPDX-License-Identifier: GPL-2.0-or-later
"""At start the master asks all nodes whom they take for the master (masterd, "Voting").

All nodes, the offline ones too, because the configuration here may be old. More than half must say
this host; its own vote counts. Two nodes of which one is dead have no majority.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Collection, Iterable, Mapping
from enum import Enum

from ganeti.contracts.node.system import SystemCalls
from ganeti.rpc.runner import Pending, Rpc, Target
from ganeti.utils.clock import Clock

log = logging.getLogger(__name__)

RETRIES = 6
PAUSE_S = 10.0
NAMED = 8
"""Of the nodes that vote alike so many are told by name."""


class Verdict(Enum):
    WON = "more than half of the nodes agree"
    OPEN = "too many nodes are silent"
    LOST = "too many nodes disagree"


def verdict(me: str, votes: Mapping[str, str | None]) -> Verdict:
    """`votes`: whom each node names, None for a silent one; this host's own is among them."""
    yes = sum(vote == me for vote in votes.values())
    silent = sum(vote is None for vote in votes.values())
    if 2 * yes > len(votes):
        return Verdict.WON
    return Verdict.OPEN if 2 * (yes + silent) > len(votes) else Verdict.LOST


def ask(rpc: Rpc, me: str, nodes: Collection[Target]) -> dict[str, str | None]:
    """One round of questions, until it is decided: nobody waits for a node that hangs if others are
    enough. This host need not be asked."""
    votes: dict[str, str | None] = {node.name: None for node in nodes} | {me: me}
    arrived: queue.SimpleQueue[Pending[str]] = queue.SimpleQueue()
    others = [node for node in nodes if node.name != me]
    for node in others:
        rpc.begin(node, SystemCalls.master_node_name)().when_done(arrived.put)
    for _ in others:
        if verdict(me, votes) is not Verdict.OPEN:
            break
        reply = arrived.get().reply()
        votes[reply.node.name] = None if reply.failed else reply.value
    return votes


def hold(rpc: Rpc, me: str, nodes: Iterable[Target], clock: Clock) -> str | None:
    """Ask until it is decided; the reason why this host may not be master, or None."""
    nodes = list(nodes)
    for attempt in range(1 + RETRIES):
        if attempt:
            clock.sleep(PAUSE_S)
        votes = ask(rpc, me, nodes)
        outcome = verdict(me, votes)
        if outcome is Verdict.WON:
            return None
        if outcome is Verdict.LOST:
            break
        log.warning("vote %d of %d: %s", attempt + 1, 1 + RETRIES, _told(votes))
    return f"{outcome.value}: {_told(votes)}"


def _told(votes: Mapping[str, str | None]) -> str:
    camps: dict[str, list[str]] = {}
    for node, vote in sorted(votes.items()):
        camps.setdefault(f"for {vote}" if vote else "silent", []).append(node)
    return "; ".join(f"{camp}: {_some(nodes)}" for camp, nodes in sorted(camps.items()))


def _some(names: list[str]) -> str:
    """Of hundreds only the first."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
