# SPDX-License-Identifier: GPL-2.0-or-later
"""The HTTP server, spoken to by clients that behave and by clients that do not."""

from __future__ import annotations

import logging
import socket
import threading

import pytest

from ganeti.errors import IPAddressError
from ganeti.http.connection import Limits
from ganeti.http.messages import Request, Response, error_page
from ganeti.http.server import Server
from test.http.clients import (
    anybody,
    connect,
    echo,
    is_closed,
    post,
    read_response,
    read_whole_response,
    serving,
)


def test_requests_follow_each_other_on_one_connection() -> None:
    with serving() as server, connect(server) as sock:
        for body in (b"one", b"two"):
            sock.sendall(post(body))
            assert read_response(sock) == (200, b"POST " + body)


def test_answers_say_who_and_when() -> None:
    with serving() as server, connect(server) as sock:
        sock.sendall(post())
        _, _, headers = read_whole_response(sock)
    assert headers["Server"].startswith("Ganeti ")
    assert headers["Date"].endswith(" GMT")
    assert "Connection" not in headers


def test_pipelined_requests_are_answered_in_order() -> None:
    with serving() as server, connect(server) as sock:
        sock.sendall(post(b"one") + post(b"two", more="Connection: close\r\n"))
        answers = b"".join(iter(lambda: sock.recv(1000), b""))
    assert answers.count(b"HTTP/1.1 200 ") == 2
    assert answers.index(b"POST one") < answers.index(b"POST two")


def test_a_request_may_come_in_crumbs() -> None:
    with serving() as server, connect(server) as sock:
        for byte in post(b"crumbs"):
            sock.sendall(bytes([byte]))
        assert read_response(sock) == (200, b"POST crumbs")


def test_chunked_bodies_are_joined() -> None:
    chunked = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serving() as server, connect(server) as sock:
        sock.sendall(chunked + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        assert read_response(sock) == (200, b"POST abcde")


@pytest.mark.parametrize(
    "request_bytes", [post(version="1.0"), post(more="Connection: close\r\n")], ids=["1.0", "close"]
)
def test_a_client_that_wants_one_answer_gets_one(request_bytes: bytes) -> None:
    with serving() as server, connect(server) as sock:
        sock.sendall(request_bytes)
        assert read_response(sock)[0] == 200
        assert is_closed(sock)


def test_head_has_no_body() -> None:
    with serving() as server, connect(server) as sock:
        sock.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        status, body, headers = read_whole_response(sock, "HEAD")
        assert (status, body, headers["Content-Length"]) == (200, b"", "5")
        sock.sendall(post(b"next"))
        assert read_response(sock) == (200, b"POST next")


def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    with serving() as server, connect(server) as sock:
        head, _, body = post(b"body", more="Expect: 100-continue\r\n").partition(b"\r\n\r\n")
        sock.sendall(head + b"\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 100 ")
        sock.sendall(body)
        assert read_response(sock) == (200, b"POST body")


SMALL = Limits(request_line=100, headers=100, body=100)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x00\x05hello\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400),
        (post(target="/" + "x" * 90), 414),
        (post(more=f"X: {'x' * 80}\r\n"), 431),
        (post(more=f"X: {'x' * 200}\r\n"), 431),
        (post(b"x" * 101), 413),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + b"x" * 101,
            413,
        ),
    ],
    ids=["words", "tls", "no-host", "line", "headers", "all", "body", "chunks"],
)
def test_what_is_no_request_is_refused_and_the_connection_closed(
    request_bytes: bytes, status: int
) -> None:
    with serving(limits=SMALL) as server, connect(server) as sock:
        sock.sendall(request_bytes)
        got, body, headers = read_whole_response(sock)
        assert (got, headers["Content-Type"], headers["Connection"]) == (
            status,
            "text/html",
            "close",
        )
        assert b"<html>" in body
        assert is_closed(sock)


def test_a_refused_body_that_is_still_on_its_way_does_not_reset_the_answer() -> None:
    with serving(limits=SMALL) as server, connect(server) as sock:
        sock.sendall(post(b"x" * 100_000))
        assert read_response(sock)[0] == 413


def test_a_broken_handler_is_not_the_end() -> None:
    def broken(request: Request) -> Response:
        if request.body:
            raise RuntimeError("secret")
        return Response(200, b"fine")

    with serving(broken) as server, connect(server) as sock:
        sock.sendall(post(b"x"))
        status, body = read_response(sock)
        assert status == 500
        assert b"secret" not in body
        sock.sendall(post())
        assert read_response(sock) == (200, b"fine")


def test_a_refusal_is_sent_instead_of_the_handlers_answer() -> None:
    calls = []

    def handler(request: Request) -> Response:
        calls.append(request.principal)
        return Response(200)

    def authorize(request: Request) -> str | Response:
        return "ann" if request.body == b"ann" else error_page(403, "<no>")

    with serving(handler, authorize=authorize) as server, connect(server) as sock:
        sock.sendall(post(b"ann"))
        assert read_response(sock)[0] == 200
        sock.sendall(post(b"bob"))
        status, body = read_response(sock)
        assert (status, b"&lt;no&gt;" in body) == (403, True)
        assert is_closed(sock)
    assert calls == ["ann"]


class Gate:
    """A handler that waits until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()

    def __call__(self, request: Request) -> Response:
        if request.body == b"wait":
            self.entered.release()
            assert self.opened.wait(10)
        return Response(200, request.body)


def test_requests_beyond_max_clients_wait_unanswered() -> None:
    gate = Gate()
    with serving(gate, max_clients=2) as server:
        busy = [connect(server) for _ in range(2)]
        for sock in busy:
            sock.sendall(post(b"wait"))
            assert gate.entered.acquire(timeout=10)
        with connect(server) as third:
            third.sendall(post(b"third"))
            third.settimeout(0.05)
            with pytest.raises(TimeoutError):
                third.recv(1)
            gate.opened.set()
            third.settimeout(10)
            assert read_response(third) == (200, b"third")
        for sock in busy:
            assert read_response(sock) == (200, b"wait")
            sock.close()


def test_an_urgent_request_waits_for_no_other() -> None:
    gate = Gate()

    def is_urgent(request: Request) -> bool:
        return request.target == "/now"

    with serving(gate, max_clients=1, is_urgent=is_urgent) as server:
        with connect(server) as busy, connect(server) as sock:
            busy.sendall(post(b"wait"))
            assert gate.entered.acquire(timeout=10)
            sock.sendall(post(b"urgent", target="/now") + post(b"later"))
            assert read_response(sock) == (200, b"urgent")
            sock.settimeout(0.05)
            with pytest.raises(TimeoutError):
                sock.recv(1)
            gate.opened.set()
            sock.settimeout(10)
            assert read_response(sock) == (200, b"later")
            assert read_response(busy) == (200, b"wait")


def test_a_client_that_did_not_wait_for_its_turn_is_not_served() -> None:
    gate, served = Gate(), []

    def handler(request: Request) -> Response:
        served.append(request.body)
        return gate(request)

    with serving(handler, max_clients=1) as server, connect(server) as busy:
        busy.sendall(post(b"wait"))
        assert gate.entered.acquire(timeout=10)
        with connect(server) as impatient:
            impatient.sendall(post(b"impatient"))
        with connect(server) as patient:
            patient.sendall(post(b"patient"))
            gate.opened.set()
            assert read_response(patient) == (200, b"patient")
        assert read_response(busy) == (200, b"wait")
    assert served == [b"wait", b"patient"]


def test_clients_that_dawdle_do_not_count() -> None:
    with serving(max_clients=1) as server:
        slow = [connect(server) for _ in range(50)]
        for index, sock in enumerate(slow):
            sock.sendall(post(b"slow")[: index + 1])
        with connect(server) as sock:
            sock.sendall(post(b"quick"))
            assert read_response(sock) == (200, b"POST quick")
        for index, sock in enumerate(slow):
            sock.sendall(post(b"slow")[index + 1 :])
            assert read_response(sock) == (200, b"POST slow")
            sock.close()


def test_clients_that_do_not_read_do_not_hold_a_thread() -> None:
    large = b"x" * 20_000_000
    with serving(lambda r: Response(200, r.body or large), max_clients=1) as server:
        with connect(server) as deaf, connect(server) as sock:
            deaf.sendall(post())
            assert deaf.recv(1) == b"H"
            sock.sendall(post(b"quick"))
            assert read_response(sock) == (200, b"quick")
            rest = 0
            while rest < len(large):
                rest += len(deaf.recv(1_000_000))


HURRIED = Limits(read_s=0.05, write_s=0.05)


@pytest.mark.parametrize("begun", [b"PO", post(b"four")[:-1]], ids=["head", "body"])
def test_an_unfinished_request_is_given_up_but_an_idle_client_stays(begun: bytes) -> None:
    with serving(limits=HURRIED) as server, connect(server) as idle, connect(server) as sock:
        idle.sendall(post())
        assert read_response(idle)[0] == 200
        sock.sendall(begun)
        assert is_closed(sock)
        idle.sendall(post(b"still here"))
        assert read_response(idle) == (200, b"POST still here")


class GivenUp(logging.Handler):
    """Tells when the server gives a client up."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if "given up while writing" in record.getMessage():
            self.seen.set()


def test_an_answer_that_nobody_takes_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    large = b"x" * 20_000_000
    given_up = GivenUp()
    caplog.set_level(logging.INFO, "ganeti.http.server")
    logging.getLogger("ganeti.http.server").addHandler(given_up)
    with serving(lambda _: Response(200, large), limits=HURRIED) as server, connect(server) as sock:
        sock.sendall(post())
        assert given_up.seen.wait(10)
        assert len(b"".join(iter(lambda: sock.recv(1_000_000), b""))) < len(large)
    logging.getLogger("ganeti.http.server").removeHandler(given_up)


def test_the_oldest_idle_connection_makes_room() -> None:
    gate = Gate()
    with serving(gate, max_connections=3) as server:
        working, oldest, younger = connect(server), connect(server), connect(server)
        working.sendall(post(b"wait"))
        assert gate.entered.acquire(timeout=10)
        for sock in (oldest, younger, younger):  # then the listener has the oldest back for sure
            sock.sendall(post(b"x"))
            assert read_response(sock)[0] == 200
        with connect(server) as newcomer:
            newcomer.sendall(post(b"new"))
            assert read_response(newcomer) == (200, b"new")
        assert is_closed(oldest)
        younger.sendall(post(b"still here"))
        assert read_response(younger) == (200, b"still here")
        gate.opened.set()
        assert read_response(working) == (200, b"wait")
        for sock in (working, oldest, younger):
            sock.close()


def test_stop_answers_what_is_in_progress() -> None:
    gate = Gate()
    with serving(gate) as server, connect(server) as sock, connect(server) as idle:
        sock.sendall(post(b"wait"))
        assert gate.entered.acquire(timeout=10)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        gate.opened.set()
        status, body, headers = read_whole_response(sock)
        assert (status, body, headers["Connection"]) == (200, b"wait", "close")
        assert is_closed(idle)
        stopping.join(10)
        assert not stopping.is_alive()


def test_stop_closes_who_is_idle_at_once() -> None:
    gate = Gate()
    with serving(gate) as server, connect(server) as sock, connect(server) as idle:
        idle.sendall(post())
        assert read_response(idle)[0] == 200
        sock.sendall(post(b"wait"))
        assert gate.entered.acquire(timeout=10)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        assert is_closed(idle)
        gate.opened.set()
        assert read_response(sock) == (200, b"wait")
        stopping.join(10)


def test_stop_waits_only_so_long_and_tells_what_it_cuts_off(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = Gate()
    with (
        serving(gate, max_clients=1) as server,
        connect(server) as begun,
        connect(server) as waiting,
    ):
        begun.sendall(post(b"wait", target="/instance_os_add"))
        assert gate.entered.acquire(timeout=10)
        waiting.sendall(post(b"x", target="/instance_start"))
        waiting.settimeout(0.05)
        with pytest.raises(TimeoutError):
            waiting.recv(1)
        server.stop(0)
        told = sorted(r.getMessage().partition(" ")[2] for r in caplog.records)
        gate.opened.set()
    assert told == [
        "POST /instance_os_add: cut off after 0 s, because the daemon ends",
        "POST /instance_start: not begun after 0 s, because the daemon ends",
    ]


def test_ipv6() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    seen = []

    def handler(request: Request) -> Response:
        seen.append(str(request.peer))
        return Response(200)

    with serving(handler, address="::1") as server, connect(server, "::1") as sock:
        sock.sendall(post())
        assert read_response(sock)[0] == 200
        assert seen == [f"[::1]:{sock.getsockname()[1]}"]


def test_a_taken_port_is_an_error() -> None:
    with serving() as server, pytest.raises(IPAddressError, match="already in use"):
        Server("127.0.0.1", server.port, None, echo, anybody)
