# SPDX-License-Identifier: GPL-2.0-or-later
"""Bytes of any kind on a connection: whatever comes, it ends in requests, refusals or the end."""

from __future__ import annotations

import http.client
import io
import socket
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ganeti.http.channel import Closed
from ganeti.http.connection import Connection, Limits
from ganeti.http.messages import Peer, Request, Response
from test.http.clients import post

LIMITS = Limits(request_line=60, headers=120, body=50)
PIECES = st.sampled_from(
    [
        *(b"POST ", b"GET ", b"/call ", b"HTTP/1.1\r\n", b"HTTP/1.0\r\n", b"HTTP/0.9\r\n", b"\r\n"),
        *(
            b"Host: x\r\n",
            b"Content-Length: 5\r\n",
            b"Content-Length: -1\r\n",
            b"\x00",
            b"\xff" * 9,
        ),
        *(
            b"Content-Length: 99999999999999999999\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b" " * 70,
        ),
        *(
            b"5\r\nabcde\r\n",
            b"0\r\n\r\n",
            b"ffffffffff\r\n",
            b"Expect: 100-continue\r\n",
            b"X" * 200,
        ),
        *(
            b"Connection: close\r\n",
            b"Host: y\r\n",
            b"\r\n\r\n",
            b"abcde",
            b"\n",
            b": \r\n",
            b"\x16\x03",
        ),
        post(b"abcde"),
        post(b"x" * 60),
        post(version="1.0"),
        post(b"abcde", more="Connection: close\r\n"),
    ]
)
STREAMS = st.lists(PIECES | st.binary(max_size=20), max_size=12).map(b"".join)


class Tape:
    """A channel that plays what a client sends, in pieces, and keeps what it is sent."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]
        self.sent = b""
        self.is_over = False

    def handshake(self) -> str | None:
        return None

    def receive(self) -> bytes:
        if not self._pieces:
            raise Closed("end of the tape")
        return self._pieces.pop(0)

    def send(self, data: memoryview) -> int:
        """A little at a time."""
        self.sent += bytes(data[:7])
        return min(len(data), 7)

    def finish(self) -> None:
        self.is_over = True


def requests(tape: Tape, limits: Limits = LIMITS) -> Iterator[Request]:
    """What the server makes of it; each request is answered with its body."""
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        there.shutdown(socket.SHUT_WR)
        connection = Connection(here, tape, Peer("192.0.2.1", 1), limits)
        while True:
            try:
                step = connection.advance()
            except Closed:
                return
            if isinstance(step, Request):
                yield step
                connection.answer(Response(200, step.body))


def answers(sent: bytes) -> list[tuple[int, bytes]]:
    """The answers in what was sent, each of them whole; those that only say "go on" left out."""
    stream, found = io.BytesIO(sent), []
    while stream.tell() < len(sent):
        response = http.client.HTTPResponse(_Socket(stream))  # type: ignore[arg-type]
        response.begin()
        found.append((response.status, response.read()))
    return found


class _Socket:
    """A stream that stays open when one answer has been read from it."""

    def __init__(self, stream: io.BytesIO) -> None:
        self._stream = stream

    def makefile(self, *_: object) -> _Socket:
        return self

    def close(self) -> None:
        pass

    def flush(self) -> None:
        pass

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


@settings(deadline=None)
@given(STREAMS, st.lists(st.integers(1, 40), max_size=30))
@example(post(b"abcde") + post(b"x" * 60), [])
def test_every_request_is_answered_and_what_is_none_is_refused(
    stream: bytes, cuts: list[int]
) -> None:
    """However the bytes are cut, they say the same."""
    whole = Tape([stream])
    found = list(requests(whole))
    pieces = []
    rest = stream
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    cut_up = Tape([*pieces, rest])
    assert [(r.method, r.target, r.body) for r in requests(cut_up)] == [
        (r.method, r.target, r.body) for r in found
    ]
    assert all(len(r.body) <= LIMITS.body and len(r.target) <= LIMITS.request_line for r in found)
    told = answers(whole.sent)
    assert [status for status, _ in told[: len(found)]] == [200] * len(found)
    assert all(400 <= status < 600 for status, _ in told[len(found) :])
    assert len(told) - len(found) <= 1


def test_who_sends_without_an_end_lets_others_have_their_turn() -> None:
    limits = Limits(body=1 << 30)
    head = post(b"").replace(b"Content-Length: 0", b"Content-Length: 1000000000")
    tape = Tape([head, *([b"x" * 1000] * 1000)])
    here, there = socket.socketpair()
    with here, there:
        connection = Connection(here, tape, Peer("192.0.2.1", 1), limits)
        turns = 0
        with pytest.raises(Closed):
            while True:
                assert isinstance(connection.advance(), int)
                turns += 1
    assert turns > 20
