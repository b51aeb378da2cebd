# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon as a process, and what it refuses."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
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
from test.support import pki

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="the node daemon runs as root")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(str(tmp_path))
    for directory in (paths.data_dir, paths.queue_dir, paths.run_dir, paths.log_dir):
        os.makedirs(directory)
    os.makedirs(paths.lock_dir)
    pki.cluster().save(Path(paths.server_pem))
    pki.node().save(Path(paths.client_pem))
    return paths


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


START = "import sys; from ganeti.node import daemon; from ganeti.paths import Paths;"
START += (
    " daemon.STOP_S = float(sys.argv[2]); sys.exit(daemon.main(sys.argv[3:], Paths(sys.argv[1])))"
)


def start(paths: Paths, *argv: str, stop_s: float = 30) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", START, paths.root, str(stop_s), "-b", "127.0.0.1", *argv]
    cwd = Path(__file__).parents[2]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=cwd, check=False)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return str(sock.getsockname()[1])


@contextlib.contextmanager
def stopped_afterwards(paths: Paths) -> Iterator[None]:
    """Tell the daemon in the background to stop, and see it end."""
    pid = int(Path(paths.pid_file("ganeti-noded")).read_text())
    try:
        yield
    finally:
        end = os.pidfd_open(pid)
        os.kill(pid, signal.SIGTERM)
        assert select.select([end], [], [], 10)[0]
        os.close(end)
    assert not Path(paths.pid_file("ganeti-noded")).exists()


def log_of(paths: Paths) -> str:
    return Path(paths.daemon_log("ganeti-noded")).read_text()


def test_it_runs_in_the_background_until_it_is_told_to_stop(paths: Paths) -> None:
    port = free_port()
    assert start(paths, "-p", port).returncode == 0
    with stopped_afterwards(paths):
        assert net.tcp_ping("127.0.0.1", int(port))
        again = start(paths, "-p", port)
        assert again.returncode == 1
        assert "runs already" in again.stderr
    assert f"INFO listening on port {port}" in log_of(paths)


def test_it_stops_although_a_call_goes_on_and_names_it(paths: Paths) -> None:
    port = free_port()
    assert start(paths, "-d", "--no-ssl", "-p", port, stop_s=0.05).returncode == 0
    with socket.create_connection(("127.0.0.1", int(port))) as sock:
        with stopped_afterwards(paths):
            body = b"[600.0]"
            head = f"POST /test_delay HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            sock.sendall(head.encode() + body)
            begun = f"test_delay {body!r}"
            assert retry.until(lambda: begun in log_of(paths), timeout_s=10, clock=Clock())
    assert "POST /test_delay: cut off after 0 s, because the daemon ends" in log_of(paths)


def test_a_taken_port_is_told_to_who_started_it(paths: Paths) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        refused = start(paths, "-p", str(sock.getsockname()[1]))
    assert refused.returncode == 1
    assert "Address already in use" in refused.stderr
