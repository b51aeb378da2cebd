# SPDX-License-Identifier: GPL-2.0-or-later
"""The HTTP/1.1 server of the node daemon and of the remote API.

One listener thread does everything that can wait for a client: it accepts, shakes hands, reads whole
requests and finishes what could not be written at once. A whole request goes to a pool thread. So
slow, half-open or talkative strangers cost a descriptor, never a thread; at most `max_clients`
requests are in progress and the others wait, accepted and unanswered, but for urgent ones: those have
a thread of their own.

The selector and the tables belong to the listener thread. While a pool thread has a connection, it
is in `_working`; it comes back through `_returned`, the only door between them.
"""

from __future__ import annotations

import collections
import errno
import logging
import os
import resource
import selectors
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from ganeti.http import door
from ganeti.http.channel import Closed, PlainChannel, TlsChannel, TlsSettings
from ganeti.http.connection import NEVER, Connection, Limits, Stage
from ganeti.http.messages import Peer, Request, Response, error_page
from ganeti.utils import net

log = logging.getLogger(__name__)

Handler = Callable[[Request], Response]
Authorize = Callable[[Request], str | Response]
Task = tuple[Request, Future[None]]

BACKLOG = 1024
# So many, but no more than half of all connections; what a handshake needs is made when its client speaks.
PENDING_HANDSHAKES = 1024
# Of what strangers ask for, one turn of the listener does so much: clients do not wait for them.
ACCEPTS_A_TURN = 64
HANDSHAKES_A_TURN = 4
# Descriptors that are left to the rest of the daemon.
RESERVED_DESCRIPTORS = 128
_SWEEP_S = 0.5
_SHORT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


def listening_socket(address: str, port: int) -> socket.socket:
    """A bound socket; the address decides the family. Raises IPAddressError."""
    sock = socket.socket(net.family_of(address), socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with net.binding(address, port):
            sock.bind((address, port))
            sock.listen(BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _never(_request: Request) -> bool:
    return False


def _descriptors_for_clients() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(soft - RESERVED_DESCRIPTORS, soft // 2)


class Server:
    """Listens from the constructor on; `start` begins to serve, `stop` finishes what is begun.

    `authorize` is asked before every request and names the principal or refuses with an answer. A
    request that `is_urgent` does not wait for its turn, even if all the others hang.
    """

    def __init__(
        self,
        address: str,
        port: int,
        tls: TlsSettings | None,
        handler: Handler,
        authorize: Authorize,
        *,
        max_clients: int = 20,
        max_connections: int | None = None,
        max_handshakes: int = PENDING_HANDSHAKES,
        limits: Limits | None = None,
        is_urgent: Callable[[Request], bool] = _never,
    ) -> None:
        self._context = tls.context() if tls else None
        self._handler, self._authorize, self._is_urgent = handler, authorize, is_urgent
        self._limits = limits or Limits()
        self._max_connections = max_connections or _descriptors_for_clients()
        self._max_handshakes = max_handshakes
        self._max_strangers = min(PENDING_HANDSHAKES, self._max_connections // 2)
        self._listening = listening_socket(address, port)
        self._accepting = False
        self._stopping = False
        self._stop_by = NEVER
        self._sweep_at = NEVER
        self._connections: dict[int, Connection] = {}
        self._working: dict[Connection, Task] = {}
        self._selector = selectors.DefaultSelector()
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._returned: collections.deque[tuple[Connection, Request | int | None]]
        self._returned = collections.deque()
        self._pool = ThreadPoolExecutor(max_clients, thread_name_prefix="Request")
        self._reserve = ThreadPoolExecutor(1, thread_name_prefix="Urgent")
        self._thread = threading.Thread(target=self._run, name="Listener", daemon=True)

    @property
    def port(self) -> int:
        return int(self._listening.getsockname()[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = NEVER) -> None:
        """Take no more requests, answer those in progress, close everything.

        What has not been answered when the time is over is cut off and logged; its thread is left alone.
        """
        if self._stopping:
            return
        self._stop_by = time.monotonic() + timeout_s
        self._stopping = True
        self._wake()
        if self._thread.is_alive():
            self._thread.join()
        self._listening.close()
        for pool in (self._pool, self._reserve):
            pool.shutdown(wait=not self._working)
        if not self._working:  # a thread that comes back later wants to wake the listener
            self._selector.close()
            os.close(self._wakeup)

    # The listener thread.

    def _run(self) -> None:
        self._selector.register(self._wakeup, selectors.EVENT_READ)
        self._set_accepting(True)
        while not self._is_over():
            self._serve_ready()
            self._take_returned()
            if time.monotonic() >= self._sweep_at:
                self._sweep()
            if self._stopping:
                self._turn_away()
        self._take_returned()
        for connection in list(self._connections.values()):
            self._close(connection)
        self._tell_of_the_rest()

    def _tell_of_the_rest(self) -> None:
        """What the time did not suffice for."""
        for connection, (request, task) in self._working.items():
            state = "not begun" if task.cancel() else "cut off"
            age = time.monotonic() - connection.since
            told = (connection.peer, request.method, request.target, state, age)
            log.warning("%s %s %s: %s after %.0f s, because the daemon ends", *told)

    def _is_over(self) -> bool:
        is_busy = bool(self._working) or self._count(Stage.WRITING) > 0
        return self._stopping and (not is_busy or time.monotonic() >= self._stop_by)

    def _patience(self) -> float | None:
        alarm = min(self._sweep_at, self._stop_by)
        return None if alarm == NEVER else alarm - time.monotonic()

    def _turn_away(self) -> None:
        """Nobody new, and nothing more from those who are here."""
        self._set_accepting(False)
        for connection in list(self._connections.values()):
            if connection.stage is Stage.IDLE:
                self._close(connection)

    def _serve_ready(self) -> None:
        """Clients first; then who knocks, for it may be a client; then handshakes, which cost most."""
        ready = {key.fd for key, _ in self._selector.select(self._patience())}
        if self._wakeup in ready:
            os.eventfd_read(self._wakeup)
        there_are_strangers = False
        for connection in filter(None, map(self._connections.get, ready)):
            if connection.stage is Stage.HANDSHAKE:
                there_are_strangers = True
            else:
                self._advance(connection)
        is_knocking = self._listening.fileno() in ready
        if is_knocking:
            self._accept()
        if there_are_strangers:
            self._shake_hands(ready, most=1 if is_knocking else HANDSHAKES_A_TURN)

    def _shake_hands(self, ready: set[int], most: int) -> None:
        strangers = self._strangers()
        waiting = [c for c in strangers if c.sock.fileno() in ready]
        for connection in door.first(waiting, strangers, most):
            self._advance(connection)

    def _set_accepting(self, wanted: bool) -> None:
        if wanted and not self._accepting:
            self._selector.register(self._listening, selectors.EVENT_READ)
        elif self._accepting and not wanted:
            self._selector.unregister(self._listening)
        self._accepting = wanted

    def _accept(self) -> None:
        for _ in range(ACCEPTS_A_TURN):
            try:
                sock, address = self._listening.accept()
            except BlockingIOError:
                break
            except OSError as err:
                if err.errno not in _SHORT or self._close_oldest():
                    continue  # who knocked has gone, or there is room now
                log.warning("cannot accept a connection: %s", err)
                self._set_accepting(False)
                self._expect_sweep()
                break
            if len(self._connections) + len(self._working) >= self._max_connections:
                self._close_oldest()
            self._add(sock, Peer(address[0], address[1]))
        for connection in door.surplus(self._strangers(), self._max_handshakes):
            self._close(connection)

    def _strangers(self) -> list[Connection]:
        return [c for c in self._connections.values() if c.stage is Stage.HANDSHAKE]

    def _count(self, stage: Stage) -> int:
        return sum(c.stage is stage for c in self._connections.values())

    def _close_oldest(self) -> bool:
        """Close the connection that is idle for longest, else the one that is not served for longest."""
        for stage in (Stage.IDLE, Stage.READING, Stage.HANDSHAKE):
            found = [c for c in self._connections.values() if c.stage is stage]
            if found:
                self._close(min(found, key=lambda c: c.since))
                return True
        return False

    def _add(self, sock: socket.socket, peer: Peer) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A peer that lost its power never says so; the kernel finds out.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        channel = TlsChannel(sock, self._context) if self._context else PlainChannel(sock)
        self._keep(Connection(sock, channel, peer, self._limits), selectors.EVENT_READ)

    def _keep(self, connection: Connection, events: int) -> None:
        self._connections[connection.sock.fileno()] = connection
        self._selector.register(connection.sock, events)
        self._watch(connection)

    def _forget(self, connection: Connection) -> None:
        self._selector.unregister(connection.sock)
        del self._connections[connection.sock.fileno()]

    def _close(self, connection: Connection) -> None:
        self._forget(connection)
        connection.sock.close()

    def _advance(self, connection: Connection) -> None:
        try:
            step = connection.advance()
        except Closed as closed:
            if connection.stage is Stage.HANDSHAKE:
                log.info("%s: no connection: %s", connection.peer, closed)
            self._close(connection)
            return
        except Exception:  # the rim of the loop: one client must not end the service
            log.exception("%s: connection given up", connection.peer)
            self._close(connection)
            return
        if isinstance(step, Request):
            self._forget(connection)
            self._submit(connection, step)
        else:
            self._selector.modify(connection.sock, step)
            self._watch(connection)

    def _submit(self, connection: Connection, request: Request) -> None:
        pool = self._reserve if self._is_urgent(request) else self._pool
        self._working[connection] = (request, pool.submit(self._work, connection, request))

    def _watch(self, connection: Connection) -> None:
        if connection.deadline != NEVER:
            self._expect_sweep()

    def _expect_sweep(self) -> None:
        if self._sweep_at == NEVER:
            self._sweep_at = time.monotonic() + _SWEEP_S

    def _sweep(self) -> None:
        """Close what is overdue, and accept again if that was left off."""
        self._sweep_at = NEVER
        now = time.monotonic()
        for connection in list(self._connections.values()):
            if connection.is_overdue(now):
                log.info("%s: given up while %s", connection.peer, connection.stage.value)
                self._close(connection)
            else:
                self._watch(connection)
        self._set_accepting(not self._stopping)

    def _take_returned(self) -> None:
        while self._returned:
            connection, step = self._returned.popleft()
            del self._working[connection]
            if step is None:
                connection.sock.close()
            elif isinstance(step, Request):
                self._submit(connection, step)
            else:
                self._keep(connection, step)

    # Pool threads.

    def _work(self, connection: Connection, request: Request) -> None:
        """Answer a request; give the connection back with what comes next on it."""
        step: Request | int | None = None
        try:
            if connection.is_abandoned():
                raise Closed("the client did not wait for its turn")
            response, refused = self._respond(request)
            connection.answer(response, last=refused or self._stopping)
            step = connection.advance()
        except Closed as closed:
            log.debug("%s: %s", connection.peer, closed)
        except Exception:  # the rim of request dispatch
            log.exception("%s: connection given up", connection.peer)
        self._returned.append((connection, step))
        self._wake()

    def _respond(self, request: Request) -> tuple[Response, bool]:
        """The answer, and whether the request was refused: then the client must connect anew."""
        refused = False
        try:
            principal = self._authorize(request)
            if isinstance(principal, Response):
                response, refused = principal, True
            else:
                response = self._handler(replace(request, principal=principal))
        except Exception:  # the rim of request dispatch
            log.exception("%s %s failed", request.method, request.target)
            response = error_page(500, "the server failed while it handled the request")
        told = (request.peer, request.method, request.target, request.version, response.status)
        log.info("%s %s %s HTTP/%s %s", *told)
        return response, refused

    def _wake(self) -> None:
        os.eventfd_write(self._wakeup, 1)
