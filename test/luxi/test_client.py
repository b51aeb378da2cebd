# SPDX-License-Identifier: GPL-2.0-or-later
"""The client against a scripted peer on a socket."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ganeti import errors
from ganeti.luxi import framing
from ganeti.luxi.client import Client, NoMasterError, ProtocolError
from ganeti.paths import Paths
from ganeti.utils.clock import Clock

HANG_UP = None


class Peer:
    """Answers each request with the next of the scripted answers; keeps what it was asked."""

    def __init__(self, path: str, answers: Sequence[Any]) -> None:
        self.requests: list[dict[str, Any]] = []
        self.connections = 0
        self._answers = list(answers)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while self._answers:
            connection, _ = self._listener.accept()
            self.connections += 1
            with connection:
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        splitter = framing.Splitter()
        while self._answers:
            while (message := splitter.take()) is None:
                data = connection.recv(4096)
                if not data:
                    return
                splitter.feed(data)
            self.requests.append(framing.decode(message))
            answer = self._answers.pop(0)
            if answer is HANG_UP:
                return
            connection.sendall(answer if isinstance(answer, bytes) else framing.encode(answer))

    def close(self) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive(), "the client did not ask for all scripted answers"
        self._listener.close()


class Stage:
    """A root directory with a scripted peer and a client."""

    def __init__(self, root: Path) -> None:
        self.paths = Paths(str(root))
        os.makedirs(self.paths.socket_dir)
        os.makedirs(self.paths.data_dir)
        self.clock = FakeClock()
        self.client = Client(self.paths, clock=self.clock, own_name=lambda: "node1.example.net")
        self._peers: list[Peer] = []

    def peer(self, *answers: Any) -> Peer:
        self._peers.append(Peer(self.paths.query_socket, answers))
        return self._peers[-1]

    def close(self) -> None:
        self.client.close()
        for peer in self._peers:
            peer.close()


class FakeClock(Clock):
    """Time passes only by sleeping."""

    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


def good(result: Any) -> dict[str, Any]:
    return {"success": True, "result": result}


def bad(result: Any) -> dict[str, Any]:
    return {"success": False, "result": result}


def test_a_call_is_sent_as_the_protocol_has_it(stage: Stage) -> None:
    peer = stage.peer(good(["a"]))
    assert stage.client.QueryTags("node", "n1") == ["a"]
    expected = {"method": "QueryTags", "args": ["node", "n1"], "version": 3000000}
    assert peer.requests == [expected]


def test_several_calls_use_one_connection(stage: Stage) -> None:
    stage.peer(good(1), good(2))
    assert [stage.client.SubmitJob([]), stage.client.SubmitJob([])] == [1, 2]


def test_an_error_arrives_as_the_exception_it_was(stage: Stage) -> None:
    stage.peer(bad(["OpPrereqError", ["no such node", "unknown_entity"]]))
    with pytest.raises(errors.OpPrereqError) as caught:
        stage.client.QueryTags("node", "n1")
    assert caught.value.args == ("no such node", "unknown_entity")


@pytest.mark.parametrize("result", ["what was that", ["NoSuchError", []], ["GenericError", "x"], 7])
def test_other_failures_are_protocol_errors(stage: Stage, result: Any) -> None:
    stage.peer(bad(result))
    with pytest.raises(ProtocolError):
        stage.client.QueryClusterInfo()


def test_after_a_protocol_error_there_is_a_new_connection(stage: Stage) -> None:
    peer = stage.peer(bad("what was that"), good(5))
    with pytest.raises(ProtocolError, match="what was that"):
        stage.client.QueryTags("node", "n1")
    assert stage.client.SubmitJob([]) == 5
    assert peer.connections == 2


@pytest.mark.parametrize("answer", [b"{}\x03", b"no json\x03", b"[]\x03", b'{"success":true}\x03'])
def test_answers_that_are_none_are_protocol_errors(stage: Stage, answer: bytes) -> None:
    stage.peer(answer)
    with pytest.raises(ProtocolError):
        stage.client.QueryClusterInfo()


def test_a_query_whose_answer_was_lost_is_asked_again(stage: Stage) -> None:
    peer = stage.peer(HANG_UP, HANG_UP, good(["cluster"]))
    assert stage.client.QueryConfigValues(["cluster_name"]) == ["cluster"]
    assert len(peer.requests) == 3


def test_a_query_is_not_asked_for_ever(stage: Stage) -> None:
    peer = stage.peer(*[HANG_UP] * 31)
    with pytest.raises(ProtocolError, match="before it answered QueryTags"):
        stage.client.QueryTags("cluster", "")
    assert len(peer.requests) == 31
    assert stage.clock.time == 30


def test_a_job_whose_answer_was_lost_is_not_submitted_again(stage: Stage) -> None:
    peer = stage.peer(HANG_UP)
    with pytest.raises(ProtocolError, match="before it answered SubmitJob"):
        stage.client.SubmitJob([])
    assert len(peer.requests) == 1


def test_a_job_is_submitted_after_the_daemon_was_restarted_between_calls(stage: Stage) -> None:
    peer = stage.peer(good(5))
    assert stage.client.SubmitJob([]) == 5
    peer.close()
    os.unlink(stage.paths.query_socket)
    stage.peer(good(6))
    assert stage.client.SubmitJob([]) == 6


def test_without_a_cluster_nobody_is_waited_for(stage: Stage) -> None:
    with pytest.raises(NoMasterError):
        stage.client.QueryClusterInfo()
    assert stage.clock.time == 0


def test_on_another_node_nobody_is_waited_for(stage: Stage) -> None:
    Path(stage.paths.ssconf("master_node")).write_text("node2.example.net\n")
    with pytest.raises(NoMasterError, match="ganeti-query"):
        stage.client.QueryClusterInfo()
    assert stage.clock.time == 0


def test_on_the_master_the_daemon_is_waited_for(stage: Stage) -> None:
    Path(stage.paths.ssconf("master_node")).write_text("node1.example.net\n")
    with pytest.raises(NoMasterError):
        stage.client.QueryClusterInfo()
    assert stage.clock.time == 30


def test_silence_is_a_timeout(stage: Stage) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(stage.paths.query_socket)
        listener.listen()
        with Client(stage.paths, io_timeout_s=0.01) as client:
            with pytest.raises(TimeoutError, match="no answer from the master daemon"):
                client.QueryClusterInfo()
