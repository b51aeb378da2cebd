# SPDX-License-Identifier: GPL-2.0-or-later
"""The client of the master daemon's local protocol (LUXI).

Methods are named as on the wire. Errors of the master arrive as the exceptions of `ganeti.errors`.
A request whose answer was lost is sent again only if that does no harm: a job must not be submitted
twice. Every command imports this module, so it imports little.
"""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Callable, Sequence
from typing import Any, Self

from ganeti import errors
from ganeti.errors import LuxiError
from ganeti.luxi import framing
from ganeti.paths import Paths
from ganeti.utils.clock import Clock
from ganeti.version import LUXI

CONNECT_TIMEOUT_S = 30.0
IO_TIMEOUT_S = 180.0
WAIT_LIMIT_S = (IO_TIMEOUT_S - 1) // 2
"""The longest wait for a job change that is asked for."""

_PIECE = 65536
_RETRY_S = 1.0
_ABSENT = (errno.ENOENT, errno.ECONNREFUSED)


class ProtocolError(LuxiError):
    """The talk with the master daemon went wrong."""


class NoMasterError(ProtocolError):
    """Nobody listens at the socket. Argument: its path."""


class _Lost(Exception):
    """The connection ended before the answer came."""


class Client:
    """A connection to the master daemon, opened with the first call and again after a loss.

    One thread uses it at a time.
    """

    def __init__(
        self,
        paths: Paths,
        *,
        socket_path: str | None = None,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        io_timeout_s: float = IO_TIMEOUT_S,
        clock: Clock | None = None,
        own_name: Callable[[], str] | None = None,
    ) -> None:
        self._paths = paths
        self._socket_path = socket_path or paths.query_socket
        self._connect_timeout_s = connect_timeout_s
        self._io_timeout_s = io_timeout_s
        self._clock = clock or Clock()
        self._own_name = own_name or _resolved_own_name
        self._socket: socket.socket | None = None
        self._splitter = framing.Splitter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def call(self, method: str, *args: Any, repeatable: bool = False) -> Any:
        """The result of one call; `repeatable`: to be sent again if the answer gets lost."""
        request = framing.encode({"method": method, "args": args, "version": LUXI})
        deadline = None
        while True:
            try:
                return self._result(self._exchange(request))
            except _Lost:
                now = self._clock.monotonic()
                deadline = deadline or now + self._connect_timeout_s
                if not repeatable or now >= deadline:
                    raise ProtocolError(
                        f"the master daemon went away before it answered {method}; it may have"
                        " been carried out all the same, so look before you repeat the command"
                    ) from None
            self._clock.sleep(_RETRY_S)

    def _result(self, answer: dict[str, Any]) -> Any:
        result = answer.get("result")
        if answer.get("success") and "result" in answer:
            return result
        error = errors.decode(result)
        if error is not None:
            raise error
        self.close()  # so does the other side, after what it did not understand
        raise ProtocolError(result if isinstance(result, str) else f"wrong answer {answer!r:.200}")

    def _exchange(self, request: bytes) -> dict[str, Any]:
        connection = self._connected()
        try:
            connection.sendall(request)
            return framing.decode(self._receive(connection))
        except TimeoutError:
            self.close()
            raise TimeoutError(
                f"no answer from the master daemon within {self._io_timeout_s:.0f} seconds"
            ) from None
        except framing.Malformed as err:
            self.close()
            raise ProtocolError(str(err)) from None
        except (OSError, _Lost):
            self.close()
            raise _Lost from None

    def _receive(self, connection: socket.socket) -> bytes:
        while (message := self._splitter.take()) is None:
            data = connection.recv(_PIECE)
            if not data:
                raise _Lost
            self._splitter.feed(data)
        return message

    def _connected(self) -> socket.socket:
        """The connection; one that the other side has closed meanwhile is replaced unused."""
        if self._socket is not None and _is_closed(self._socket):
            self.close()
        if self._socket is None:
            self._socket = self._connect()
            self._splitter = framing.Splitter()
        return self._socket

    def _connect(self) -> socket.socket:
        deadline = self._clock.monotonic() + self._connect_timeout_s
        while True:
            try:
                return self._open()
            except (PermissionError, TimeoutError):
                raise
            except OSError as err:
                if err.errno not in (*_ABSENT, errno.EAGAIN):
                    raise ProtocolError(f"{self._socket_path}: {err.strerror}") from err
                if self._clock.monotonic() >= deadline or not self._may_come(err):
                    raise NoMasterError(self._socket_path) from None
            self._clock.sleep(_RETRY_S)

    def _open(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(self._connect_timeout_s)
            connection.connect(self._socket_path)
            connection.settimeout(self._io_timeout_s)
        except BaseException:
            connection.close()
            raise
        return connection

    def _may_come(self, error: OSError) -> bool:
        """Whether to try again: on the master the daemon may just be starting, elsewhere never."""
        if error.errno not in _ABSENT:
            return True
        try:
            with open(self._paths.ssconf("master_node"), encoding="utf-8") as file:
                return file.read().strip() == self._own_name()
        except OSError:
            return False

    def SubmitJob(self, ops: Sequence[Any]) -> int:
        return int(self.call("SubmitJob", ops))

    def SubmitJobToDrainedQueue(self, ops: Sequence[Any]) -> int:
        return int(self.call("SubmitJobToDrainedQueue", ops))

    def SubmitManyJobs(self, jobs: Sequence[Sequence[Any]]) -> list[list[Any]]:
        return list(self.call("SubmitManyJobs", jobs))

    def CancelJob(self, job_id: int, kill: bool = False) -> list[Any]:
        return list(self.call("CancelJob", job_id, kill))

    def ChangeJobPriority(self, job_id: int, priority: int) -> list[Any]:
        return list(self.call("ChangeJobPriority", job_id, priority))

    def ArchiveJob(self, job_id: int) -> bool:
        return bool(self.call("ArchiveJob", job_id))

    def AutoArchiveJobs(self, age_s: int, timeout_s: float) -> list[int]:
        return list(self.call("AutoArchiveJobs", age_s, min(timeout_s, WAIT_LIMIT_S)))

    def WaitForJobChange(
        self,
        job_id: int,
        fields: Sequence[str],
        prev_info: list[Any] | None,
        prev_serial: int | None,
        timeout_s: float,
    ) -> Any:
        """``[values, log entries]``, or ``nochange``; a longer wait is cut short."""
        timeout_s = min(timeout_s, WAIT_LIMIT_S)
        args = (job_id, fields, prev_info, prev_serial, timeout_s)
        return self.call("WaitForJobChange", *args, repeatable=True)

    def SetDrainFlag(self, drained: bool) -> bool:
        return bool(self.call("SetDrainFlag", drained))

    def SetWatcherPause(self, until: float | None) -> float | None:
        return self.call("SetWatcherPause", until)  # type: ignore[no-any-return]

    def Query(self, what: str, fields: Sequence[str], qfilter: Any) -> dict[str, Any]:
        return self._read("Query", what, fields, qfilter)  # type: ignore[no-any-return]

    def QueryFields(self, what: str, fields: Sequence[str] | None) -> dict[str, Any]:
        return self._read("QueryFields", what, fields)  # type: ignore[no-any-return]

    def QueryJobs(self, job_ids: Sequence[int] | None, fields: Sequence[str]) -> list[Any]:
        return list(self._read("QueryJobs", job_ids, fields))

    def QueryInstances(self, names: Sequence[str], fields: Sequence[str], lock: bool) -> list[Any]:
        return list(self._read("QueryInstances", names, fields, lock))

    def QueryNodes(self, names: Sequence[str], fields: Sequence[str], lock: bool) -> list[Any]:
        return list(self._read("QueryNodes", names, fields, lock))

    def QueryGroups(self, names: Sequence[str], fields: Sequence[str], lock: bool) -> list[Any]:
        return list(self._read("QueryGroups", names, fields, lock))

    def QueryNetworks(self, names: Sequence[str], fields: Sequence[str], lock: bool) -> list[Any]:
        return list(self._read("QueryNetworks", names, fields, lock))

    def QueryExports(self, nodes: Sequence[str], lock: bool) -> list[Any]:
        return list(self._read("QueryExports", nodes, lock))

    def QueryFilters(self, uuids: Sequence[str] | None, fields: Sequence[str]) -> list[Any]:
        return list(self._read("QueryFilters", uuids, fields))

    def ReplaceFilter(
        self, uuid: str | None, priority: int, predicates: list[Any], action: Any, reason: list[Any]
    ) -> str:
        return str(self.call("ReplaceFilter", uuid, priority, predicates, action, reason))

    def DeleteFilter(self, uuid: str) -> None:
        self.call("DeleteFilter", uuid)

    def QueryConfigValues(self, fields: Sequence[str]) -> list[Any]:
        return list(self._read("QueryConfigValues", fields))

    def QueryTags(self, kind: str, name: str) -> list[str]:
        return list(self._read("QueryTags", kind, name))

    def QueryClusterInfo(self) -> dict[str, Any]:
        return self._read("QueryClusterInfo")  # type: ignore[no-any-return]

    def _read(self, method: str, *args: Any) -> Any:
        return self.call(method, *args, repeatable=True)


def _resolved_own_name() -> str:
    return socket.getfqdn()


def _is_closed(connection: socket.socket) -> bool:
    """Whether the other side has ended the connection: between calls nothing else is to be read."""
    poller = select.poll()
    poller.register(connection, select.POLLIN)
    return bool(poller.poll(0))
