# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon as a process, and what it refuses."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganeti.node import daemon
from ganeti.paths import Paths
from ganeti.rpc.transport import Credentials, Request, Transport
from ganeti.ssconf import Ssconf
from ganeti.utils import net, retry
from ganeti.utils.clock import Clock
from ganeti.utils.files import Disk
from test.support import noded, pki

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="the node daemon runs as root")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return noded.places(tmp_path)


@pytest.mark.parametrize(
    ("argv", "code", "text"),
    [
        (["argument"], 1, "arguments are not expected: argument"),
        (["--max-clients", "0"], 1, "--max-clients must be 1 or more"),
        (["-b", "192.0.2.1", "-i", "lo"], 1, "-b and -i exclude each other"),
        (["-K", "/nowhere"], 1, "the key file /nowhere is missing"),
        (["-C", "/nowhere"], 1, "the certificate file /nowhere is missing"),
        (["--nonsense"], 2, "unrecognized arguments"),
    ],
)
def test_start_is_refused(
    paths: Paths, capsys: pytest.CaptureFixture[str], argv: list[str], code: int, text: str
) -> None:
    try:
        found = daemon.main(argv, paths)
    except SystemExit as exit_:
        found = int(exit_.code or 0)
    assert found == code
    assert text in capsys.readouterr().err


class Running:
    """The daemon in this process, without mlock."""

    def __init__(self, paths: Paths, *more: str) -> None:
        options = daemon.parse(["-f", "-p", "0", "--no-mlock", *more], paths)
        self.daemon = daemon.NodeDaemon(options, paths, "127.0.0.1")
        self.port = self.daemon.port
        self._ready = threading.Event()
        self._thread = threading.Thread(
            target=self.daemon.run, args=(self._ready.set,), daemon=True
        )
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        self.daemon.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def transport(paths: Paths) -> Iterator[Transport]:
    made = Transport(Credentials(paths.server_pem, (paths.client_pem, paths.server_pem)))
    yield made
    made.close()


def status(transport: Transport, port: int, scheme: str = "https") -> int:
    url = f"{scheme}://127.0.0.1:{port}/no_such_call"
    return transport.send(Request(url, b"[]", 10)).result().status


def test_candidates_are_answered_as_ssconf_says(paths: Paths, transport: Transport) -> None:
    running = Running(paths)
    assert status(transport, running.port) == 0  # the list is missing: only the cluster's own
    Ssconf(paths).write(Disk(), {"master_candidates_certs": f"uuid={pki.node().digest}"})
    running.daemon.ssconf_changed()
    assert status(transport, running.port) == 404
    running.stop()


def test_without_tls_everyone_is_answered(paths: Paths, transport: Transport) -> None:
    running = Running(paths, "--no-ssl")
    assert status(transport, running.port, "http") == 404
    running.stop()


def test_the_queue_is_made_ready_and_its_lock_is_free(paths: Paths) -> None:
    running = Running(paths)
    assert Path(paths.queue_version).read_text() == "1\n"
    assert Path(paths.queue_serial).read_text() == "0\n"
    running.stop()


def test_it_runs_in_the_background_until_it_is_told_to_stop(paths: Paths) -> None:
    with noded.running(paths) as daemon:
        assert net.tcp_ping("127.0.0.1", daemon.port)
        again = noded.start(paths, "-b", "127.0.0.1", "-p", str(daemon.port))
        assert again.returncode == 1
        assert "runs already" in again.stderr
    assert f"INFO listening on port {daemon.port}" in daemon.log()


def test_it_stops_although_a_call_goes_on_and_names_it(paths: Paths) -> None:
    with noded.running(paths, "-d", "--no-ssl", stop_s=0.05) as daemon:
        sock = socket.create_connection(("127.0.0.1", daemon.port))
        body = b"[600.0]"
        head = f"POST /test_delay HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body)
        begun = f"test_delay {body!r}"
        assert retry.until(lambda: begun in daemon.log(), timeout_s=10, clock=Clock())
    sock.close()
    assert "POST /test_delay: cut off after 0 s, because the daemon ends" in daemon.log()


def test_a_taken_port_is_told_to_who_started_it(paths: Paths) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = str(sock.getsockname()[1])
        refused = noded.start(paths, "-b", "127.0.0.1", "-p", port)
    assert refused.returncode == 1
    assert "Address already in use" in refused.stderr
