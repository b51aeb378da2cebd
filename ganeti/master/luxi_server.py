# SPDX-License-Identifier: GPL-2.0-or-later
"""The sockets of the local protocol: one thread watches all clients, a few carry requests out.

A connection always has one owner: the watching thread until a whole request is there, then whoever
carries it out, who arms the connection again when the answer is sent (it is watched for one event at
a time, `EPOLLONESHOT`). So requests of a client are answered strictly in order, nothing is read while
one is unanswered, and no lock is needed. A client that waits for a job has no thread: the answer comes
from whoever knows of the change. Who may connect is decided by the sockets' owner and mode.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import select
import socket
import struct
import threading

from ganeti.luxi import framing
from ganeti.luxi.framing import Splitter
from ganeti.master.luxi_requests import Requests
from ganeti.master.queue.workers import Pool
from ganeti.paths import Paths
from ganeti.utils.files import Owner

log = logging.getLogger(__name__)

SOCKET_MODE = 0o660
BACKLOG = 1024
PIECE = 256 * 1024
WORKERS = 64
"""Requests in progress; threads are made as they are needed. Few block for long: those that ask nodes."""

ANSWER_S = 7.0
"""Longer than a commit waits for a silent candidate: a client that is cut off after its job was taken,
and before it is told so, may submit the job again to the next master daemon."""

DEAF_S = 0.5
"""Without a descriptor for another client, so long or until one of those that are there goes."""

_RANK = (0, 0)
_NO_DESCRIPTOR_LEFT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)


class _Connection:
    """One client; `unsent` is what is left of an answer."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.socket, self.number = sock, sock.fileno()
        self.splitter = Splitter()
        self.unsent = memoryview(b"")
        self.is_ending = False


class LuxiServer:
    """`bind`, `start`, `stop`. `owner`: whose the sockets are to be; only root and the owner can say so."""

    def __init__(self, paths: Paths, requests: Requests, *, owner: Owner | None = None) -> None:
        self._places = (paths.master_socket, paths.query_socket)
        self._requests, self._owner = requests, owner
        self._pool = Pool("LuxiWorker", lambda: WORKERS)
        self._epoll = select.epoll()
        self._wakeup = os.eventfd(0, os.EFD_CLOEXEC)
        self._listeners: dict[int, socket.socket] = {}
        self._connections: dict[int, _Connection] = {}
        self._is_full = False
        self._thread = threading.Thread(target=self._run, name="Luxi", daemon=True)

    # Life.

    def bind(self) -> None:
        """Listen on both paths; who connects now is served after `start`."""
        for path in self._places:
            listener = _listener(path, self._owner)
            self._listeners[listener.fileno()] = listener

    def start(self) -> None:
        self._epoll.register(self._wakeup, select.EPOLLIN)
        for number in self._listeners:
            self._epoll.register(number, select.EPOLLIN)
        self._thread.start()

    def stop(self, wait_s: float = ANSWER_S) -> None:
        """Remove the sockets, let requests end that are in progress, close all connections."""
        for path in self._places if self._listeners else ():
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        if self._thread.is_alive():
            os.eventfd_write(self._wakeup, 1)
            self._thread.join()
        self._pool.close(wait_s)
        for listener in self._listeners.values():
            listener.close()
        self._listeners.clear()
        for connection in list(self._connections.values()):
            self._drop(connection)
        self._epoll.close()
        os.close(self._wakeup)

    # The watching thread.

    def _run(self) -> None:
        while True:
            events = self._epoll.poll(DEAF_S if self._is_full else None)
            if not events:
                self._listen(select.EPOLLIN)
            for number, _ in events:
                if number == self._wakeup:
                    return
                if number in self._listeners:
                    self._accept(self._listeners[number])
                else:
                    self._go_on(self._connections[number])

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
            self._epoll.register(sock, 0)
        except OSError as err:
            log.warning("a client cannot be accepted: %s", err)
            if err.errno in _NO_DESCRIPTOR_LEFT:
                self._listen(0)
            return
        log.debug("a client has come: process %d, user %d, group %d", *_peer(sock))
        connection = _Connection(sock)
        self._connections[connection.number] = connection
        self._watch(connection, select.EPOLLIN)

    def _listen(self, events: int) -> None:
        self._is_full = not events
        for number in self._listeners:
            self._epoll.modify(number, events)

    def _go_on(self, connection: _Connection) -> None:
        if connection.unsent:
            self._send(connection)
            return
        try:
            data = connection.socket.recv(PIECE)
            if data:
                connection.splitter.feed(data)
        except (OSError, framing.Malformed) as err:
            log.warning("a client is cut off: %s", err)
            data = b""
        if data:
            self._next(connection)
        else:
            self._drop(connection)

    # Any thread that owns the connection.

    def _next(self, connection: _Connection) -> None:
        """Carry the next request out if it is there; otherwise wait for more."""
        message = connection.splitter.take()
        if message is None:
            self._watch(connection, select.EPOLLIN)
        else:
            self._pool.submit(_RANK, lambda: self._carry_out(connection, message))

    def _carry_out(self, connection: _Connection, message: bytes) -> None:
        def reply(answer: bytes, is_last: bool) -> None:
            connection.unsent, connection.is_ending = memoryview(answer), is_last
            self._send(connection)

        self._requests(message, reply)

    def _send(self, connection: _Connection) -> None:
        try:
            while connection.unsent:
                sent = connection.socket.send(connection.unsent)
                connection.unsent = connection.unsent[sent:]
        except BlockingIOError:
            self._watch(connection, select.EPOLLOUT)
        except OSError:
            self._drop(connection)
        else:
            if connection.is_ending:
                self._drop(connection)
            else:
                self._next(connection)

    def _watch(self, connection: _Connection, event: int) -> None:
        """Give the connection to the watching thread, until this event."""
        try:
            self._epoll.modify(connection.number, event | select.EPOLLONESHOT)
        except (OSError, ValueError):  # the server has stopped meanwhile
            self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        self._connections.pop(connection.number, None)
        connection.socket.close()
        if self._is_full:
            self._listen(select.EPOLLIN)


def _listener(path: str, owner: Owner | None) -> socket.socket:
    """Bound under another name and renamed, so that nobody ever sees it with wrong permissions."""
    temporary = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    listener.bind(temporary)
    if owner is not None:
        os.chown(temporary, *owner)
    os.chmod(temporary, SOCKET_MODE)
    listener.listen(BACKLOG)
    os.rename(temporary, path)
    return listener


def _peer(sock: socket.socket) -> tuple[int, int, int]:
    """Process, user and group of the other side."""
    layout = struct.Struct("3i")
    pid, uid, gid = layout.unpack(
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, layout.size)
    )
    return pid, uid, gid
