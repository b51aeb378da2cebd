# SPDX-License-Identifier: GPL-2.0-or-later
"""A configuration store with doubles around it: candidates that answer as told, a disk that fails.

No thread runs: tests stage transactions and then let the writer do one round (`ConfigWorld.round`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ganeti.contracts.node.packed import Packed
from ganeti.master.candidates import CandidateSet
from ganeti.master.config import store
from ganeti.master.config.distribute import Content, newest
from ganeti.master.config.localfile import ConfigFile
from ganeti.master.config.store import ConfigStore, Ticket
from ganeti.master.config.transaction import Transaction
from ganeti.model import configfile
from ganeti.model.config import Config
from ganeti.paths import Paths
from ganeti.utils.files import Disk, Primitives, Write
from test.support.alarms import FakeAlarms
from test.support.clock import FakeClock

PATIENCE_S = 0.01


class FakeNodes:
    """Nodes that keep what they are sent, but for those that fail, are silent, or only say so.

    What silent ones were sent arrives with `speak`.
    """

    def __init__(self) -> None:
        self.has: dict[str, Any] = {}
        self.sent: list[tuple[str, Any]] = []
        self.failures: dict[str, Exception] = {}
        self.silent: set[str] = set()
        self.forgetful: set[str] = set()
        self.when_kept: Callable[[str, Any], None] = lambda _node, _content: None
        self._late: list[tuple[str, Any, Callable[[Exception | None], None]]] = []

    def send(self, node: str, content: Any, done: Callable[[Exception | None], None]) -> None:
        self.sent.append((node, content))
        if node in self.silent:
            self._late.append((node, content, done))
        else:
            self._arrive(node, content, done)

    def speak(self) -> None:
        """Nobody is silent any more."""
        self.silent.clear()
        late, self._late = self._late, []
        for node, content, done in late:
            self._arrive(node, content, done)

    def _arrive(self, node: str, content: Any, done: Callable[[Exception | None], None]) -> None:
        failure = self.failures.get(node)
        if failure is None and node not in self.forgetful:
            self.has[node] = content
            self.when_kept(node, content)
        done(failure)


class FailingPrimitives(Primitives):
    """System calls of a disk that can be told to fail at one of them; nothing is synced."""

    def __init__(self) -> None:
        self.fails_at: str | None = None

    def _attempt(self, step: str) -> None:
        if self.fails_at == step:
            raise OSError(28, "No space left on device")

    def write_temporary(self, path: str, item: Write) -> None:
        self._attempt("write")
        super().write_temporary(path, item._replace(owner=None))

    def sync_file(self, path: str) -> Any:
        self._attempt("sync")
        return Path(path).stat()

    def rename(self, old: str, new: str) -> None:
        self._attempt("rename")
        super().rename(old, new)

    def sync_directory(self, path: str) -> None:
        self._attempt("sync-directory")


class ConfigWorld:
    """A store over ``config.data`` below `root`, which is written with `cfg` if it is not there."""

    def __init__(self, root: Path, cfg: Config | None = None, disk: Disk | None = None) -> None:
        self.primitives = FailingPrimitives()
        self.path = Path(Paths(str(root)).config_data)
        if cfg is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(configfile.encode(cfg))
        self.clock, self.alarms = FakeClock(), FakeAlarms()
        self.candidates, self.nodes = FakeNodes(), FakeNodes()
        self.candidate_set: CandidateSet[Content] = CandidateSet(
            self.candidates, newest, self.alarms, patience_s=PATIENCE_S
        )
        file = ConfigFile(str(self.path), disk or Disk(self.primitives))
        self.store = ConfigStore(
            store.load(file, self.clock.now()),
            file,
            self.candidate_set,
            CandidateSet(self.nodes, newest, self.alarms, patience_s=PATIENCE_S),
            self.clock,
        )

    @property
    def cfg(self) -> Config:
        return self.store.current

    def stage(self, edit: Callable[[Transaction], object]) -> Ticket:
        with self.store.stage() as ticket:
            edit(ticket.transaction)
        return ticket

    def round(self) -> None:
        self.store.write_round()

    def change(self, edit: Callable[[Transaction], object]) -> Ticket:
        """Stage and write; raises what the user would get."""
        ticket = self.stage(edit)
        self.round()
        ticket.wait()
        return ticket

    def on_disk(self) -> dict[str, Any]:
        raw: dict[str, Any] = json.loads(self.path.read_bytes())
        return raw

    def on_candidate(self, name: str) -> dict[str, Any]:
        """What the candidate has; the compressed form is what travels, so that is looked at."""
        content = self.candidates.has[self.cfg.node(name).uuid]
        raw: dict[str, Any] = json.loads(Packed.from_raw(content.raw()).data)
        return raw


def tagged(*tags: str) -> Callable[[Transaction], object]:
    """An edit that gives the cluster more tags."""

    def edit(transaction: Transaction) -> object:
        cluster = transaction.root.cluster
        return transaction.put(cluster.replace(tags=(*cluster.tags, *tags)))

    return edit
