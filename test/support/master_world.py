# SPDX-License-Identifier: GPL-2.0-or-later
"""The services of a master over a configuration that a test builds, with nodes that answer as told.

    world = MasterWorld(tmp_path, a_cluster().with_nodes("n1", "n2").build())
    world.nodes.says("n2", "version", 3000000)
    world.nodes.fails("n1", "version", "no route to host")

A call that nobody arranged fails the test.
"""

from __future__ import annotations

import threading
import typing
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import simplejson

from ganeti.errors import ConfigurationError
from ganeti.master.config.reserve import Reservations, ReservationTable
from ganeti.master.config.store import ConfigStore
from ganeti.master.config.transaction import Transaction
from ganeti.master.queue import workers
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
PATIENCE_S = 20


class ScriptedNodes:
    """Carries calls to nodes that answer as arranged; `asked` has node, call and arguments of each."""

    def __init__(self, cfg: Config) -> None:
        self._names = {node.primary_ip: node.name for node in cfg.nodes.values()}
        self._answers: dict[tuple[str, str], list[Answer]] = {}
        self._held: dict[str, list[tuple[Future[Answer], Answer]]] = {}
        self._was_held = threading.Condition()
        self.asked: list[tuple[str, str, list[Any]]] = []

    def says(self, node: str, call: str, *payloads: Any) -> None:
        """One answer after the other (an exception is a failure); the last is given from then on."""
        self._answers[node, call] = [_answer(payload) for payload in payloads]

    def fails(self, node: str, call: str, why: str) -> None:
        self.says(node, call, ConnectionError(why))

    def loses(self, node: str, call: str) -> None:
        """It carries the call out or does not, and no answer comes."""
        self.says(node, call, TimeoutError("the line is dead"))

    def accepts(self, *calls: str) -> None:
        """On all nodes these succeed and have nothing to tell, but where it was said otherwise."""
        for node in self._names.values():
            for call in calls:
                self._answers.setdefault((node, call), [_answer(None)])

    def send(self, request: Request) -> Future[Answer]:
        address, call = request.url.removeprefix("https://").split(f":{PORT}/")
        node = self._names[address]
        self.asked.append((node, call, simplejson.loads(request.body)))
        answers = self._answers[node, call]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        future: Future[Answer] = Future()
        with self._was_held:
            if node in self._held:
                self._held[node].append((future, answer))
                self._was_held.notify_all()
                return future
        future.set_result(answer)
        return future

    def hold(self, node: str) -> None:
        """It keeps its answers back until `let_go`."""
        self._held[node] = []

    def wait_for_held(self, node: str, count: int) -> None:
        """Until it keeps so many back."""
        with self._was_held:
            assert self._was_held.wait_for(lambda: len(self._held[node]) >= count, PATIENCE_S)

    def let_go(self, node: str) -> None:
        for future, answer in self._held.pop(node):
            future.set_result(answer)

    @property
    def calls(self) -> list[str]:
        """Node and call of each, in order."""
        return [f"{node} {call}" for node, call, _ in self.asked]


def _answer(payload: Any) -> Answer:
    if isinstance(payload, Exception):
        return Answer(0, error=str(payload), is_lost=isinstance(payload, TimeoutError))
    return Answer(200, simplejson.dumps([True, payload]).encode())


class InstantStore:
    """A configuration that is durable at once, or cannot be written (`failure`).

    `behind`: what is said of nodes that do not get ssconf.
    """

    def __init__(self, cfg: Config) -> None:
        self.current, self.failure = cfg, ""
        self.behind: list[str] = []
        self._writes = 0
        self._reservations = ReservationTable(lambda: self.current)

    @contextmanager
    def write(self, context: str) -> Iterator[Transaction]:
        transaction = Transaction(self.current, NOW)
        yield transaction
        if self.failure:
            raise ConfigurationError(self.failure)
        self.current = transaction.finished()
        self._writes += 1

    def push_ssconf(self) -> list[str]:
        return self.behind

    def writes_of(self, context: str) -> int:
        return self._writes

    def release(self, context: str) -> None:
        self._reservations.release(context)

    def reserve(self, context: str) -> Reservations:
        return self._reservations.of(context)


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
                self.nodes,
                lambda uuid: nodes.target(self.store.current.nodes[uuid]),
                port=PORT,
                while_waiting=workers.outside,
            ),
            store=typing.cast(ConfigStore, self.store),
            behind=dict,
        )
