# SPDX-License-Identifier: GPL-2.0-or-later
"""The client of the master daemon's local protocol (LUXI).

    with Client() as client:
        job_id = client.SubmitJob([opcode])

Methods are named as on the wire; doc/luxi.rst shows them at work. Errors of the master arrive as the
exceptions of `ganeti.errors`; when the talk itself fails, that is a `ProtocolError`. A request whose
answer was lost is sent again only if that does no harm: a job must not be submitted twice. Every command
imports this module, so it imports little.
"""

from __future__ import annotations

import errno
import math
import select
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from ganeti import errors
from ganeti.errors import LuxiError
from ganeti.luxi import framing
from ganeti.paths import DEFAULT, Paths
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
    """The talk with the master daemon went wrong; what follows says how."""


class NoMasterError(ProtocolError):
    """Nobody listens at the socket. Argument: its path."""


class NoAccessError(PermissionError, ProtocolError):
    """This user may not talk to the master daemon."""


class NoAnswerError(TimeoutError, ProtocolError):
    """The master daemon was silent for too long; it may carry the request out all the same."""


class LostError(ProtocolError):
    """The connection ended before the answer came: nobody knows whether the request was carried out."""


class _Lost(Exception):
    """The connection ended before the answer came; a request that was not sent whole was not heard."""

    def __init__(self, was_sent: bool) -> None:
        super().__init__()
        self.was_sent = was_sent


def forced_socket(paths: Paths, environ: Mapping[str, str]) -> str | None:
    """The socket that ``FORCE_LUXI_SOCKET`` insists on: ``master``, ``query`` or a path."""
    named = {"master": paths.master_socket, "query": paths.query_socket}
    wanted = environ.get("FORCE_LUXI_SOCKET")
    return named.get(wanted, wanted) if wanted else None


class Client:
    """A connection to the master daemon, opened with the first call and again after a loss.

    One thread uses it at a time. `socket_path`: `Paths.query_socket` if not given; the other socket,
    `Paths.master_socket`, serves the same. While the daemon is not there, the master waits for it for
    `connect_timeout_s`, other nodes do not; `io_timeout_s` is for silence in the middle of a call.
    """

    def __init__(
        self,
        paths: Paths = DEFAULT,
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
        self._splitter = _splitter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; the next call opens another one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def call(self, method: str, *args: Any, repeatable: bool = False) -> Any:
        """The result of one call; `repeatable`: to be sent again if the answer gets lost.

        Raises what the master raised, or a `ProtocolError`.
        """
        request = framing.encode({"method": method, "args": args, "version": LUXI})
        deadline = None
        while True:
            try:
                return self._result(self._exchange(request))
            except _Lost as lost:
                now = self._clock.monotonic()
                deadline = deadline or now + self._connect_timeout_s
                if (lost.was_sent and not repeatable) or now >= deadline:
                    raise LostError(
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
        """Whatever ends it early, the connection ends too: no answer may be taken for another one's."""
        try:
            connection = self._connected()
            self._send(connection, request)
            return self._receive(connection)
        except TimeoutError:
            self.close()
            raise NoAnswerError(
                f"no answer from the master daemon within {self._io_timeout_s:.0f} seconds"
            ) from None
        except BaseException:
            self.close()
            raise

    def _send(self, connection: socket.socket, request: bytes) -> None:
        try:
            connection.sendall(request)
        except TimeoutError:
            raise
        except OSError:
            raise _Lost(was_sent=False) from None

    def _receive(self, connection: socket.socket) -> dict[str, Any]:
        try:
            while (message := self._splitter.take()) is None:
                data = connection.recv(_PIECE)
                if not data:
                    raise _Lost(was_sent=True)
                self._splitter.feed(data)
            return framing.decode(message)
        except TimeoutError:
            raise
        except OSError:
            raise _Lost(was_sent=True) from None
        except framing.Malformed as err:
            raise ProtocolError(str(err)) from None

    def _connected(self) -> socket.socket:
        """The connection; one that the other side has closed meanwhile is replaced unused."""
        if self._socket is not None and _is_closed(self._socket):
            self.close()
        if self._socket is None:
            self._socket = self._connect()
            self._splitter = _splitter()
        return self._socket

    def _connect(self) -> socket.socket:
        deadline = self._clock.monotonic() + self._connect_timeout_s
        while True:
            try:
                return self._open()
            except PermissionError as err:
                raise NoAccessError(f"{self._socket_path}: {err.strerror}") from None
            except TimeoutError:
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

    # Jobs.

    def SubmitJob(self, ops: Sequence[Any]) -> int:
        """Submit a job of these opcodes; its id. `JobQueueError` and below: it was refused."""
        return int(self.call("SubmitJob", ops))

    def SubmitJobToDrainedQueue(self, ops: Sequence[Any]) -> int:
        """The same, whatever the drain flag says."""
        return int(self.call("SubmitJobToDrainedQueue", ops))

    def SubmitManyJobs(self, jobs: Sequence[Sequence[Any]]) -> list[list[Any]]:
        """For each job ``[True, id]`` or ``[False, text]``, in the same order."""
        return list(self.call("SubmitManyJobs", jobs))

    def CancelJob(self, job_id: int, kill: bool = False) -> list[Any]:
        """``[whether it will end, text]``."""
        return list(self.call("CancelJob", job_id, kill))

    def ChangeJobPriority(self, job_id: int, priority: int) -> list[Any]:
        """``[whether it was changed, text]``; -10, 0 or 10."""
        return list(self.call("ChangeJobPriority", job_id, priority))

    def ArchiveJob(self, job_id: int) -> bool:
        """Put a job that has ended away; False if there is none to put away."""
        return bool(self.call("ArchiveJob", job_id))

    def AutoArchiveJobs(self, age_s: float, timeout_s: float) -> list[int]:
        """Put jobs away that ended so long ago (-1: all): how many were, how many were not looked at."""
        return list(self.call("AutoArchiveJobs", age_s, min(timeout_s, WAIT_LIMIT_S)))

    def WaitForJobChange(
        self,
        job_id: int,
        fields: Sequence[str],
        prev_info: list[Any] | None,
        prev_serial: int | None,
        timeout_s: float,
    ) -> Any:
        """Wait until the values of the fields differ from `prev_info`, or the log grows.

        ``[values, log entries]``, or ``nochange`` after the time; a longer wait is cut short. An entry of
        the log is ``[serial, [seconds, microseconds], type, content]``. `JobLost`: there is no such job.
        """
        timeout_s = min(timeout_s, WAIT_LIMIT_S)
        args = (job_id, fields, prev_info, prev_serial, timeout_s)
        return self.call("WaitForJobChange", *args, repeatable=True)

    def QueryJobs(self, job_ids: Sequence[int] | None, fields: Sequence[str]) -> list[Any]:
        """A row of values for each job, nulls but the id if there is none; without ids, of all."""
        return list(self._read("QueryJobs", job_ids, fields))

    def SetDrainFlag(self, drained: bool) -> bool:
        """Refuse new jobs, or take them again."""
        return bool(self.call("SetDrainFlag", drained))

    def SetWatcherPause(self, until: float | None) -> float | None:
        """Let the watcher pause until a time (seconds since 1970), or go on."""
        return self.call("SetWatcherPause", until)  # type: ignore[no-any-return]

    # Queries.

    def Query(self, what: str, fields: Sequence[str], qfilter: Any) -> dict[str, Any]:
        """``{"fields": definitions, "data": rows of cells}``; a cell is ``[status, value]``."""
        return self._read("Query", what, fields, qfilter)  # type: ignore[no-any-return]

    def QueryFields(self, what: str, fields: Sequence[str] | None) -> dict[str, Any]:
        """``{"fields": definitions}`` of these fields, or of all."""
        return self._read("QueryFields", what, fields)  # type: ignore[no-any-return]

    def QueryInstances(self, names: Sequence[str], fields: Sequence[str], lock: bool) -> list[Any]:
        """Rows of plain values; no names mean all, and nobody can lock."""
        return list(self._read("QueryInstances", names, fields, lock))

    def QueryNodes(self, names: Sequence[str], fields: Sequence[str], lock: bool) -> list[Any]:
        """Rows of plain values, as of instances."""
        return list(self._read("QueryNodes", names, fields, lock))

    def QueryGroups(self, names: Sequence[str], fields: Sequence[str], lock: bool) -> list[Any]:
        """Rows of plain values, as of instances."""
        return list(self._read("QueryGroups", names, fields, lock))

    def QueryNetworks(self, names: Sequence[str], fields: Sequence[str], lock: bool) -> list[Any]:
        """Rows of plain values, as of instances."""
        return list(self._read("QueryNetworks", names, fields, lock))

    def QueryExports(self, nodes: Sequence[str], lock: bool) -> list[Any]:
        """Rows of node and export; None in place of the exports of a node that does not tell."""
        return list(self._read("QueryExports", nodes, lock))

    def QueryConfigValues(self, fields: Sequence[str]) -> list[Any]:
        """A value for each name; None for what is unknown."""
        return list(self._read("QueryConfigValues", fields))

    def QueryTags(self, kind: str, name: str) -> list[str]:
        """The tags of an object; the cluster has no name."""
        return list(self._read("QueryTags", kind, name))

    def QueryClusterInfo(self) -> dict[str, Any]:
        """All about the cluster, defaults filled in."""
        return self._read("QueryClusterInfo")  # type: ignore[no-any-return]

    # Rules for jobs.

    def QueryFilters(self, uuids: Sequence[str] | None, fields: Sequence[str]) -> list[Any]:
        """Rows of plain values; without UUIDs, of all rules."""
        return list(self._read("QueryFilters", uuids, fields))

    def ReplaceFilter(
        self, uuid: str | None, priority: int, predicates: list[Any], action: Any, reason: list[Any]
    ) -> str:
        """Add a rule, or put it in the place of one; its UUID."""
        return str(self.call("ReplaceFilter", uuid, priority, predicates, action, reason))

    def DeleteFilter(self, uuid: str) -> None:
        """Take a rule away."""
        self.call("DeleteFilter", uuid)

    def _read(self, method: str, *args: Any) -> Any:
        return self.call(method, *args, repeatable=True)


def _resolved_own_name() -> str:
    return socket.getfqdn()


def _splitter() -> framing.Splitter:
    """The answers of our own master may be of any size."""
    return framing.Splitter(math.inf)


def _is_closed(connection: socket.socket) -> bool:
    """Whether the other side has ended the connection: between calls nothing else is to be read."""
    poller = select.poll()
    poller.register(connection, select.POLLIN)
    return bool(poller.poll(0))
