# SPDX-License-Identifier: GPL-2.0-or-later
"""The client against a server that plays QEMU: lines are sent as arranged."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import simplejson

from ganeti.node.hypervisors.kvm.qmp import Monitors, Qmp, QmpError

GREETING: dict[str, Any] = {"QMP": {"version": {}, "capabilities": []}}
Answer = Callable[[dict[str, Any]], list[Any]]


class Server:
    """Serves one connection after the other; `fds` are the descriptors it was given."""

    def __init__(self, path: str, answer: Answer, greeting: Any) -> None:
        self.heard: list[dict[str, Any]] = []
        self.fds: list[int] = []
        self._answer, self._greeting = answer, greeting
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if not self._talk(connection):
                    return

    def _talk(self, connection: socket.socket) -> bool:
        self._send(connection, self._greeting)
        unread = b""
        while True:
            data, fds, _, _ = socket.recv_fds(connection, 65536, 4)
            self.fds += fds
            if data == b"stop":
                return False
            if not data:
                return True
            *lines, unread = (unread + data).split(b"\r\n")
            for line in lines:
                message = simplejson.loads(line)
                self.heard.append(message)
                for answer in self._replies(message):
                    self._send(connection, answer)

    def _replies(self, message: dict[str, Any]) -> list[Any]:
        known = message["execute"] == "qmp_capabilities"
        return [{"return": {}}] if known else self._answer(message)

    @staticmethod
    def _send(connection: socket.socket, answer: Any) -> None:
        text = answer if isinstance(answer, bytes) else simplejson.dumps(answer).encode() + b"\r\n"
        connection.sendall(text)

    def close(self, path: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as last:
            last.connect(path)
            last.sendall(b"stop")
            self._thread.join()
        self._listener.close()
        for fd in self.fds:
            os.close(fd)


@contextlib.contextmanager
def serving(
    tmp_path: Path, answer: Answer, greeting: Any = GREETING
) -> Iterator[tuple[str, Server]]:
    path = str(tmp_path / "qmp")
    server = Server(path, answer, greeting)
    try:
        yield path, server
    finally:
        server.close(path)


def nothing(_message: dict[str, Any]) -> list[Any]:
    return []


def test_a_command_is_answered(tmp_path: Path) -> None:
    def answer(message: dict[str, Any]) -> list[Any]:
        return [{"return": message["arguments"]["value"] + 1}]

    with serving(tmp_path, answer) as (path, server), Qmp(path) as qmp:
        assert qmp.execute("balloon", {"value": 41}) == 42
        assert [m["execute"] for m in server.heard] == ["qmp_capabilities", "balloon"]


def test_events_in_between_are_passed_over(tmp_path: Path) -> None:
    event = {"event": "STOP", "timestamp": {}}
    with serving(tmp_path, lambda m: [event, event, {"return": 1}]) as (path, _):
        with Qmp(path) as qmp:
            assert qmp.execute("stop") == 1


def test_an_answer_in_pieces(tmp_path: Path) -> None:
    pieces = [b'{"ret', b'urn": [1, ', b"2]}\r\n"]
    with serving(tmp_path, lambda m: pieces) as (path, _), Qmp(path) as qmp:
        assert qmp.execute("query-block") == [1, 2]


def test_a_refusal_is_raised(tmp_path: Path) -> None:
    refusal = {"error": {"class": "GenericError", "desc": "no such device"}}
    with serving(tmp_path, lambda m: [refusal]) as (path, _), Qmp(path) as qmp:
        with pytest.raises(QmpError, match="refuses device_del: no such device"):
            qmp.execute("device_del", {"id": "x"})


def test_silence_has_an_end(tmp_path: Path) -> None:
    with serving(tmp_path, nothing) as (path, _), Qmp(path) as qmp:
        with pytest.raises(QmpError, match="does not answer cont in time"):
            qmp.execute("cont", deadline_s=0.01)


@pytest.mark.parametrize("greeting", [{"hello": 1}, b"hello\r\n", b"[]\r\n"])
def test_another_protocol_is_refused(tmp_path: Path, greeting: Any) -> None:
    with serving(tmp_path, nothing, greeting) as (path, _):
        with pytest.raises(QmpError, match="does not speak QMP"), Qmp(path):
            pass


def test_a_descriptor_goes_along(tmp_path: Path) -> None:
    (tmp_path / "disk").write_text("content")
    with serving(tmp_path, lambda m: [{"return": {"fdset-id": 1}}]) as (path, server):
        with (tmp_path / "disk").open() as disk, Qmp(path) as qmp:
            qmp.execute("add-fd", fd=disk.fileno())
        (fd,) = server.fds
        assert os.read(fd, 10) == b"content"


DELETED = {"event": "DEVICE_DELETED", "data": {"device": "disk-1", "path": "/x"}}
OTHER = {"event": "DEVICE_DELETED", "data": {"path": "/y"}}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([{"return": {}}, OTHER, DELETED], True),
        ([DELETED, {"return": {}}], True),
        ([{"return": {}}, OTHER], False),
    ],
)
def test_events_are_waited_for(tmp_path: Path, answers: list[Any], expected: bool) -> None:
    """Before or after the answer; for so long."""
    with serving(tmp_path, lambda m: answers) as (path, _), Qmp(path) as qmp:
        qmp.execute("device_del", {"id": "disk-1"})
        patience = 10.0 if expected else 0.05
        assert qmp.wait_event("DEVICE_DELETED", "disk-1", timeout_s=patience) is expected


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(QmpError, match="cannot be reached"), Qmp(str(tmp_path / "qmp")):
        pass


def test_one_thread_after_the_other(tmp_path: Path) -> None:
    with serving(tmp_path, lambda m: [{"return": 1}]) as (path, _):
        monitors = Monitors()
        with monitors.connect(path):
            with pytest.raises(QmpError, match="in use"):
                with monitors.connect(path, deadline_s=0.01):
                    pass
        with monitors.connect(path) as qmp:
            assert qmp.execute("cont") == 1
