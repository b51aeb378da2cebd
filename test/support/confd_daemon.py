# SPDX-License-Identifier: GPL-2.0-or-later
"""confd as a process of its own, with all its files below one directory."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ganeti.confd.client import ConfdClient, Upcall
from ganeti.confd.packet import Key
from ganeti.contracts.confd import Query, Reply, RequestType, request
from ganeti.model import configfile
from ganeti.model.config import Config
from ganeti.paths import Paths
from ganeti.utils.files import Disk
from test.support.confd import SECRET

NAME = "ganeti-confd"
PATIENCE_S = 30
ROOT = Path(__file__).parents[2]
MAIN = """\
import sys
from ganeti.confd import daemon
from ganeti.paths import Paths
sys.exit(daemon.main(sys.argv[2:], Paths(sys.argv[1])))
"""


def places(root: Path) -> Paths:
    """The directories and the key of a node that has joined a cluster."""
    paths = Paths(str(root))
    for directory in (paths.data_dir, paths.run_dir, paths.log_dir, paths.lock_dir):
        os.makedirs(directory)
    Path(paths.hmac_key).write_bytes(SECRET)
    return paths


def distribute(paths: Paths, cfg: Config) -> None:
    """The master sends the configuration."""
    Disk().write(paths.config_data, configfile.encode(cfg))


def free_port() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return str(sock.getsockname()[1])


def start(paths: Paths, *argv: str) -> subprocess.CompletedProcess[str]:
    """Start it in the background; how the start ended."""
    command = [sys.executable, "-c", MAIN, paths.root, *argv]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE_S, cwd=ROOT, check=False
    )


@dataclass(frozen=True)
class Confd:
    """A daemon that runs."""

    paths: Paths
    port: int
    pid: int

    def log(self) -> str:
        return Path(self.paths.daemon_log(NAME)).read_text()

    def ask(
        self, kind: RequestType, query: Query = None, *, at: str = "127.0.0.1", timeout_s: float = 5
    ) -> Reply | None:
        """The reply; None if none comes in time."""
        replies: list[Reply | None] = []

        def told(upcall: Upcall) -> None:
            replies.append(upcall.server_reply)

        with ConfdClient(Key(SECRET), [at], told, port=self.port) as client:
            client.wait_for_reply(client.send(request(kind, query)), timeout_s)
        return replies[0] if replies else None


@contextlib.contextmanager
def running(paths: Paths, *argv: str) -> Iterator[Confd]:
    """The daemon for as long as the block lasts; it ends when it is told to, and leaves nothing."""
    port = free_port()
    started = start(paths, "-p", port, *(argv or ("-b", "127.0.0.1")))
    assert started.returncode == 0, started.stderr
    pid_file = Path(paths.pid_file(NAME))
    pid = int(pid_file.read_text())
    try:
        yield Confd(paths, int(port), pid)
    finally:
        end = os.pidfd_open(pid)
        os.kill(pid, signal.SIGTERM)
        assert select.select([end], [], [], PATIENCE_S)[0]
        os.close(end)
    assert not pid_file.exists()
