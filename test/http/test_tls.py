# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS of the server: who gets in, and for how long."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from ganeti.errors import X509CertError
from ganeti.http.channel import TlsSettings
from ganeti.http.messages import Request, Response, error_page
from test.http.clients import (
    client_context,
    connect,
    connect_tls,
    is_closed,
    post,
    read_response,
    serving,
    tls_settings,
)
from test.support import pki


def only(*wanted: pki.Identity) -> set[str]:
    return {identity.digest for identity in wanted}


def test_the_certificate_is_looked_at_before_every_request(tmp_path: Path) -> None:
    allowed = only(pki.node())

    def authorize(request: Request) -> str | Response:
        digest = request.peer.digest
        return digest if digest in allowed else error_page(403, "out")

    context = client_context(pki.node().save(tmp_path / "client.pem"))
    with serving(tls=tls_settings(tmp_path), authorize=authorize) as server:
        with connect_tls(server, context) as sock:
            sock.sendall(post(b"in"))
            assert read_response(sock) == (200, b"POST in")
            allowed.clear()
            sock.sendall(post(b"out"))
            assert read_response(sock)[0] == 403
            assert is_closed(sock)


def test_every_certificate_of_the_chain_is_shown_to_the_check(tmp_path: Path) -> None:
    seen: dict[int, str] = {}

    def accept(digest: str, depth: int) -> bool:
        seen[depth] = digest
        return True

    context = client_context(pki.node().save(tmp_path / "client.pem"))
    with serving(tls=tls_settings(tmp_path, accept)) as server, connect_tls(server, context) as s:
        s.sendall(post())
        assert read_response(s)[0] == 200
    assert seen == {0: pki.node().digest, 1: pki.cluster().digest}


@pytest.mark.parametrize(
    ("identity", "answers"),
    [
        (pki.node, True),
        (pki.cluster, False),
        (pki.expired_node, True),
        (pki.other_node, False),
        (pki.stranger, False),
        (None, False),
    ],
)
def test_who_gets_in(tmp_path: Path, identity: object, answers: bool) -> None:
    """Certificates are pinned: an expired one that is listed is good, one that is not listed never."""
    listed = only(pki.node(), pki.expired_node())
    settings = tls_settings(tmp_path, lambda digest, depth: depth > 0 or digest in listed)
    pem = identity().save(tmp_path / "client.pem") if callable(identity) else None
    with serving(tls=settings) as server:
        assert _is_answered(server, client_context(pem)) is answers


def _is_answered(server: object, context: ssl.SSLContext) -> bool:
    try:
        with connect_tls(server, context) as sock:  # type: ignore[arg-type]
            sock.sendall(post())
            return read_response(sock)[0] == 200
    except (ssl.SSLError, ConnectionError):
        return False


def test_without_a_check_no_certificate_is_asked_for(tmp_path: Path) -> None:
    with serving(tls=tls_settings(tmp_path, None)) as server:
        assert _is_answered(server, client_context(None))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_never_resumed(tmp_path: Path, version: ssl.TLSVersion) -> None:
    context = client_context(pki.node().save(tmp_path / "client.pem"))
    context.minimum_version = context.maximum_version = version
    with serving(tls=tls_settings(tmp_path)) as server:
        with connect_tls(server, context) as first:
            first.sendall(post())
            assert read_response(first)[0] == 200
            session = first.session
        with connect_tls(server, context, session=session) as second:
            second.sendall(post())
            assert read_response(second)[0] == 200
            assert not second.session_reused


def test_old_versions_of_tls_are_refused(tmp_path: Path) -> None:
    context = client_context(pki.node().save(tmp_path / "client.pem"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with serving(tls=tls_settings(tmp_path)) as server:
        assert not _is_answered(server, context)


def test_megabytes_go_both_ways(tmp_path: Path) -> None:
    context = client_context(pki.node().save(tmp_path / "client.pem"))
    body = bytes(range(256)) * 40_000
    with serving(lambda r: Response(200, r.body), tls=tls_settings(tmp_path)) as server:
        with connect_tls(server, context) as sock:
            for _ in range(2):
                sock.sendall(post(body))
                assert read_response(sock) == (200, body)


def test_certificates_of_version_1_are_good(tmp_path: Path) -> None:
    pem = pki.VERSION_1_SERVER
    settings = TlsSettings(pem, pem, pem, lambda _digest, _depth: True)
    context = client_context(pki.VERSION_1_CLIENT)
    with serving(tls=settings) as server:
        assert _is_answered(server, context)


@pytest.mark.parametrize("count", [49, 200])
def test_strangers_that_stand_in_the_door_do_not_keep_others_out(
    tmp_path: Path, count: int
) -> None:
    """Half-open handshakes, fewer than may be pending or more."""
    context = client_context(pki.node().save(tmp_path / "client.pem"))
    with serving(tls=tls_settings(tmp_path), max_connections=100) as server:
        strangers = [connect(server) for _ in range(count)]
        for sock in strangers[::2]:
            sock.sendall(b"\x16\x03\x01\x02\x00")
        assert _is_answered(server, context)
        for sock in strangers:
            sock.close()


def test_garbage_instead_of_a_handshake_ends_the_connection(tmp_path: Path) -> None:
    with serving(tls=tls_settings(tmp_path)) as server, connect(server) as sock:
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        sock.settimeout(2)
        assert b"HTTP" not in b"".join(iter(lambda: _received(sock), b""))


def _received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(100)
    except ConnectionError:
        return b""


def test_a_certificate_that_is_none_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "server.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\n")
    with pytest.raises(X509CertError, match=f"{broken}: it cannot be used"):
        TlsSettings(str(broken), str(broken)).context()
