# SPDX-License-Identifier: GPL-2.0-or-later
"""The client against a scripted peer on a socket."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ganeti import errors
from ganeti.luxi import framing
from ganeti.luxi.client import (
    Client,
    LostError,
    NoAccessError,
    NoAnswerError,
    NoMasterError,
    ProtocolError,
    forced_socket,
)
from ganeti.paths import Paths
from ganeti.utils.clock import Clock


def HANG_UP(connection: socket.socket) -> None:
    pass


def half_an_answer(connection: socket.socket) -> None:
    connection.sendall(framing.encode(good([1, 2, 3]))[:-4])


class Peer:
    """Answers each request with the next of the scripted answers; keeps what it was asked.

    Bytes are sent as they are, functions are called, and then the connection ends.
    """

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
            if callable(answer):
                answer(connection)
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
        self.when_slept: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.when_slept()


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
    with pytest.raises(LostError, match="before it answered QueryTags"):
        stage.client.QueryTags("cluster", "")
    assert len(peer.requests) == 31
    assert stage.clock.time == 30


def test_a_job_whose_answer_was_lost_is_not_submitted_again(stage: Stage) -> None:
    peer = stage.peer(HANG_UP)
    with pytest.raises(LostError, match="before it answered SubmitJob"):
        stage.client.SubmitJob([])
    assert len(peer.requests) == 1


def test_half_an_answer_is_none(stage: Stage) -> None:
    stage.peer(half_an_answer, good(["a"]))
    assert stage.client.QueryTags("cluster", "") == ["a"]


def test_half_an_answer_to_a_submission_leaves_it_unknown(stage: Stage) -> None:
    peer = stage.peer(half_an_answer)
    with pytest.raises(LostError, match="may have been carried out"):
        stage.client.SubmitJob([])
    assert len(peer.requests) == 1


def test_what_was_not_sent_whole_is_sent_again(stage: Stage) -> None:
    """Nobody can have carried it out."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(stage.paths.query_socket)
        listener.listen()
        deaf = threading.Thread(target=_hang_up_on_one, args=(listener,))
        deaf.start()
        stage.clock.when_slept = lambda: _answer_one(listener, good(7))
        assert stage.client.SubmitJob(["x" * 10_000_000]) == 7
        deaf.join()


def _hang_up_on_one(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.close()


def _answer_one(listener: socket.socket, answer: Any) -> None:
    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while not connection.recv(1_000_000).endswith(framing.END):
                pass
            connection.sendall(framing.encode(answer))

    threading.Thread(target=serve, daemon=True).start()


def test_an_answer_that_comes_too_late_is_not_that_of_the_next_call(stage: Stage) -> None:
    """Whoever is interrupted while it waits may go on."""
    interrupted = threading.Event()

    def interrupt(connection: socket.socket) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        assert interrupted.wait(10)
        with contextlib.suppress(OSError):
            connection.sendall(framing.encode(good(["late"])))

    def raise_it(*_: object) -> None:
        raise KeyboardInterrupt

    stage.peer(interrupt, good(["own"]))
    before = signal.signal(signal.SIGUSR1, raise_it)
    try:
        with pytest.raises(KeyboardInterrupt):
            stage.client.QueryTags("cluster", "")
    finally:
        signal.signal(signal.SIGUSR1, before)
        interrupted.set()
    assert stage.client.QueryTags("cluster", "") == ["own"]


def test_an_answer_may_be_larger_than_a_request(stage: Stage) -> None:
    stage.peer(good(["x" * framing.LIMIT]))
    (tag,) = stage.client.QueryTags("cluster", "")
    assert len(tag) == framing.LIMIT


def test_the_other_socket_serves_as_well(stage: Stage) -> None:
    peer = Peer(stage.paths.master_socket, [good(["a"])])
    with Client(stage.paths, socket_path=stage.paths.master_socket) as client:
        assert client.QueryTags("cluster", "") == ["a"]
    peer.close()


@pytest.mark.parametrize(
    ("word", "place"),
    [
        ("master", "/run/ganeti/socket/ganeti-master"),
        ("query", "/run/ganeti/socket/ganeti-query"),
        ("/else/where", "/else/where"),
        ("", None),
    ],
)
def test_the_environment_may_insist_on_a_socket(word: str, place: str | None) -> None:
    assert forced_socket(Paths(), {"FORCE_LUXI_SOCKET": word}) == place


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_who_may_not_talk_to_the_master_is_told_so(stage: Stage) -> None:
    peer = stage.peer(good([]))
    os.chmod(stage.paths.socket_dir, 0o700)
    os.seteuid(65534)
    try:
        with pytest.raises(NoAccessError, match="ganeti-query"):
            stage.client.QueryTags("cluster", "")
    finally:
        os.seteuid(0)
    assert stage.client.QueryTags("cluster", "") == []
    assert peer.connections == 1


def test_each_way_to_fail_is_a_protocol_error() -> None:
    for error in (NoMasterError, NoAccessError, NoAnswerError, LostError):
        assert issubclass(error, ProtocolError)
    assert str(NoAnswerError("no answer")) == "no answer"


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
            with pytest.raises(NoAnswerError, match="no answer from the master daemon"):
                client.QueryClusterInfo()
