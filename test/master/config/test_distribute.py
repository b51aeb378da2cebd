# SPDX-License-Identifier: GPL-2.0-or-later
"""One compressed body for all candidates, and made of pieces that are compressed once."""

from __future__ import annotations

import json
import zlib
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti.contracts.node.packed import Packed
from ganeti.master.config import distribute
from ganeti.master.config.distribute import (
    Compressor,
    ConfigTransport,
    Content,
    SsconfTransport,
)
from ganeti.rpc.runner import Deposed, Rpc, Target
from ganeti.rpc.transport import Answer, Request


@given(st.lists(st.lists(st.binary(max_size=70000), max_size=4), min_size=1, max_size=3))
def test_the_stream_is_the_text(generations: list[list[bytes]]) -> None:
    compressor = Compressor()
    for pieces in generations:
        assert zlib.decompress(compressor.compress(pieces)) == b"".join(pieces)


def test_a_piece_is_compressed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compressor = Compressor()
    pieces = [b"a" * 1000, b"b" * 1000]
    first = compressor.compress(pieces)
    monkeypatch.setattr(distribute, "_Piece", None)
    assert compressor.compress(pieces) == first
    with pytest.raises(AttributeError):
        compressor.compress([b"c"])


class FakeCarrier:
    """Answers every request at once."""

    def __init__(self, status: int, body: bytes) -> None:
        self.requests: list[Request] = []
        self._answer = Answer(status, body)

    def send(self, request: Request) -> Future[Answer]:
        self.requests.append(request)
        future: Future[Answer] = Future()
        future.set_result(self._answer)
        return future


def an_rpc(carrier: FakeCarrier) -> Rpc:
    return Rpc(carrier, lambda uuid: Target(uuid, "n2", "192.0.2.2"), port=1811)


def failure_of(status: int, body: bytes, content: Any) -> tuple[Exception | None, FakeCarrier]:
    carrier = FakeCarrier(status, body)
    failures: list[Exception | None] = []
    transport: Any = SsconfTransport(an_rpc(carrier))
    if isinstance(content, Content):
        transport = ConfigTransport(an_rpc(carrier), user="u", group="g", now=lambda: 5.0)
    transport.send("uuid", content, failures.append)
    assert len(failures) == 1
    return failures[0], carrier


def test_a_candidate_gets_the_whole_file() -> None:
    data = b"x" * 2000
    failure, carrier = failure_of(200, b"[true, null]", Content(data, zlib.compress(data)))
    assert failure is None
    (request,) = carrier.requests
    assert request.url.endswith("/upload_file")
    assert request.repeatable
    ((path, packed, *rest),) = json.loads(request.body)
    assert path == "/var/lib/ganeti/config.data"
    assert Packed.from_raw(packed).data == data
    assert rest == [0o640, "u", "g", 5.0, 5.0]


def test_what_many_get_is_encoded_once() -> None:
    carrier = FakeCarrier(200, b"[true, null]")
    data, values = b"x" * 2000, {"master_ip": "192.0.2.9"}
    content = Content(data, zlib.compress(data))
    transport = ConfigTransport(an_rpc(carrier), user="u", group="g", now=lambda: 5.0)
    for _ in range(2):
        transport.send("uuid", content, lambda _error: None)
    ssconf = SsconfTransport(an_rpc(carrier))
    for _ in range(2):
        ssconf.send("uuid", values, lambda _error: None)
    ssconf.send("uuid", {**values, "master_ip": "192.0.2.10"}, lambda _error: None)
    first, second, third, fourth, last = (request.body for request in carrier.requests)
    assert first is second
    assert third is fourth
    assert json.loads(last) == [{"master_ip": "192.0.2.10"}]


def test_a_node_gets_all_values_of_ssconf() -> None:
    failure, carrier = failure_of(200, b"[true, null]", {"master_ip": "192.0.2.9"})
    assert failure is None
    assert carrier.requests[0].body == b'[{"master_ip":"192.0.2.9"}]'


def test_a_refusal_is_a_failure() -> None:
    failure, _ = failure_of(200, b'[false, "disk full"]', {})
    assert str(failure) == "disk full"


def test_a_newer_master_is_recognized() -> None:
    failure, _ = failure_of(412, b"<p>n2 obeys n3</p>", {})
    assert isinstance(failure, Deposed)
