# SPDX-License-Identifier: GPL-2.0-or-later
"""Asks the confds of a cluster; for the product itself and for programs of others.

    def told(upcall):
        if upcall.type is UpcallType.REPLY:
            print(upcall.server_ip, upcall.server_reply.answer)

    with client.from_ssconf(told) as confd:
        salt = confd.send(request(RequestType.NODE_ROLE_BYNAME, "node1.example.com"))
        confd.wait_for_reply(salt)

A request goes to several servers at once, and nothing waits for anything: `callback` is called, inside
`process`, with each reply, and when the time of a request is over. Who has a loop of his own polls
`fileno` and calls `process` when there is something to read, and after `pause_s`. Datagrams can be lost,
so servers that are silent are asked again. Servers differ for a moment after a change:
`ganeti.confd.callbacks` finds the newest answer. One thread uses a client.
"""

from __future__ import annotations

import logging
import random
import select
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple, Self

from ganeti import paths
from ganeti.confd import packet
from ganeti.confd.packet import Key, Message
from ganeti.contracts.confd import Reply, Request
from ganeti.errors import ConfdClientError, UdpDataSizeError
from ganeti.ssconf import Ssconf
from ganeti.utils import net
from ganeti.utils.clock import Clock

log = logging.getLogger(__name__)

DAEMON = "ganeti-confd"
DEFAULT_COVERAGE = 6
ALL_PEERS = -1
EXPIRE_S = 10.0
FIRST_RETRY_S = 1.0


class UpcallType(IntEnum):
    """Why the callback is called."""

    REPLY = 1
    EXPIRE = 2


class Upcall(NamedTuple):
    """What the callback is told. `EXPIRE` comes once for every request, and has no server."""

    type: UpcallType
    salt: str
    orig_request: Request
    extra_args: Any
    client: ConfdClient
    server_ip: str | None = None
    server_port: int | None = None
    server_reply: Reply | None = None


Callback = Callable[[Upcall], None]


class Waited(NamedTuple):
    """How waiting ended, and to how many servers the request went, and how many answered."""

    timed_out: bool
    sent: int
    received: int


@dataclass
class _Sent:
    """A request on its way. `silent` are the servers that have not answered, `heard` those that have."""

    request: Request
    args: Any
    data: bytes
    count: int
    silent: set[str]
    expires_s: float
    retry_s: float
    pause_s: float = FIRST_RETRY_S
    heard: set[str] = field(default_factory=set)


class ConfdClient:
    """A UDP socket, and the requests that it has sent."""

    def __init__(
        self,
        key: Key,
        peers: Sequence[str],
        callback: Callback,
        *,
        port: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._key, self._callback = key, callback
        self._port = net.daemon_port(DAEMON) if port is None else port
        self._clock = clock or Clock()
        self._requests: dict[str, _Sent] = {}
        self._family = _family(peers)
        self.peers = tuple(dict.fromkeys(peers))
        self._socket = socket.socket(self._family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def update_peers(self, peers: Sequence[str]) -> None:
        """The servers for requests from now on; of the address family of the first ones."""
        if _family(peers) != self._family:
            raise ConfdClientError("new peers must be of the address family of the old ones")
        self.peers = tuple(dict.fromkeys(peers))

    def send(self, request: Request, *, args: Any = None, coverage: int = 0) -> str:
        """Send a request to so many servers, chosen by chance; returns its salt.

        Coverage 0 is up to six, -1 all of them. `args` are for the callback.
        """
        if not request.rsalt or request.rsalt in self._requests:
            raise ConfdClientError(f"a request needs a salt of its own, not '{request.rsalt}'")
        servers = set(random.sample(self.peers, self._coverage(coverage)))
        salt = packet.time_salt(self._clock.now())
        data = packet.pack(self._key, salt, Message.of(request.encode()))
        if len(data) > packet.MOST_BYTES:
            raise UdpDataSizeError(
                f"a request has {len(data)} bytes, {packet.MOST_BYTES} are allowed; ask for less"
            )
        now = self._clock.monotonic()
        sent = _Sent(
            request, args, data, len(servers), servers, now + EXPIRE_S, now + FIRST_RETRY_S
        )
        self._requests[request.rsalt] = sent
        self._send_to_silent(sent)
        return request.rsalt

    def _coverage(self, wanted: int) -> int:
        known = len(self.peers)
        if wanted == 0:
            return min(known, DEFAULT_COVERAGE)
        count = known if wanted == ALL_PEERS else wanted
        if not 0 < count <= known:
            raise ConfdClientError(f"{wanted} servers cannot be asked, {known} are known")
        return count

    def _send_to_silent(self, sent: _Sent) -> None:
        for server in sent.silent:
            try:
                self._socket.sendto(sent.data, (server, self._port))
            except OSError as err:
                log.debug("cannot ask %s: %s", server, err)

    def fileno(self) -> int:
        """What to poll for reading."""
        return self._socket.fileno()

    def pause_s(self) -> float | None:
        """After this time `process` has something to do even if nothing comes; None: never."""
        times = [min(sent.retry_s, sent.expires_s) for sent in self._requests.values()]
        return max(0.0, min(times) - self._clock.monotonic()) if times else None

    def process(self) -> None:
        """Take what has come, ask again, let requests expire; never waits."""
        while (datagram := self._received()) is not None:
            self._take(*datagram)
        now = self._clock.monotonic()
        self._expire(now)
        for sent in self._requests.values():
            if now >= sent.retry_s:
                sent.retry_s, sent.pause_s = now + 2 * sent.pause_s, 2 * sent.pause_s
                self._send_to_silent(sent)

    def _expire(self, now: float) -> None:
        """Callbacks may send and process, too."""
        for salt in [salt for salt, sent in self._requests.items() if now >= sent.expires_s]:
            if sent := self._requests.pop(salt, None):
                self._call(UpcallType.EXPIRE, sent)

    def _received(self) -> tuple[bytes, str, int] | None:
        try:
            data, (address, port, *_) = self._socket.recvfrom(packet.MOST_BYTES)
        except OSError:  # nothing there, or word that nothing is to be had from some server
            return None
        return data, address, port

    def _take(self, data: bytes, address: str, port: int) -> None:
        """A reply counts once for each server, though it may have been asked again."""
        signed = packet.unpack(self._key, data)
        sent = self._requests.get(signed.salt) if signed else None
        reply = Reply.decode(signed.msg) if signed else None
        if sent is None or reply is None or address in sent.heard:
            log.debug("a datagram of %s is no answer", address)
            return
        sent.heard.add(address)
        sent.silent.discard(address)
        self._call(UpcallType.REPLY, sent, address, port, reply)

    def _call(
        self,
        kind: UpcallType,
        sent: _Sent,
        server: str | None = None,
        port: int | None = None,
        reply: Reply | None = None,
    ) -> None:
        salt = sent.request.rsalt
        self._callback(Upcall(kind, salt, sent.request, sent.args, self, server, port, reply))

    def receive(self, timeout_s: float) -> bool:
        """Process what comes within the time; whether something came."""
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        deadline = self._clock.monotonic() + timeout_s
        while True:
            left = deadline - self._clock.monotonic()
            pause = self.pause_s()
            step = left if pause is None else min(left, pause)
            came = bool(waiting.poll(max(0, step) * 1000))
            self.process()
            if came or self._clock.monotonic() >= deadline:
                return came

    def wait_for_reply(self, salt: str, timeout_s: float = EXPIRE_S) -> Waited:
        """Process until enough servers have answered: all of two, most of more."""
        sent = self._requests.get(salt)
        if sent is None:
            raise ConfdClientError(f"there is no request '{salt}' on its way")
        deadline = self._clock.monotonic() + timeout_s
        while len(sent.heard) < enough(sent.count) and salt in self._requests:
            left = deadline - self._clock.monotonic()
            if left <= 0:
                break
            self.receive(left)
        heard = len(sent.heard)
        return Waited(heard < enough(sent.count), sent.count, heard)

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _family(peers: Sequence[str]) -> int:
    families = {net.family_of(peer) for peer in peers}
    if len(families) != 1:
        wrong = "are of several address families" if families else "are none"
        raise ConfdClientError(f"the peers to ask {wrong}")
    return families.pop()


def enough(sent: int) -> int:
    """How many of so many servers are to answer before one goes on."""
    if sent < 3:
        return sent
    return sent - 1 if sent < 5 else sent // 2 + 1


def from_ssconf(callback: Callback, places: paths.Paths = paths.DEFAULT) -> ConfdClient:
    """A client of the cluster that this node belongs to: it asks the master candidates."""
    key = packet.read_key(places.hmac_key)
    return ConfdClient(key, Ssconf(places).lines("master_candidates_ips"), callback)
