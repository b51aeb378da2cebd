# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may be master: more than half of all nodes, no ties."""

import pytest

from ganeti.errors import ConfigurationError
from ganeti.master import voting
from ganeti.master.voting import Verdict, verdict
from ganeti.rpc import nodes
from ganeti.rpc.runner import Rpc, Target
from test.support.clock import FakeClock
from test.support.cluster import a_cluster
from test.support.master_world import PORT, ScriptedNodes

ME, OTHER, SILENT = "me", "other", None


@pytest.mark.parametrize(
    ("others", "outcome"),
    [
        ([], Verdict.WON),
        ([ME], Verdict.WON),
        ([SILENT], Verdict.OPEN),
        ([OTHER], Verdict.LOST),
        ([ME, SILENT], Verdict.WON),
        ([ME, OTHER], Verdict.WON),
        ([SILENT, SILENT], Verdict.OPEN),
        ([OTHER, SILENT], Verdict.OPEN),
        ([OTHER, OTHER], Verdict.LOST),
        ([ME, OTHER, OTHER], Verdict.LOST),
        ([ME, SILENT, SILENT], Verdict.OPEN),
        ([ME, ME, OTHER, OTHER], Verdict.WON),
        (["", SILENT, SILENT, ""], Verdict.OPEN),
    ],
)
def test_the_table(others: list[str | None], outcome: Verdict) -> None:
    votes = {"me": ME, **{f"n{i}": vote for i, vote in enumerate(others)}}
    assert verdict(ME, votes) is outcome


class Vote:
    """n1 wants to be master of three nodes; n3 is offline and asked all the same."""

    def __init__(self) -> None:
        cfg = a_cluster().with_nodes("n1", "n2").with_node("n3", offline=True).build()
        self.nodes, self.clock = ScriptedNodes(cfg), FakeClock()
        self._targets = [nodes.target(node) for node in cfg.nodes.values()]

    def hold(self) -> str | None:
        rpc = Rpc(self.nodes, nobody, port=PORT)
        return voting.hold(rpc, "n1", self._targets, self.clock)

    def say(self, *answers: tuple[str, object]) -> None:
        for node, answer in answers:
            self.nodes.says(node, "master_node_name", answer)


def nobody(node: str) -> Target:
    raise ConfigurationError(node)


DOWN = ConnectionError("no route to host")


def test_nodes_that_are_silent_are_asked_again_six_times() -> None:
    vote = Vote()
    vote.say(("n2", DOWN), ("n3", DOWN))
    reason = vote.hold()
    assert reason == "too many nodes are silent: for n1: n1; silent: n2, n3"
    assert vote.clock.slept == [10.0] * 6
    assert len(vote.nodes.calls) == 14


def test_a_node_that_comes_up_meanwhile_decides() -> None:
    vote = Vote()
    vote.say(("n3", DOWN))
    vote.nodes.says("n2", "master_node_name", DOWN, DOWN, "n1")
    assert vote.hold() is None
    assert vote.clock.slept == [10.0] * 2


def test_who_has_lost_does_not_ask_again() -> None:
    vote = Vote()
    vote.say(("n2", "n3"), ("n3", "n3"))
    reason = vote.hold()
    assert reason == "too many nodes disagree: for n1: n1; for n3: n2, n3"
    assert vote.clock.slept == []


def test_nobody_waits_for_a_node_that_hangs_once_it_is_decided() -> None:
    vote = Vote()
    vote.say(("n2", "n1"), ("n3", "n1"))
    vote.nodes.hold("n3")
    assert vote.hold() is None
    vote.nodes.let_go("n3")


def test_of_hundreds_that_vote_alike_some_are_named() -> None:
    cfg = a_cluster().with_nodes(*(f"n{i}" for i in range(100, 200))).build()
    scripted = ScriptedNodes(cfg)
    for node in cfg.nodes.values():
        scripted.says(node.name, "master_node_name", "n999")
    targets = [nodes.target(node) for node in cfg.nodes.values()]
    reason = voting.hold(Rpc(scripted, nobody, port=PORT), "n100", targets, FakeClock())
    assert reason is not None
    assert "for n999: n101, n102" in reason
    assert " more" in reason
    assert "n180" not in reason
