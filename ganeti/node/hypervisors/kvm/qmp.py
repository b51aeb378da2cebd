# SPDX-License-Identifier: GPL-2.0-or-later
"""A synchronous client of QEMU's machine protocol (QMP): one command, one answer, with a deadline.

QEMU serves one connection at a time; `Monitors` lets one thread after the other use a guest's. Messages
are JSON objects, a line each. Events are thrown away but for one that is waited for.
"""

from __future__ import annotations

import array
import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import simplejson

from ganeti.errors import HypervisorError

DEADLINE_S = 5.0
MOST_BYTES = 16 * 1024 * 1024
_CHUNK = 64 * 1024


class QmpError(HypervisorError):
    """QEMU refused a command, or does not answer."""


class Qmp:
    """A connection, for use in a `with` block."""

    def __init__(self, path: str, *, deadline_s: float = DEADLINE_S) -> None:
        self._path, self._deadline_s = path, deadline_s
        self._socket: socket.socket
        self._unread = b""
        self._events: list[Mapping[str, Any]] = []

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(self._deadline_s)
            self._socket.connect(self._path)
            greeting = self._read(self._end(None))
            if "QMP" not in greeting:
                raise QmpError(f"{self._path} does not speak QMP")
            self.execute("qmp_capabilities")
        except OSError as err:
            self._socket.close()
            raise QmpError(f"{self._path} cannot be reached: {err}") from err
        except QmpError:
            self._socket.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def execute(
        self,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        fd: int | None = None,
        deadline_s: float | None = None,
    ) -> Any:
        """Run a command and return what it returns; raises QmpError. `fd` goes along with it."""
        message: dict[str, Any] = {"execute": command}
        if arguments:
            message["arguments"] = dict(arguments)
        end = self._end(deadline_s)
        self._send(simplejson.dumps(message).encode() + b"\r\n", fd, command)
        while True:
            answer = self._read(end, command)
            if "event" in answer:
                self._events.append(answer)
            elif "error" in answer:
                raise QmpError(f"QEMU refuses {command}: {answer['error']['desc']}")
            elif "return" in answer:
                return answer["return"]

    def human(self, line: str) -> str:
        """A command of the monitor for people; what it prints, which may be an error."""
        return str(self.execute("human-monitor-command", {"command-line": line}))

    def wait_event(self, name: str, device: str, *, timeout_s: float) -> bool:
        """Wait for an event about a device; False if it does not come in time."""
        end = time.monotonic() + timeout_s

        def wanted(event: Mapping[str, Any]) -> bool:
            return bool(event["event"] == name and event.get("data", {}).get("device") == device)

        if any(map(wanted, self._events)):
            return True
        with contextlib.suppress(TimeoutError):
            while True:
                answer = self._read_line(end)
                if "event" in answer and wanted(answer):
                    return True
        return False

    def _end(self, deadline_s: float | None) -> float:
        return time.monotonic() + (self._deadline_s if deadline_s is None else deadline_s)

    def _send(self, data: bytes, fd: int | None, command: str) -> None:
        ancillary = []
        if fd is not None:
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        try:
            sent = self._socket.sendmsg([data], ancillary)
            self._socket.sendall(data[sent:])
        except OSError as err:
            raise QmpError(f"{command} cannot be sent to {self._path}: {err}") from err

    def _read(self, end: float, command: str = "the greeting") -> Mapping[str, Any]:
        try:
            return self._read_line(end)
        except TimeoutError:
            raise QmpError(f"QEMU does not answer {command} in time ({self._path})") from None

    def _read_line(self, end: float) -> Mapping[str, Any]:
        while b"\n" not in self._unread:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            chunk = self._receive()
            self._unread += chunk
            if not chunk or len(self._unread) > MOST_BYTES:
                raise QmpError(f"QEMU has closed the connection ({self._path})")
        line, _, self._unread = self._unread.partition(b"\n")
        try:
            answer = simplejson.loads(line)
        except ValueError as err:
            raise QmpError(f"{self._path} does not speak QMP: {err}") from err
        if not isinstance(answer, dict):
            raise QmpError(f"{self._path} does not speak QMP")
        return answer

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(_CHUNK)
        except TimeoutError:
            raise
        except OSError as err:
            raise QmpError(f"QEMU has closed the connection ({self._path}): {err}") from err


class Monitors:
    """Gives out connections, one at a time for each guest.

    The table of locks has a lock of its own; a guest's lock is held while its QEMU is spoken to.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._guests: dict[str, threading.Lock] = {}

    @contextlib.contextmanager
    def connect(self, path: str, *, deadline_s: float = DEADLINE_S) -> Iterator[Qmp]:
        """A connection to the socket; raises QmpError if others use it all the time."""
        name = os.path.basename(path)
        with self._lock:
            turn = self._guests.setdefault(name, threading.Lock())
        if not turn.acquire(timeout=deadline_s):
            raise QmpError(f"{path} is in use by another call")
        try:
            with Qmp(path, deadline_s=deadline_s) as qmp:
                yield qmp
        finally:
            turn.release()
