# SPDX-License-Identifier: GPL-2.0-or-later
"""The LUXI server: one thread watches all clients, a few carry their requests out.

While a request is in progress its connection belongs to whoever carries it out and is not read, so
requests of a connection are answered strictly in order. A client that waits for a job costs its socket:
the queue calls back with the answer. Who may connect is decided by the sockets' owner and mode.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import os
import selectors
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ganeti import errors, owners
from ganeti.contracts.luxi import LuxiCalls
from ganeti.errors import GenericError
from ganeti.luxi import framing
from ganeti.luxi.framing import Malformed, Splitter
from ganeti.master.luxi_methods import LuxiMethods
from ganeti.master.queue.watch import Known
from ganeti.master.services import Services
from ganeti.schema import types
from ganeti.schema.contract import call_of

log = logging.getLogger(__name__)

SOCKET_MODE = 0o660
BACKLOG = 1024
READ_BYTES = 256 * 1024
WORKERS = 16
WAIT = "WaitForJobChange"
MAX_WAIT_S = 89.0


class Refused(Exception):
    """The request breaks the protocol: it is answered with a text, and the connection is closed."""


class Connection:
    """One client. `_loop` owns it, but for the time of a request."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.socket = sock
        self.splitter = Splitter()
        self.unsent = b""
        self.is_ending = False

    def send(self, data: bytes) -> None:
        """Send what goes now; the rest waits in `unsent`."""
        self.unsent += data
        with contextlib.suppress(BlockingIOError):
            while self.unsent:
                sent = self.socket.send(self.unsent)
                self.unsent = self.unsent[sent:]


class LuxiServer:
    """`bind`, `start`, `stop`. The queue of connections that come back has a lock of its own kind:
    appending to a deque and waking the loop are atomic."""

    def __init__(self, services: Services) -> None:
        self._services, self._paths = services, services.paths
        self._methods = LuxiMethods(services)
        self._selector = selectors.DefaultSelector()
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="Client")
        self._back: collections.deque[Connection] = collections.deque()
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._closing = False
        self._listeners: list[tuple[str, socket.socket]] = []
        self._thread = threading.Thread(target=self._loop, name="Luxi", daemon=True)

    # Life.

    def bind(self) -> None:
        """Listen on both paths; clients connect from now on and are served after `start`."""
        for path in (self._paths.master_socket, self._paths.query_socket):
            self._listeners.append((path, _listener(path)))

    def start(self) -> None:
        self._selector.register(self._wakeup, selectors.EVENT_READ, self._come_back)
        for _, listener in self._listeners:
            self._selector.register(
                listener, selectors.EVENT_READ, lambda sock=listener: self._accept(sock)
            )
        self._thread.start()

    def stop(self) -> None:
        """Close all connections and remove the sockets."""
        self._closing = True
        os.eventfd_write(self._wakeup, 1)
        if self._thread.is_alive():
            self._thread.join()
        for path, listener in self._listeners:
            listener.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        self._pool.shutdown(wait=False, cancel_futures=True)

    # The loop: reads, and writes what did not go at once.

    def _loop(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select():
                key.data()
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except OSError as err:
            log.error("cannot accept a client: %s", err)
            return
        self._listen_to(Connection(sock))

    def _listen_to(self, connection: Connection) -> None:
        self._selector.register(
            connection.socket, selectors.EVENT_READ, lambda: self._read(connection)
        )

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(READ_BYTES)
            if not data:
                self._close(connection)
                return
            connection.splitter.feed(data)
        except BlockingIOError:
            return
        except OSError:
            self._close(connection)
            return
        except Malformed as err:
            log.warning("a client is cut off: %s", err)
            self._close(connection)
            return
        self._next_request(connection)

    def _next_request(self, connection: Connection) -> None:
        """Hand the connection over if a whole request is there."""
        message = connection.splitter.take()
        if message is None:
            return
        self._selector.unregister(connection.socket)
        self._pool.submit(self._serve, connection, message)

    def _come_back(self) -> None:
        """Connections whose request is answered: go on with them."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wakeup)
        while self._back:
            connection = self._back.popleft()
            if connection.unsent:
                self._selector.register(
                    connection.socket, selectors.EVENT_WRITE, lambda c=connection: self._write(c)
                )
            elif connection.is_ending:
                connection.socket.close()
            else:
                self._listen_to(connection)
                self._next_request(connection)

    def _write(self, connection: Connection) -> None:
        try:
            connection.send(b"")
        except OSError:
            self._close(connection)
            return
        if not connection.unsent:
            self._selector.unregister(connection.socket)
            self._give_back(connection)

    def _close(self, connection: Connection) -> None:
        self._selector.unregister(connection.socket)
        connection.socket.close()

    # Requests, on the pool's threads.

    def _serve(self, connection: Connection, message: bytes) -> None:
        try:
            method, args = _request(message)
            if method == WAIT:
                self._wait_for_change(connection, args)
                return
            result = getattr(self._methods, method)(*args)
            answer = framing.encode({"success": True, "result": result})
        except (Refused, Malformed) as err:
            connection.is_ending = True
            answer = framing.encode({"success": False, "result": str(err)})
        except GenericError as err:
            answer = _failure(err)
        except Exception as err:  # the rim of request dispatch
            log.exception("a client's request failed")
            answer = _failure(err)
        self._answer(connection, answer)

    def _wait_for_change(self, connection: Connection, args: list[Any]) -> None:
        """Answered by the queue: now, when the job changes, or when the time is over."""
        job_id, fields, info, serial, timeout_s = args
        if timeout_s < 0:
            raise GenericError("the time to wait is below zero")

        def tell(answer: Any) -> None:
            self._answer(connection, framing.encode({"success": True, "result": answer}))

        known = Known(fields, info, serial)
        self._services.jobs.wait_for_change(job_id, known, min(timeout_s, MAX_WAIT_S), tell)

    def _answer(self, connection: Connection, data: bytes) -> None:
        try:
            connection.send(data)
        except OSError:
            connection.unsent, connection.is_ending = b"", True
        self._give_back(connection)

    def _give_back(self, connection: Connection) -> None:
        self._back.append(connection)
        os.eventfd_write(self._wakeup, 1)


def _listener(path: str) -> socket.socket:
    """Bound under another name and renamed, so that nobody ever sees it with wrong permissions."""
    temporary = f"{path}.new"
    for old in (temporary, path):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(old)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(temporary)
    os.chmod(temporary, SOCKET_MODE)
    if os.getuid() == 0:
        os.chown(temporary, owners.user_id("masterd"), owners.group_id("daemons"))
    listener.listen(BACKLOG)
    os.rename(temporary, path)
    return listener


def _request(message: bytes) -> tuple[str, list[Any]]:
    """Method and typed arguments; raises Refused or Malformed."""
    request = framing.decode(message)
    method, args = request.get("method"), request.get("args")
    if not isinstance(method, str) or args is None:
        raise Refused("a request needs the keys 'method' and 'args'")
    if method not in LuxiCalls.CALLS:
        raise Refused(f"there is no method '{method}'")
    try:
        return method, call_of(getattr(LuxiCalls, method)).decode(args)
    except types.Mismatch as err:
        raise Refused(f"{method}: {err}") from None


def _failure(err: BaseException) -> bytes:
    return framing.encode({"success": False, "result": errors.encode(err)})
