# SPDX-License-Identifier: GPL-2.0-or-later
"""The socket: who is answered, over both protocols, and from where the answers come."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from ganeti.confd.server import Server
from test.support import confd
from test.support.confd import ConfdWorld

PATIENCE_S = 10


@contextlib.contextmanager
def serving(reply: Callable[[bytes], bytes | None], address: str = "127.0.0.1") -> Iterator[Server]:
    server = Server(address, 0, reply)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


@contextlib.contextmanager
def client(server: Server, address: str = "127.0.0.1") -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as made:
        made.settimeout(PATIENCE_S)
        made.connect((address, server.port))
        yield made


@pytest.mark.parametrize(
    ("bound", "asked"),
    [
        *(("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")),
        *(("::1", "::1"), ("::", "::1"), ("::", "127.0.0.1")),
    ],
)
def test_answers_over_both_protocols(bound: str, asked: str) -> None:
    world = ConfdWorld()
    with serving(world.responder.reply, bound) as server, client(server, asked) as asking:
        asking.send(confd.request(3))
        assert confd.opened(asking.recv(61440))[1]["answer"] == "master.lab"


def test_what_gets_no_answer_keeps_nobody_else_waiting() -> None:
    world = ConfdWorld()
    with serving(world.responder.reply) as server, client(server) as asking:
        for data in (b"", b"garbage", b"plj0{}", b"plj0" + b"[" * 60_000):
            asking.send(data)
        asking.send(confd.request(0))
        assert confd.opened(asking.recv(61440))[1]["answer"] == 3000000


def test_many_at_once_are_all_answered() -> None:
    with serving(lambda data: data) as server, client(server) as asking:
        sent = {b"%d" % number for number in range(100)}
        for data in sent:
            asking.send(data)
        assert {asking.recv(100) for _ in sent} == sent


def test_a_sender_that_is_gone_does_not_matter() -> None:
    with serving(lambda data: data) as server:
        for _ in range(20):
            with client(server) as gone:
                gone.send(b"x")
        with client(server) as asking:
            asking.send(b"y")
            assert asking.recv(100) == b"y"


def test_what_the_kernel_refuses_to_send_is_lost() -> None:
    with serving(lambda data: data * 70_000 if data == b"x" else data) as server:
        with client(server) as asking:
            asking.send(b"x")
            asking.send(b"y")
            assert asking.recv(100) == b"y"


def test_it_may_be_stopped_before_and_after() -> None:
    server = Server("127.0.0.1", 0, lambda data: data)
    server.stop()
    server.serve()
    server.stop()


class Opened:
    """Notes the files that this process opens; an audit hook stays, so there is one for all."""

    def __init__(self) -> None:
        self.paths: list[object] | None = None
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.paths is not None and event in ("open", "os.listdir", "os.scandir"):
            self.paths.append(arguments[0])

    @contextlib.contextmanager
    def noted(self) -> Iterator[list[object]]:
        self.paths = []
        yield self.paths
        self.paths = None


OPENED = Opened()
QUESTIONS = [
    *((0, None), (1, "master.lab"), (2, {"1": "192.0.2.1"}), (2, {"2": ["192.0.2.1"]}), (3, None)),
    *((3, {"3": [0, 1, 2]}), (4, None), (5, None), (6, None), (7, "master.lab")),
    *((8, "master.lab"), (9, "web.lab"), (10, "/cluster"), (11, None), (1, "nobody"), (2, None)),
]


def test_answers_come_from_memory_alone() -> None:
    world = ConfdWorld()
    with (
        serving(world.responder.reply) as server,
        client(server) as asking,
        OPENED.noted() as paths,
    ):
        for kind, query in QUESTIONS:
            asking.send(confd.request(kind, query))
            confd.opened(asking.recv(61440))
    assert paths == []
    with OPENED.noted() as paths, open("/dev/null"):
        pass
    assert paths == ["/dev/null"]  # it would have been seen
