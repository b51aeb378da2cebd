# SPDX-License-Identifier: GPL-2.0-or-later
"""The services of a master over a configuration that a test builds, with nodes that answer as told.

    world = MasterWorld(tmp_path, a_cluster().with_nodes("n1", "n2").build())
    world.nodes.says("n2", "version", 3000000)
    world.nodes.fails("n1", "version", "no route to host")

A call that nobody arranged fails the test.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import simplejson

from ganeti.master.config.store import ConfigStore
from ganeti.master.config.transaction import Transaction
from ganeti.master.services import Services
from ganeti.model.config import Config
from ganeti.paths import Paths
from ganeti.rpc import nodes
from ganeti.rpc.runner import Rpc
from ganeti.rpc.transport import Answer, Request
from test.support.clock import FakeClock
from test.support.cluster import NOW
from test.support.runner import FakeRunner

PORT = 1811


class ScriptedNodes:
    """Carries calls to nodes that answer as arranged; `asked` has node, call and arguments of each."""

    def __init__(self, cfg: Config) -> None:
        self._names = {node.primary_ip: node.name for node in cfg.nodes.values()}
        self._answers: dict[tuple[str, str], Answer] = {}
        self.asked: list[tuple[str, str, list[Any]]] = []

    def says(self, node: str, call: str, payload: Any) -> None:
        body = simplejson.dumps([True, payload]).encode()
        self._answers[node, call] = Answer(200, body)

    def fails(self, node: str, call: str, why: str) -> None:
        self._answers[node, call] = Answer(0, error=why)

    def send(self, request: Request) -> Future[Answer]:
        address, call = request.url.removeprefix("https://").split(f":{PORT}/")
        node = self._names[address]
        self.asked.append((node, call, simplejson.loads(request.body)))
        future: Future[Answer] = Future()
        future.set_result(self._answers[node, call])
        return future


class InstantStore:
    """A configuration that is durable at once."""

    def __init__(self, cfg: Config) -> None:
        self.current = cfg

    @contextmanager
    def write(self, context: str) -> Iterator[Transaction]:
        transaction = Transaction(self.current, NOW)
        yield transaction
        self.current = transaction.finished()


class MasterWorld:
    """The services and what is behind them; `services.jobs` is for the test to set."""

    def __init__(self, root: Path, cfg: Config) -> None:
        self.paths = Paths(str(root))
        Path(self.paths.socket_dir).mkdir(parents=True)
        Path(self.paths.data_dir).mkdir(parents=True, exist_ok=True)
        self.nodes, self.clock, self.store = ScriptedNodes(cfg), FakeClock(), InstantStore(cfg)
        self.services = Services(
            paths=self.paths,
            clock=self.clock,
            runner=FakeRunner(),
            rpc=Rpc(
                self.nodes, lambda uuid: nodes.target(self.store.current.nodes[uuid]), port=PORT
            ),
            store=typing.cast(ConfigStore, self.store),
            behind=dict,
        )
