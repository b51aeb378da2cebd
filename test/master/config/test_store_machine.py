# SPDX-License-Identifier: GPL-2.0-or-later
"""Whatever happens in whatever order: readers see what was acknowledged, and no number is used twice."""

from __future__ import annotations

import json
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
STEPS = st.sampled_from(["write", "sync", "rename", "sync-directory"])
CANDIDATES = st.sampled_from([CFG.node("n2").uuid, CFG.node("n3").uuid])


class StoreMachine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.world = ConfigWorld(self.root, CFG)
        self.world.round()
        self.acknowledged: list[str] = []
        self.staged: list[tuple[str, Ticket]] = []
        self.contents: dict[int, bytes] = {}
        self.count = 0

    def teardown(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    @rule()
    def stage(self) -> None:
        self.count += 1
        tag = f"t{self.count}"
        self.staged.append((tag, self.world.stage(tagged(tag))))

    @rule()
    def refuse(self) -> None:
        """A unit that breaks off in the middle of a transaction."""
        try:
            with self.world.store.stage() as ticket:
                tagged("broken-off")(ticket.transaction)
                raise ConfigurationError("broken off")
        except ConfigurationError:
            pass

    @rule()
    def write(self) -> None:
        self.world.round()
        self.settle(is_good=True)

    @rule(step=STEPS)
    def fail(self, step: str) -> None:
        self.world.primitives.fails_at = step
        self.world.round()
        self.world.primitives.fails_at = None
        self.settle(is_good=False)

    @rule(candidate=CANDIDATES)
    def lose(self, candidate: str) -> None:
        self.world.candidates.failures[candidate] = OSError("no route")

    @rule()
    def find(self) -> None:
        self.world.candidates.failures.clear()
        self.world.alarms.pass_time(60)

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
        """Everyone who was staged learns the truth."""
        for tag, ticket in self.staged:
            assert ticket.done.is_set()
            assert (ticket.error is None) is is_good
            if is_good:
                self.acknowledged.append(tag)
        self.staged = []

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
TestStore.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
