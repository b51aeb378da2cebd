# SPDX-License-Identifier: GPL-2.0-or-later
"""Many HTTPS requests at once: one multi handle of libcurl, one I/O thread, kept-alive connections.

libcurl is driven by its socket callbacks and epoll (its `select` ends at descriptor 1024). The multi
handle, the epoll object and all transfers belong to the I/O thread; requests come in through a queue
and leave as futures.

libcurl sends a POST again without a word when a kept-alive connection dies under it. So the body of a
call that must not be repeated is given to it once, piece by piece, and cannot be had again: it fails
then, and the node is asked what became of the call (`ganeti.contracts.node.once`). And libcurl may take a
connection that the server has closed for a good one: idle ones are watched here, and when one is closed,
all that are older are not used any more.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import io
import ipaddress
import logging
import math
import os
import resource
import secrets
import select
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import pycurl

from ganeti import version
from ganeti.contracts.node.once import HEADER, CallName

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5
# A peer that lost its power is noticed so soon, however long the call may take.
SILENCE_S = 20
_KEEPALIVE_S = 5
_IDLE_AGE_S = 24 * 3600
_MAX_IDLE = 2048
_RESERVED_DESCRIPTORS = 128
_SPARE_HANDLES = 32
CLOCK_DRIFT = 0.999
"""libcurl may go by the clock that nobody corrects; rather too few old connections are used than one."""
# A thousand handshakes begun in one breath would all run into their connect timeout.
_STARTS_A_ROUND = 16
_OK, _FORBIDDEN = 200, 403
# The older name is deprecated where there is the newer one.
_LENGTH = getattr(pycurl, "CONTENT_LENGTH_DOWNLOAD_T", None) or pycurl.CONTENT_LENGTH_DOWNLOAD

_EPOLL_EVENTS = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}


@dataclass(frozen=True)
class Request:
    """One POST. The body may be shared with other requests; nobody copies it."""

    url: str
    body: bytes
    timeout_s: float
    repeatable: bool = False
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What came back: a status and a body, or status 0 and the reason why nothing did.

    `is_lost`: nobody here knows whether the request was carried out.
    """

    status: int
    body: bytes = b""
    error: str = ""
    is_lost: bool = False


_CLOSED = Answer(0, error="the caller is shutting down")


@dataclass(frozen=True)
class Credentials:
    """The certificate of the cluster, and the caller's own (the first file that is there)."""

    ca_file: str
    own: Sequence[str]

    def chosen(self) -> str:
        return next(filter(os.path.exists, self.own), self.own[-1])


class _Transfer:
    """A request on its way, with the libcurl handle that carries it."""

    def __init__(self, request: Request, future: Future[Answer]) -> None:
        self.request, self.future = request, future
        self.name = None if request.repeatable else CallName(secrets.token_hex(8))
        self.body = io.BytesIO()
        self.fresh = False
        self.ends_at = math.inf
        self.handle: Any = None

    def seconds_left(self) -> float:
        """For this attempt; the first one begins the time of all."""
        now = time.monotonic()
        self.ends_at = min(self.ends_at, now + self.request.timeout_s)
        return self.ends_at - now

    @property
    def is_asked_for(self) -> bool:
        """A connection died over the call; what is not an answer to it leaves open what became of it."""
        return self.name is not None and self.name.again

    def begin_again(self) -> None:
        """Nothing of the first attempt is left but the name of the call."""
        self.fresh, self.body = True, io.BytesIO()


class Transport:
    """Sends requests; its thread runs from the constructor to `close`.

    The gate is a lock that lets nothing into the queue once it is closed.
    """

    def __init__(self, credentials: Credentials, *, max_connections: int | None = None) -> None:
        self._credentials = credentials
        self._queue: collections.deque[_Transfer] = collections.deque()
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._gate, self._closing = threading.Lock(), False
        self._timer: float | None = None
        self._spare: list[Any] = []
        self._epoll = select.epoll()
        self._epoll.register(self._wakeup, select.EPOLLIN)
        self._idle: dict[int, str] = {}
        self._closed_at: dict[str, float] = {}
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        # Out of descriptors, TLS libraries crash rather than fail: more calls than these wait.
        limit = max_connections or _descriptors_for_calls()
        self._multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, limit)
        self._multi.setopt(pycurl.M_MAXCONNECTS, min(limit, _MAX_IDLE))
        self._running: set[_Transfer] = set()
        self._thread = threading.Thread(target=self._run, name="Transport", daemon=True)
        self._thread.start()

    def send(self, request: Request) -> Future[Answer]:
        """Start a request. The future never fails: what went wrong is in the answer."""
        future: Future[Answer] = Future()
        with self._gate:
            if self._closing:
                future.set_result(_CLOSED)
            else:
                self._queue.append(_Transfer(request, future))
                self._wake()
        return future

    def close(self) -> None:
        """End the thread; what is on its way is given up."""
        with self._gate:
            if self._closing:
                return
            self._closing = True
            self._wake()
        self._thread.join()

    def _wake(self) -> None:
        os.eventfd_write(self._wakeup, 1)

    # The I/O thread.

    def _run(self) -> None:
        try:
            while not self._closing:
                self._turn()
        finally:
            self._abandon()

    def _turn(self) -> None:
        for descriptor, events in self._epoll.poll(self._wait_s()):
            if descriptor == self._wakeup:
                os.eventfd_read(self._wakeup)
            elif descriptor in self._idle:
                self._notice_closed(descriptor)
            else:
                self._multi.socket_action(descriptor, _action(events))
        for _ in range(min(len(self._queue), _STARTS_A_ROUND)):
            self._begin(self._queue.popleft())
        if self._timer is not None and time.monotonic() >= self._timer:
            self._timer = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        self._collect()

    def _wait_s(self) -> float | None:
        if self._queue:
            return 0
        return None if self._timer is None else max(0.0, self._timer - time.monotonic())

    def _on_timer(self, delay_ms: int) -> None:
        self._timer = None if delay_ms < 0 else time.monotonic() + delay_ms / 1000

    def _on_socket(self, what: int, descriptor: int, _multi: Any, _data: Any) -> None:
        if what == pycurl.POLL_REMOVE:
            with contextlib.suppress(OSError):  # libcurl has closed it
                self._epoll.modify(descriptor, select.EPOLLRDHUP)
                self._idle[descriptor] = _peer(descriptor)
        else:
            self._idle.pop(descriptor, None)
            self._watch(descriptor, _EPOLL_EVENTS[what])

    def _watch(self, descriptor: int, events: int) -> None:
        try:
            self._epoll.modify(descriptor, events)
        except FileNotFoundError:
            self._epoll.register(descriptor, events)

    def _notice_closed(self, descriptor: int) -> None:
        """A connection that waited for its next call is closed: the server has perhaps ended."""
        with contextlib.suppress(OSError):  # libcurl has closed it too
            self._epoll.unregister(descriptor)
        self._closed_at[self._idle.pop(descriptor)] = time.monotonic()

    def _begin(self, transfer: _Transfer) -> None:
        handle = transfer.handle = self._spare.pop() if self._spare else pycurl.Curl()
        handle.transfer = transfer
        try:
            _prepare(handle, transfer, self._credentials)
            self._set_age(handle, transfer)
        except (pycurl.error, ValueError) as err:
            handle.close()
            error = f"cannot call {transfer.request.url}: {err}"
            transfer.future.set_result(Answer(0, error=error, is_lost=transfer.is_asked_for))
            return
        self._running.add(transfer)
        self._multi.add_handle(handle)

    def _set_age(self, handle: Any, transfer: _Transfer) -> None:
        """Which connections may be used: those made since one to the same host was closed.

        libcurl counts whole seconds, and 0 means any age; so at first a new connection is made.
        """
        closed_at = self._closed_at.get(_host(transfer.request.url), -math.inf)
        age_s = (time.monotonic() - closed_at - 1) * CLOCK_DRIFT
        transfer.fresh |= age_s < 1
        handle.setopt(pycurl.FRESH_CONNECT, transfer.fresh)
        if 1 <= age_s < math.inf:
            handle.setopt(pycurl.MAXLIFETIME_CONN, int(age_s))

    def _collect(self) -> None:
        more = 1
        while more:
            more, succeeded, failed = self._multi.info_read()
            for handle in succeeded:
                if handle.getinfo(_LENGTH) < 0:
                    failed.append((handle, pycurl.E_PARTIAL_FILE, "the answer is cut off"))
                else:
                    self._end(handle.transfer, Answer(handle.getinfo(pycurl.RESPONSE_CODE)))
            for handle, code, text in failed:
                # libcurl may keep the connection on which a call failed.
                self._closed_at[_host(handle.transfer.request.url)] = time.monotonic()
                self._fail(handle.transfer, code, text)

    def _fail(self, transfer: _Transfer, code: int, text: str) -> None:
        """The connection may have died on a call that is being carried out: ask what becomes of it."""
        name = transfer.name
        was_sent = transfer.handle.getinfo(pycurl.REQUEST_SIZE) > 0
        if name and not name.again and was_sent and code != pycurl.E_OPERATION_TIMEDOUT:
            self._release(transfer)
            transfer.name = replace(name, again=True)
            self._begin_again(transfer)
            return
        self._end(transfer, Answer(0, error=_told(code, text), is_lost=was_sent))

    def _begin_again(self, transfer: _Transfer) -> None:
        transfer.begin_again()
        self._begin(transfer)

    def _release(self, transfer: _Transfer) -> None:
        """The handle of a transfer that has ended serves others."""
        handle = transfer.handle
        self._multi.remove_handle(handle)
        self._running.discard(transfer)
        handle.transfer = transfer.handle = None
        handle.reset()
        if len(self._spare) < _SPARE_HANDLES:
            self._spare.append(handle)

    def _end(self, transfer: _Transfer, answer: Answer) -> None:
        self._release(transfer)
        if answer.status == _FORBIDDEN and not transfer.fresh:
            # The connection may have shown a certificate that was renewed since; nothing was executed.
            self._begin_again(transfer)
            return
        is_lost = answer.is_lost or (transfer.is_asked_for and answer.status != _OK)
        transfer.future.set_result(replace(answer, body=transfer.body.getvalue(), is_lost=is_lost))

    def _abandon(self) -> None:
        with self._gate:
            self._closing = True
        for transfer in self._running:
            self._multi.remove_handle(transfer.handle)
            transfer.handle.close()
        for transfer in (*self._running, *self._queue):
            transfer.future.set_result(_CLOSED)
        self._multi.close()
        self._epoll.close()
        os.close(self._wakeup)


def _descriptors_for_calls() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(soft - _RESERVED_DESCRIPTORS, soft // 2)


def _told(code: int, text: str) -> str:
    if code == pycurl.E_SEND_FAIL_REWIND:
        return "the connection broke; whether the call was carried out is not known"
    return text or f"libcurl error {code}"


def _action(events: int) -> int:
    action = 0
    if events & select.EPOLLIN:
        action |= pycurl.CSELECT_IN
    if events & select.EPOLLOUT:
        action |= pycurl.CSELECT_OUT
    if events & (select.EPOLLERR | select.EPOLLHUP):
        action |= pycurl.CSELECT_ERR
    return action


def _prepare(handle: Any, transfer: _Transfer, credentials: Credentials) -> None:
    request = transfer.request
    handle.setopt(pycurl.NOSIGNAL, 1)
    handle.setopt(pycurl.PROXY, "")
    handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    handle.setopt(pycurl.USERAGENT, f"Ganeti {version.RELEASE}")
    handle.setopt(pycurl.URL, request.url)
    if request.repeatable:
        handle.setopt(pycurl.POSTFIELDS, request.body)
    else:
        handle.setopt(pycurl.POST, 1)
        handle.setopt(pycurl.POSTFIELDSIZE_LARGE, len(request.body))
        handle.setopt(pycurl.READFUNCTION, io.BytesIO(request.body).read)
    named = (f"{HEADER}: {transfer.name.header()}",) if transfer.name else ()
    handle.setopt(
        pycurl.HTTPHEADER, ["Content-Type: application/json", "Expect:", *named, *request.headers]
    )
    handle.setopt(pycurl.WRITEFUNCTION, transfer.body.write)
    handle.setopt(pycurl.CONNECTTIMEOUT, CONNECT_TIMEOUT_S)
    handle.setopt(pycurl.TIMEOUT_MS, max(1, int(transfer.seconds_left() * 1000)))
    handle.setopt(pycurl.MAXAGE_CONN, _IDLE_AGE_S)
    handle.setopt(pycurl.SOCKOPTFUNCTION, _notice_silence)
    _prepare_tls(handle, credentials)


def _prepare_tls(handle: Any, credentials: Credentials) -> None:
    """The peer must show the cluster's certificate; its name says nothing, all nodes share it."""
    own = credentials.chosen()
    handle.setopt(pycurl.CAINFO, credentials.ca_file)
    handle.unsetopt(pycurl.CAPATH)  # GnuTLS builds would trust, and load, the system's authorities
    handle.setopt(pycurl.SSLCERT, own)
    handle.setopt(pycurl.SSLKEY, own)
    handle.setopt(pycurl.SSL_VERIFYPEER, 1)
    handle.setopt(pycurl.SSL_VERIFYHOST, 0)
    handle.setopt(pycurl.SSL_SESSIONID_CACHE, 0)
    handle.setopt(pycurl.SSL_ENABLE_ALPN, 0)


def _notice_silence(descriptor: int, _purpose: int) -> int:
    with _borrowed(descriptor) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_S * 1000)
    return 0


def _peer(descriptor: int) -> str:
    """The host at the other end; none when it has reset the connection."""
    with contextlib.suppress(OSError), _borrowed(descriptor) as sock:
        return str(sock.getpeername()[0])
    return ""


@functools.lru_cache(maxsize=_MAX_IDLE)
def _host(url: str) -> str:
    host = urlsplit(url).hostname or ""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


@contextlib.contextmanager
def _borrowed(descriptor: int) -> Iterator[socket.socket]:
    """A socket of libcurl's, which keeps the descriptor."""
    sock = socket.socket(fileno=descriptor)
    try:
        yield sock
    finally:
        sock.detach()
