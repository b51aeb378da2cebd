# SPDX-License-Identifier: GPL-2.0-or-later
"""In sync, behind, and back again; the transport answers when the test says so."""

from __future__ import annotations

import pytest

from ganeti.errors import ConfigurationError
from ganeti.master.candidates import CandidateSet, Commit, Done
from ganeti.master.reach import Reach
from ganeti.rpc.runner import Deposed
from test.support.alarms import FakeAlarms

Content = frozenset[str]

PATIENCE_S = 0.01
LONG_S = 60.0


class Wire:
    """Holds every send until `answer`."""

    def __init__(self) -> None:
        self.open: dict[str, tuple[Content, Done]] = {}
        self.got: dict[str, list[Content]] = {}
        self.unknown: set[str] = set()

    def send(self, candidate: str, content: Content, done: Done) -> None:
        assert candidate not in self.open, "one call at a time"
        if candidate in self.unknown:
            raise ConfigurationError(f"there is no node {candidate}")
        self.open[candidate] = (content, done)

    def answer(self, candidate: str, error: Exception | None = None) -> None:
        content, done = self.open.pop(candidate)
        if error is None:
            self.got.setdefault(candidate, []).append(content)
        done(error)


class World:
    def __init__(
        self, *names: str, reach: Reach | None = None, patience_s: float = PATIENCE_S
    ) -> None:
        self.wire, self.alarms = Wire(), FakeAlarms()
        self.set: CandidateSet[Content] = CandidateSet(
            self.wire, frozenset.union, self.alarms, patience_s=patience_s, reach=reach
        )
        for name in names:
            self.set.join(name)

    def commit(self, *words: str) -> Commit[Content]:
        return self.set.commit(frozenset(words))


def test_without_candidates_a_commit_is_over_at_once() -> None:
    assert World().commit("a").wait() == {}


def test_a_commit_is_over_when_all_in_sync_have_answered() -> None:
    world = World("n2", "n3")
    commit = world.commit("a")
    world.wire.answer("n2")
    world.wire.answer("n3")
    assert commit.wait() == {}
    assert world.wire.got == {"n2": [{"a"}], "n3": [{"a"}]}


def test_the_silent_one_falls_behind_and_the_commit_goes_on() -> None:
    world = World("n2", "n3")
    commit = world.commit("a")
    world.wire.answer("n2")
    assert list(commit.wait()) == ["n3"]
    later = world.commit("b")
    world.wire.answer("n2")
    assert list(later.wait()) == ["n3"], "nobody waits for it again, but it is named"


def test_whoever_was_silent_gets_what_it_lacks_and_rejoins() -> None:
    world = World("n2")
    world.commit("a").wait()
    world.commit("b").wait()
    world.commit("c").wait()
    world.wire.answer("n2")
    assert world.set.behind(), "the answer came, but two changes are missing"
    world.wire.answer("n2")
    assert world.set.behind() == {}
    assert world.wire.got["n2"] == [{"a"}, {"b", "c"}]


def test_a_failing_one_is_behind_at_once_and_tried_again_more_and_more_rarely() -> None:
    world = World("n2")
    commit = world.commit("a")
    world.wire.answer("n2", OSError("connection refused"))
    assert commit.wait() == {"n2": "connection refused"}
    world.commit("b").wait()
    assert world.wire.open == {}, "it rests"
    rests = []
    for _ in range(7):
        rests += world.alarms.pending_s
        world.alarms.pass_time(30)
        world.wire.answer("n2", OSError("no"))
    assert rests == [1, 2, 4, 8, 16, 30, 30]
    world.alarms.pass_time(30)
    world.wire.answer("n2")
    assert world.wire.got["n2"] == [{"a", "b"}]
    assert world.set.behind() == {}
    world.commit("c")
    world.wire.answer("n2", OSError("no"))
    assert world.alarms.pending_s == [1], "after a success the first rest is short again"


def test_one_that_cannot_even_be_called_does_not_stop_the_others() -> None:
    world = World("n2", "n3", patience_s=LONG_S)
    world.wire.unknown.add("n2")
    commit = world.commit("a")
    world.wire.answer("n3")
    assert commit.wait() == {"n2": "there is no node n2"}
    world.wire.unknown.clear()
    world.alarms.pass_time(1)
    world.wire.answer("n2")
    assert world.set.behind() == {}


def test_who_was_silent_once_is_waited_for_by_nobody_else() -> None:
    reach = Reach()
    World("n2", "n3", reach=reach).commit("a").wait()
    other = World("n2", "n3", "n4", reach=reach, patience_s=LONG_S)
    commit = other.commit("a")
    for name in ("n4", "n3"):  # n3 is there again, as its answer shows
        other.wire.answer(name)
    assert list(commit.wait()) == ["n2"]
    other.wire.answer("n2")
    assert other.set.behind() == {}


def test_one_that_answers_again_is_not_let_rest() -> None:
    reach = Reach()
    world = World("n2", reach=reach)
    commit = world.commit("a")
    reach.told("n2", False)
    world.wire.answer("n2", OSError("no route"))
    commit.wait()
    reach.told("n3", True)
    assert world.wire.open == {}
    reach.told("n2", True)
    world.wire.answer("n2")
    assert world.set.behind() == {}


def test_an_answer_that_is_an_error_again_and_again_does_not_end_the_rest() -> None:
    """A node with a full disk answers; there is no use in sending everything again with each call."""
    reach = Reach()
    world = World("n2", reach=reach)
    commit = world.commit("a")
    reach.told("n2", True)
    world.wire.answer("n2", OSError("no space left"))
    commit.wait()
    reach.told("n2", True)
    assert world.wire.open == {}


def test_a_newcomer_is_behind_until_it_has_the_backlog() -> None:
    world = World()
    world.set.join("n2", frozenset({"everything"}))
    assert list(world.set.behind()) == ["n2"]
    assert list(world.commit("a").wait()) == ["n2"]
    world.wire.answer("n2")
    world.wire.answer("n2")
    assert world.set.behind() == {}
    assert world.wire.got["n2"] == [{"everything"}, {"a"}]


def test_nobody_waits_for_one_that_leaves() -> None:
    world = World("n2", "n3")
    commit = world.commit("a")
    world.wire.answer("n3")
    world.set.keep_only(["n3"])
    assert commit.wait() == {}
    assert world.set.names() == {"n3"}
    world.wire.answer("n2", OSError("too late"))
    assert world.alarms.pending_s == []


def test_one_that_left_and_came_back_is_another() -> None:
    world = World("n2")
    world.commit("a")
    world.set.leave("n2")
    _, late = world.wire.open.pop("n2")
    world.set.join("n2")
    late(OSError("too late"))
    assert world.set.behind() == {}


def test_a_deposed_master_acknowledges_nothing_more() -> None:
    world = World("n2", "n3")
    commit = world.commit("a")
    world.wire.answer("n2", Deposed("n9 is the master"))
    with pytest.raises(Deposed):
        commit.wait()
    with pytest.raises(Deposed):
        world.commit("b")
