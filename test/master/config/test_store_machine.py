# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever happens in whatever order: readers see what was acknowledged, and no number is used twice."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ganeti.errors import ConfigurationError
from ganeti.master.config.store import Ticket
from test.support.cluster import a_cluster
from test.support.config_world import ConfigWorld, tagged

CFG = a_cluster().with_nodes("n1", "n2", "n3").build()
MEMORY = "/dev/shm"
"""Nothing is synced here in any case."""

STEPS = st.sampled_from(["write", "sync", "rename", "sync-directory"])
OTHERS = [CFG.node("n2").uuid, CFG.node("n3").uuid]
CANDIDATES = st.sampled_from(OTHERS)
NEW = st.integers(0, 2)


class StoreMachine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.root = Path(tempfile.mkdtemp(dir=MEMORY if os.path.isdir(MEMORY) else None))
        self.world = ConfigWorld(self.root, CFG)
        self.world.round()
        self.acknowledged: list[str] = []
        self.staged: list[tuple[str, Ticket]] = []
        self.contents: dict[int, bytes] = {}
        self.count = 0
        self.late: int | None = None

    def teardown(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    def stage(self) -> None:
        self.count += 1
        tag = f"t{self.count}"
        self.staged.append((tag, self.world.stage(tagged(tag))))

    def stage_more(self, count: int, meanwhile: bool) -> None:
        """Now, and one while all that is on its way to the candidates."""
        for _ in range(count):
            self.stage()
        if meanwhile:
            self.world.candidates.when_kept = lambda _node, _content: self.stage_late()

    def stage_late(self) -> None:
        self.world.candidates.when_kept = lambda _node, _content: None
        self.late = len(self.staged)
        self.stage()

    @rule()
    def refuse(self) -> None:
        """A unit that breaks off in the middle of a transaction."""
        try:
            with self.world.store.stage() as ticket:
                tagged("broken-off")(ticket.transaction)
                raise ConfigurationError("broken off")
        except ConfigurationError:
            pass

    @rule(new=NEW, meanwhile=st.booleans())
    def write(self, new: int, meanwhile: bool) -> None:
        self.stage_more(new, meanwhile)
        self.round()
        self.settle(is_good=True)
        if not self.staged:
            self.check_all_have_the_newest()

    @rule(step=STEPS, new=NEW, meanwhile=st.booleans())
    def fail(self, step: str, new: int, meanwhile: bool) -> None:
        self.stage_more(new, meanwhile)
        self.world.primitives.fails_at = step
        self.round()
        self.world.primitives.fails_at = None
        self.late = None
        self.settle(is_good=False)

    def round(self) -> None:
        self.late = None
        self.world.round()
        self.world.candidates.when_kept = lambda _node, _content: None

    @rule(candidate=CANDIDATES, is_silent=st.booleans())
    def lose(self, candidate: str, is_silent: bool) -> None:
        """It fails, or says nothing, until it is found."""
        if is_silent:
            self.world.candidates.silent.add(candidate)
        else:
            self.world.candidates.failures[candidate] = OSError("no route")

    @rule()
    def find(self) -> None:
        """Whoever was lost gets what it lacks."""
        self.world.candidates.failures.clear()
        self.world.candidates.speak()
        self.world.alarms.pass_time(60)
        assert not self.world.store.behind()

    @rule()
    def crash(self) -> None:
        """The process ends here; what it had staged was never answered."""
        self.absorb()
        old = self.world
        self.world = ConfigWorld(self.root)
        self.world.candidates.has = old.candidates.has
        found = list(self.world.cfg.cluster.tags)
        assert found[: len(self.acknowledged)] == self.acknowledged
        self.acknowledged, self.staged = found, []

    def settle(self, *, is_good: bool) -> None:
        """Everyone who was staged before the write learns the truth; who came late, with the next one."""
        count = len(self.staged) if self.late is None else self.late
        settled, self.staged = self.staged[:count], self.staged[count:]
        for tag, ticket in settled:
            assert ticket.done.is_set()
            assert (ticket.error is None) is is_good
            if is_good:
                self.acknowledged.append(tag)
        assert not any(ticket.done.is_set() for _, ticket in self.staged)

    def check_all_have_the_newest(self) -> None:
        """After a good write there is nothing anywhere that is not acknowledged, or counts for more."""
        self.absorb()
        assert self.world.candidate_set.names() == set(OTHERS)
        newest = self.world.path.read_bytes()
        assert newest == self.contents[max(self.contents)]
        for uuid in self.world.candidate_set.names() - self.world.store.behind().keys():
            assert self.world.candidates.has[uuid].data == newest

    def absorb(self) -> None:
        """Look at every content that ever went out or lies here, with its number."""
        found = [content.data for _, content in self.world.candidates.sent]
        found.append(self.world.path.read_bytes())
        for data in found:
            serial = json.loads(data)["serial_no"]
            assert self.contents.setdefault(serial, data) == data

    @invariant()
    def readers_see_what_was_acknowledged(self) -> None:
        assert list(self.world.cfg.cluster.tags) == self.acknowledged

    @invariant()
    def numbers_stand_for_one_content(self) -> None:
        self.absorb()

    @invariant()
    def what_was_acknowledged_is_on_every_candidate_in_sync(self) -> None:
        in_sync = self.world.candidate_set.names() - self.world.store.behind().keys()
        for uuid in in_sync:
            tags = json.loads(self.world.candidates.has[uuid].data)["cluster"].get("tags", [])
            assert tags[: len(self.acknowledged)] == self.acknowledged


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
