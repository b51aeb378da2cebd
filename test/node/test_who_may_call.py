# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may call the node daemon, and what: every kind of caller tries every class of call."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import simplejson

from ganeti.contracts.node.sender import HEADER
from test.http.clients import client_context, connect, connect_tls, is_closed, post, read_response
from test.support import noded, pki

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="the node daemon runs as root")

EPOCH = 5
CALLS: dict[str, tuple[str, list[object], int]] = {
    "reading": ("version", [], 200),
    "writing": ("write_ssconf_files", [{"cluster_name": "c.example.com"}], 200),
    "once only": ("hooks_runner", ["cluster-verify", "pre", {}], 200),
    "queue": ("jobqueue_set_drain_flag", [True], 200),
    "upload": ("upload_file", [["/etc/passwd", [0, ""], 420, "root", "root", 0, 0]], 200),
    "urgent, but fenced": ("node_powercycle", ["fake", {}], 412),
    "not built": ("vg_list", [], 200),
    "unknown": ("rm", [], 404),
}
"""By class: the call, its arguments, and the status that a candidate gets."""
STRANGERS = {
    "nobody": None,
    "the cluster itself": pki.cluster,
    "a regular node": pki.other_node,
    "an expired node": pki.expired_node,
    "a foreign certificate": pki.stranger,
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[noded.Noded]:
    """A node that obeys a master of a later epoch than the one who asks for a reset here."""
    paths = noded.places(tmp_path_factory.mktemp("node"))
    noded.let_in(paths, pki.node())
    Path(paths.master_epoch).write_text(f"{EPOCH}\n")
    with noded.running(paths, "--no-mlock") as daemon:
        yield daemon


def context(directory: Path, identity: pki.Identity | None) -> ssl.SSLContext:
    return client_context(identity.save(directory / "own.pem") if identity else None)


def request(name: str, args: list[object], _wanted: int = 0) -> bytes:
    epoch = EPOCH - 1 if name == "node_powercycle" else EPOCH
    body = simplejson.dumps(args).encode()
    return post(body, target=f"/{name}", more=f"{HEADER}: master {epoch}\r\n")


def status(daemon: noded.Noded, how: ssl.SSLContext, words: bytes) -> int | None:
    """What the daemon answers; None if it ends the connection."""
    try:
        with connect_tls(daemon, how) as sock:
            sock.sendall(words)
            return read_response(sock)[0]
    except (ssl.SSLError, ConnectionError):
        return None


@pytest.mark.parametrize("identity", STRANGERS.values(), ids=STRANGERS)
def test_only_candidates_get_in(daemon: noded.Noded, tmp_path: Path, identity: object) -> None:
    how = context(tmp_path, identity() if callable(identity) else None)
    found = {kind: status(daemon, how, request(*call)) for kind, call in CALLS.items()}
    assert found == dict.fromkeys(CALLS)
    assert not os.path.exists(daemon.paths.queue_drain)


def test_a_candidate_gets_in(daemon: noded.Noded, tmp_path: Path) -> None:
    how = context(tmp_path, pki.node())
    found = {kind: status(daemon, how, request(*call)) for kind, call in CALLS.items()}
    assert found == {kind: wanted for kind, (_, _, wanted) in CALLS.items()}
    os.unlink(daemon.paths.queue_drain)


def test_a_certificate_is_good_as_long_as_it_is_listed(daemon: noded.Noded, tmp_path: Path) -> None:
    """Digests are pinned, so the date in a certificate decides nothing."""
    how = context(tmp_path, pki.expired_node())
    with connect_tls(daemon, context(tmp_path, pki.node())) as master:
        let_in(master, pki.node(), pki.expired_node())
        assert status(daemon, how, request("version", [])) == 200
        let_in(master, pki.node())
    assert status(daemon, how, request("version", [])) is None


def let_in(sock: ssl.SSLSocket, *candidates: pki.Identity) -> None:
    """A candidate writes the list anew."""
    lines = "\n".join(f"uuid-{n}={one.digest}" for n, one in enumerate(candidates))
    sock.sendall(request("write_ssconf_files", [{"master_candidates_certs": lines}]))
    assert read_response(sock)[0] == 200


@pytest.mark.parametrize("kind", CALLS)
def test_a_demoted_candidate_is_out_on_the_connection_it_has(
    daemon: noded.Noded, tmp_path: Path, kind: str
) -> None:
    """And nothing of what it asks for is done, not even if it demoted itself."""
    demoted, master = context(tmp_path, pki.node()), context(tmp_path, pki.other_node())
    with connect_tls(daemon, demoted) as kept:
        let_in(kept, pki.other_node())
        kept.sendall(request(*CALLS[kind]))
        assert read_response(kept)[0] == 403
        assert is_closed(kept)
    assert status(daemon, demoted, request("version", [])) is None
    with connect_tls(daemon, master) as sock:
        let_in(sock, pki.node())
    assert not os.path.exists(daemon.paths.queue_drain)


def test_without_tls_nothing_is_answered(daemon: noded.Noded) -> None:
    with connect(daemon) as sock:
        sock.sendall(request("version", []))
        assert b"HTTP" not in b"".join(iter(lambda: _received(sock), b""))


def _received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(100)
    except ConnectionError:
        return b""
