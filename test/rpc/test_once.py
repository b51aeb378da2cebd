# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that must not be carried out twice, over connections that die at any point of their life.

Between the master's transport and the node's dispatcher stands something that cuts connections.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ganeti.http.server import Server
from ganeti.node.fence import Fence
from ganeti.node.server import Dispatcher
from ganeti.rpc.runner import Pending, Rpc, RpcError, Target
from ganeti.rpc.transport import Credentials, Transport
from ganeti.schema.contract import Contract, call
from ganeti.utils.files import Disk
from test.http.clients import serving

NODE = Target("uuid", "node1.example.com", "127.0.0.1")
STEP = 23
NEVER = 1 << 30


class GardenCalls(Contract):
    @call()
    def plant(self, what: str) -> int:
        """Plant something; how many there are now."""
        raise NotImplementedError


class Garden(GardenCalls):
    """Plants at once, unless the gate is closed."""

    def __init__(self) -> None:
        self.plants: list[str] = []
        self.gate, self.begun = threading.Event(), threading.Semaphore(0)
        self.gate.set()

    def plant(self, what: str) -> int:
        self.begun.release()
        assert self.gate.wait(10)
        self.plants.append(what)
        return len(self.plants)


@dataclass(frozen=True)
class Cut:
    """After so many bytes of the requests, or of the answers, of a connection."""

    request: int = NEVER
    answer: int = NEVER


class Cutter:
    """Passes bytes on, and cuts each new connection where the next of `cuts` says."""

    def __init__(self, server: Server) -> None:
        self.cuts: list[Cut] = []
        self._passed: list[Passage] = []
        self._to = ("127.0.0.1", server.port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._listening.accept()
                cut = self.cuts.pop(0) if self.cuts else Cut()
                passage = Passage(here, socket.create_connection(self._to), cut)
                self._passed.append(passage)
                passage.start()

    def end_all(self) -> None:
        """Cut what there is now."""
        passages, self._passed = self._passed, []
        for passage in passages:
            passage.end()

    def passed(self) -> Cut:
        """How much has passed over the last connection."""
        return Cut(*self._passed[-1].counts)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.end_all()


class Passage:
    """One connection, both ways."""

    def __init__(self, here: socket.socket, there: socket.socket, cut: Cut) -> None:
        self._ends, self._most = (here, there), (cut.request, cut.answer)
        self.counts = [0, 0]

    def start(self) -> None:
        for way in (0, 1):
            threading.Thread(target=self._pass, args=(way,), daemon=True).start()

    def _pass(self, way: int) -> None:
        source, sink = self._ends[way], self._ends[1 - way]
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.counts[way] += len(data)
                sink.sendall(data[: len(data) + min(0, self._most[way] - self.counts[way])])
                if self.counts[way] >= self._most[way]:
                    break
        self.end()

    def end(self) -> None:
        for sock in self._ends:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class World:
    """A master and a node with a bad line between them."""

    def __init__(self, server: Server, garden: Garden) -> None:
        self.garden, self.cutter = garden, Cutter(server)
        self.start_master()

    def start_master(self) -> None:
        """One that has no connection, and has seen none die."""
        self._transport = Transport(Credentials("none", ("none",)))
        self._rpc = Rpc(self._transport, lambda _: NODE, port=self.cutter.port, scheme="http")

    def stop_master(self) -> None:
        self._transport.close()

    def plant(self) -> int:
        return self.begin().reply(timeout_s=20).value

    def begin(self) -> Pending[int]:
        return self._rpc.begin(NODE, GardenCalls.plant)("rose")

    def try_cuts(self, cuts: list[Cut], calls_before: int) -> list[str]:
        """What becomes of a call, for each of these cuts of its connection."""
        return [self._try(cut, calls_before) for cut in cuts]

    def _try(self, cut: Cut, calls_before: int) -> str:
        self.stop_master()
        self.start_master()
        self.cutter.cuts = [cut]
        for _ in range(calls_before):
            assert outcome(self) == "done, 1 planted"
        return outcome(self)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    garden = Garden()
    node = Dispatcher([garden], Fence(str(tmp_path / "epoch"), Disk()))
    with serving(node) as server:
        world = World(server, garden)
        yield world
        world.stop_master()
        world.cutter.close()


def outcome(world: World) -> str:
    """What the master hears of one call, and what has really happened."""
    before = len(world.garden.plants)
    try:
        heard = "done" if world.plant() == before + 1 else "nonsense"
    except RpcError as err:
        heard = "lost" if err.is_lost else "failed"
    return f"{heard}, {len(world.garden.plants) - before} planted"


def points(size: int) -> list[int]:
    """Where a message of this size is cut: everywhere, but not at every byte."""
    return [*range(1, size, STEP), size - 1]


@pytest.mark.parametrize("before", [0, 1], ids=["new", "kept alive"])
def test_a_request_that_did_not_arrive_is_not_carried_out(world: World, before: int) -> None:
    world.plant()
    size = world.cutter.passed().request
    cuts = [Cut(request=size * before + count) for count in points(size)]
    assert world.try_cuts(cuts, before) == ["lost, 0 planted"] * len(cuts)


@pytest.mark.parametrize("before", [0, 1], ids=["new", "kept alive"])
def test_an_answer_that_was_lost_is_asked_for(world: World, before: int) -> None:
    world.plant()
    size = world.cutter.passed().answer
    cuts = [Cut(answer=size * before + count) for count in points(size)]
    assert world.try_cuts(cuts, before) == ["done, 1 planted"] * len(cuts)


def test_an_answer_that_is_lost_twice_is_lost(world: World) -> None:
    world.cutter.cuts = [Cut(answer=1), Cut(answer=1)]
    assert outcome(world) == "lost, 1 planted"


def test_a_call_that_goes_on_is_waited_for(world: World) -> None:
    world.garden.gate.clear()
    pending = world.begin()
    assert world.garden.begun.acquire(timeout=10)
    world.cutter.end_all()
    with pytest.raises(TimeoutError):
        pending.reply(timeout_s=0.05)
    world.garden.gate.set()
    assert pending.reply(timeout_s=10).value == 1
    assert world.garden.plants == ["rose"]


def test_a_node_that_does_not_answer_at_all_was_not_told(world: World) -> None:
    world.cutter.close()
    assert outcome(world) == "failed, 0 planted"
