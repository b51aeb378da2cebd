# SPDX-License-Identifier: GPL-2.0-or-later
"""One client's connection: bytes in, requests out, answers in, bytes out.

`advance` goes as far as it can without waiting. A connection has one owner at a time: the listener,
or the pool thread that has its request in hand (stage WORKING).
"""

from __future__ import annotations

import select
import selectors
import socket
import time
from dataclasses import dataclass, replace
from email.utils import formatdate
from enum import Enum

import h11

from ganeti import version
from ganeti.http.channel import CHUNK, Blocked, Channel, Closed
from ganeti.http.messages import Peer, Refused, Request, Response, error_page

_SERVER = f"Ganeti {version.RELEASE}"
_CLOSE = ("Connection", "close")
NEVER = float("inf")
# A peer that sends faster than it is read comes to an end here, so that others have their turn.
_RECEIVES_A_TURN = 32


class Stage(Enum):
    """What a connection is doing."""

    HANDSHAKE = "handshake"
    IDLE = "idle"
    READING = "reading"
    WORKING = "working"
    WRITING = "writing"
    LINGERING = "lingering"


@dataclass(frozen=True)
class Limits:
    """What one client may cost: bytes, and seconds without progress."""

    request_line: int = 8192
    headers: int = 4096
    body: int = 256 * 1024 * 1024
    handshake_s: float = 5
    read_s: float = 10
    write_s: float = 10
    close_s: float = 1


class Connection:
    """State of one connection; `since` is when its stage began, `deadline` when it must move on."""

    def __init__(self, sock: socket.socket, channel: Channel, peer: Peer, limits: Limits) -> None:
        self.sock, self.peer = sock, peer
        self._channel, self._limits = channel, limits
        self._patience = {
            Stage.HANDSHAKE: limits.handshake_s,
            Stage.READING: limits.read_s,
            Stage.WRITING: limits.write_s,
            Stage.LINGERING: limits.close_s,
        }
        self._enter(Stage.HANDSHAKE)
        self._h11 = h11.Connection(
            h11.SERVER, max_incomplete_event_size=limits.request_line + limits.headers
        )
        self._head: h11.Request | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._out = memoryview(b"")
        self._last = False
        self._receives_left = 0
        self._steps = {
            Stage.HANDSHAKE: self._handshake,
            Stage.IDLE: self._read,
            Stage.READING: self._read,
            Stage.WRITING: self._write,
            Stage.LINGERING: self._linger,
        }

    def advance(self) -> Request | int:
        """A whole request, or the events to wait for. `Closed` when the connection is over."""
        self._receives_left = _RECEIVES_A_TURN
        while True:
            try:
                request = self._steps[self.stage]()
            except Blocked as blocked:
                return blocked.events
            except Refused as refused:
                self.answer(error_page(refused.status, refused.explain), last=True)
                continue
            if request is not None:
                return request

    def answer(self, response: Response, *, last: bool = False) -> None:
        """Queue an answer; `last` closes the connection after it."""
        body = response.body
        own = (("Date", formatdate(usegmt=True)), ("Server", _SERVER))
        length = ("Content-Length", str(len(body)))
        headers = [*response.headers, *((_CLOSE,) if last else ()), *own, length]
        out = self._h11.send(h11.Response(status_code=response.status, headers=headers)) or b""
        if self._head is None or self._head.method != b"HEAD":
            out += self._h11.send(h11.Data(data=body)) or b""
        self._h11.send(h11.EndOfMessage())
        self._out = memoryview(bytes(self._out) + out)
        self._last = last or self._h11.our_state is not h11.DONE
        self._enter(Stage.WRITING)

    def is_abandoned(self) -> bool:
        """The client has hung up: nobody waits for the answer."""
        poll = select.poll()
        poll.register(self.sock, select.POLLRDHUP)
        return bool(poll.poll(0))

    def is_overdue(self, now: float) -> bool:
        return now >= self.deadline

    def _enter(self, stage: Stage) -> None:
        self.stage, self.since = stage, time.monotonic()
        self._progress()

    def _progress(self) -> None:
        self.deadline = time.monotonic() + self._patience.get(self.stage, NEVER)

    def _handshake(self) -> None:
        self.peer = replace(self.peer, digest=self._channel.handshake())
        self._enter(Stage.IDLE)

    def _read(self) -> Request | None:
        event = self._next_event()
        if event is h11.NEED_DATA:
            self._receive()
        elif isinstance(event, h11.Request):
            self._begin(event)
        elif isinstance(event, h11.Data):
            self._take(event.data)
        elif isinstance(event, h11.EndOfMessage):
            return self._whole()
        else:
            raise Closed("end of file")
        return None

    def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            return self._h11.next_event()
        except h11.RemoteProtocolError as err:
            raise Refused(err.error_status_hint, str(err)) from None

    def _receive(self) -> None:
        if self._h11.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[])
            self._out = memoryview(self._h11.send(go_on) or b"")
        if self._out:
            self._flush()
        if not self._receives_left:
            raise Blocked(selectors.EVENT_READ)
        self._receives_left -= 1
        data = self._channel.receive()
        if self.stage is Stage.IDLE:
            self._enter(Stage.READING)
        elif self._head is not None:
            self._progress()
        self._h11.receive_data(data)

    def _begin(self, head: h11.Request) -> None:
        """Check the head; only a body that goes on arriving extends the time from here."""
        self._head, limits = head, self._limits
        if len(head.method) + len(head.target) + len(b"  HTTP/1.1") > limits.request_line:
            raise Refused(414, f"the request line is longer than {limits.request_line} bytes")
        if sum(len(name) + len(value) + 4 for name, value in head.headers) > limits.headers:
            raise Refused(431, f"the headers are longer than {limits.headers} bytes")
        length = next((value for name, value in head.headers if name == b"content-length"), b"0")
        self._check_size(int(length))

    def _take(self, data: bytes) -> None:
        self._body.append(bytes(data))
        self._size += len(data)
        self._check_size(self._size)

    def _check_size(self, size: int) -> None:
        if size > self._limits.body:
            raise Refused(413, f"the body is longer than {self._limits.body} bytes")

    def _whole(self) -> Request:
        assert self._head is not None
        self._enter(Stage.WORKING)
        body, self._body, self._size = b"".join(self._body), [], 0
        return Request(
            method=self._head.method.decode("ascii"),
            target=self._head.target.decode("latin-1"),
            headers={n.decode("ascii"): v.decode("latin-1") for n, v in self._head.headers},
            body=body,
            peer=self.peer,
            version=self._head.http_version.decode("ascii"),
        )

    def _flush(self) -> None:
        while self._out:
            self._out = self._out[self._channel.send(self._out) :]
            self._progress()

    def _write(self) -> None:
        self._flush()
        if self._last:
            self._channel.finish()
            self._enter(Stage.LINGERING)
        else:
            self._head = None
            self._h11.start_next_cycle()
            self._enter(Stage.READING if self._h11.trailing_data[0] else Stage.IDLE)

    def _linger(self) -> None:
        """Read what is still on its way: closing over it would reset the connection under the answer."""
        try:
            if not self.sock.recv(CHUNK):
                raise Closed("end of file")
        except BlockingIOError:
            raise Blocked(selectors.EVENT_READ) from None
        except OSError as err:
            raise Closed(str(err)) from None
