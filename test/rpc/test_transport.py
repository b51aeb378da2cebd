# SPDX-License-Identifier: GPL-2.0-or-later
"""The transport against real servers on loopback."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganeti.http.channel import TlsSettings
from ganeti.http.messages import Request as Received
from ganeti.http.messages import Response, error_page
from ganeti.http.server import Server
from ganeti.rpc.transport import Answer, Credentials, Request, Transport
from test.http.clients import serving, tls_settings
from test.support import pki
from test.support.descriptors import few_descriptors


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    pki.node().save(tmp_path / "client.pem")
    ca = pki.cluster().save(tmp_path / "server.pem")
    return Credentials(ca, (str(tmp_path / "client.pem"), ca))


@pytest.fixture
def transport(credentials: Credentials) -> Iterator[Transport]:
    made = Transport(credentials)
    yield made
    made.close()


class Recorder:
    """Answers with the body and remembers from which port, and with which certificate, it was asked."""

    def __init__(self) -> None:
        self.requests: list[Received] = []

    def __call__(self, request: Received) -> Response:
        self.requests.append(request)
        return Response(200, request.body)

    @property
    def connections(self) -> set[int]:
        return {r.peer.port for r in self.requests}


def to(
    server: Server, body: bytes = b"[]", *, repeatable: bool = True, host: str = "127.0.0.1"
) -> Request:
    return Request(f"https://{host}:{server.port}/version", body, 10, repeatable)


def test_a_call_is_a_post_with_the_clients_certificate(
    tmp_path: Path, transport: Transport
) -> None:
    recorder = Recorder()
    with serving(recorder, tls=tls_settings(tmp_path)) as server:
        request = Request(
            f"https://127.0.0.1:{server.port}/call", b"[1]", 10, headers=("X-A: b c",)
        )
        assert transport.send(request).result() == Answer(200, b"[1]")
    [seen] = recorder.requests
    assert (seen.method, seen.target, seen.body) == ("POST", "/call", b"[1]")
    assert seen.peer.digest == pki.node().digest
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["x-a"] == "b c"
    assert seen.headers["user-agent"].startswith("Ganeti ")
    assert "expect" not in seen.headers


def test_without_an_own_certificate_the_clusters_is_shown(tmp_path: Path) -> None:
    recorder = Recorder()
    ca = pki.cluster().save(tmp_path / "server.pem")
    transport = Transport(Credentials(ca, (str(tmp_path / "client.pem"), ca)))
    with serving(recorder, tls=tls_settings(tmp_path)) as server:
        assert transport.send(to(server)).result().status == 200
    transport.close()
    assert recorder.requests[0].peer.digest == pki.cluster().digest


def test_calls_share_a_connection(tmp_path: Path, transport: Transport) -> None:
    recorder, body = Recorder(), b"x" * 300_000
    with serving(recorder, tls=tls_settings(tmp_path)) as server:
        for repeatable in (True, False, False, True):
            call = transport.send(to(server, body, repeatable=repeatable))
            assert call.result() == Answer(200, body)
    assert len(recorder.connections) == 1


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_server_that_was_started_again_is_reached(
    tmp_path: Path, transport: Transport, repeatable: bool
) -> None:
    port = 0
    for _ in range(5):
        with serving(tls=tls_settings(tmp_path), port=port) as server:
            port = server.port
            assert transport.send(to(server, repeatable=repeatable)).result().status == 200


def _read_request(conn: socket.socket) -> bytes:
    """Until the body has begun; raises OSError if that does not come. Returns the head."""
    received = b""
    while not received.partition(b"\r\n\r\n")[2]:
        piece = conn.recv(65536)
        if not piece:
            raise ConnectionResetError
        received += piece
    return received.partition(b"\r\n\r\n")[0]


class Dropper:
    """A plain server that answers some requests of each connection, then reads one and hangs up."""

    def __init__(self, answered: int) -> None:
        self.heard: list[bytes] = []
        self._answered = answered
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open = [self._listening]
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                conn, _ = self._listening.accept()
                self._open.append(conn)
                threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for _ in range(self._answered):
                self.heard.append(_read_request(conn))
                conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            self.heard.append(_read_request(conn))
            conn.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


def test_a_repeatable_call_is_sent_again_when_a_connection_dies(transport: Transport) -> None:
    dropper = Dropper(answered=1)
    url = f"http://127.0.0.1:{dropper.port}/"
    for _ in range(2):
        assert transport.send(Request(url, b"x", 10, True)).result().status == 200
    dropper.close()
    assert len(dropper.heard) == 3
    assert not [head for head in dropper.heard if b"X-Ganeti-Call" in head]


@pytest.mark.parametrize("answered", [0, 1])
def test_of_any_other_call_is_asked_what_became_of_it(transport: Transport, answered: int) -> None:
    """Once; and over a new connection."""
    dropper = Dropper(answered)
    url = f"http://127.0.0.1:{dropper.port}/"
    for _ in range(answered):
        assert transport.send(Request(url, b"x", 10)).result().status == 200
    answer = transport.send(Request(url, b"x", 10)).result()
    dropper.close()
    names = [re.findall(rb"X-Ganeti-Call: (\w+)( again)?", head) for head in dropper.heard]
    [(last, again)], *others = names[::-1]
    assert again
    assert ([(last, b"")] in others) or answered == 0
    assert answer.status == (200 if answered else 0)
    assert answer.is_lost is not bool(answered)


def test_a_refusal_does_not_tell_what_became_of_a_call(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        pending = transport.send(Request(url, b"x", 10))
        for page in (b"", b"HTTP/1.1 500 Full\r\nContent-Length: 0\r\n\r\n"):
            with server.accept()[0] as conn:
                _read_request(conn)
                conn.sendall(page)
        answer = pending.result(timeout=10)
    assert (answer.status, answer.is_lost) == (500, True)


def test_a_renewed_certificate_is_shown_after_the_old_one_was_refused(
    tmp_path: Path, transport: Transport
) -> None:
    allowed = pki.node()

    def authorize(request: Received) -> str | Response:
        return "x" if request.peer.digest == allowed.digest else error_page(403, "no")

    with serving(tls=tls_settings(tmp_path), authorize=authorize) as server:
        assert transport.send(to(server)).result().status == 200
        allowed = pki.other_node()
        assert transport.send(to(server)).result().status == 403
        allowed.save(tmp_path / "client.pem")
        assert transport.send(to(server)).result().status == 200


def test_a_server_without_the_clusters_certificate_is_not_talked_to(
    tmp_path: Path, transport: Transport
) -> None:
    recorder = Recorder()
    pem = pki.stranger().save(tmp_path / "stranger.pem")
    with serving(recorder, tls=TlsSettings(pem, pem)) as server:
        answer = transport.send(to(server)).result()
    assert (answer.status, recorder.requests) == (0, [])
    assert answer.error


def test_certificates_of_version_1_are_good() -> None:
    own = pki.VERSION_1_SERVER
    transport = Transport(Credentials(own, (pki.VERSION_1_CLIENT,)))
    with serving(tls=TlsSettings(own, own, own, lambda _digest, _depth: True)) as server:
        assert transport.send(to(server)).result().status == 200
    transport.close()


def test_nobody_there_is_told_at_once(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    answer = transport.send(Request(f"https://127.0.0.1:{port}/", b"", 10)).result()
    assert answer.status == 0
    assert "onnect" in answer.error


def test_time_runs_out(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        answer = transport.send(Request(url, b"", 0.05)).result()
    assert answer.status == 0
    assert "time" in answer.error.lower()


def test_a_call_without_a_descriptor_fails_alone(tmp_path: Path, transport: Transport) -> None:
    """One descriptor is enough for a call: nothing is opened beside its socket."""
    nobody = Request("https://127.0.0.1:1/", b"", 10)
    with serving(tls=tls_settings(tmp_path)) as server:
        with few_descriptors(0):
            assert transport.send(nobody).result().status == 0
        with few_descriptors(1):
            assert "onnect" in transport.send(nobody).result().error
        assert transport.send(to(server)).result().status == 200


def test_an_address_that_is_none_fails_alone(tmp_path: Path, transport: Transport) -> None:
    with serving(tls=tls_settings(tmp_path)) as server:
        good = transport.send(to(server))
        assert transport.send(Request("https://n\u00f6de:1/", b"", 10)).result().status == 0
        assert transport.send(Request("nonsense://x/", b"", 10)).result().status == 0
        assert good.result().status == 200


def test_closing_gives_up_what_is_on_its_way(credentials: Credentials) -> None:
    transport = Transport(credentials)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        waiting = transport.send(Request(f"http://127.0.0.1:{silent.getsockname()[1]}/", b"", 60))
        transport.close()
    given_up = Answer(0, b"", "the caller is shutting down")
    assert waiting.result(timeout=1) == given_up
    assert transport.send(Request("https://127.0.0.1:1/", b"", 60)).result(timeout=1) == given_up


def test_many_nodes_are_called_at_once(tmp_path: Path, transport: Transport) -> None:
    """Each answers only after all were asked."""
    barrier = threading.Barrier(50)

    def handler(request: Received) -> Response:
        barrier.wait(10)
        return Response(200, request.body)

    body = b"x" * 100_000
    hosts = [f"127.0.0.{n}" for n in range(1, 51)]
    with serving(handler, address="0.0.0.0", tls=tls_settings(tmp_path), max_clients=50) as server:
        calls = [transport.send(to(server, body, host=host)) for host in hosts]
        assert all(call.result() == Answer(200, body) for call in calls)


def test_calls_beyond_the_limit_of_connections_wait(
    tmp_path: Path, credentials: Credentials
) -> None:
    transport = Transport(credentials, max_connections=3)
    hosts = [f"127.0.0.{n}" for n in range(1, 21)]
    recorder = Recorder()
    with serving(recorder, address="0.0.0.0", tls=tls_settings(tmp_path)) as server:
        calls = [transport.send(to(server, host=host)) for host in hosts]
        assert [call.result().status for call in calls] == [200] * len(hosts)
    transport.close()
