# SPDX-License-Identifier: GPL-2.0-or-later
"""The node daemon as a process of its own, with all its files below one directory."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganeti.paths import Paths
from ganeti.ssconf import Ssconf
from ganeti.utils.files import Disk
from test.support import pki

NAME = "ganeti-noded"
PATIENCE_S = 30
ROOT = Path(__file__).parents[2]
MAIN = """\
import sys
from ganeti.node import daemon
from ganeti.paths import Paths
daemon.STOP_S = float(sys.argv[2])
sys.exit(daemon.main(sys.argv[3:], Paths(sys.argv[1])))
"""


def places(root: Path) -> Paths:
    """The directories and certificates of a node that has joined a cluster."""
    paths = Paths(str(root))
    for directory in (
        *(paths.data_dir, paths.queue_dir, paths.run_dir, paths.log_dir, paths.lock_dir),
    ):
        os.makedirs(directory)
    pki.cluster().save(Path(paths.server_pem))
    pki.node().save(Path(paths.client_pem))
    return paths


def let_in(paths: Paths, *candidates: pki.Identity) -> None:
    """These certificates are those of the master candidates."""
    lines = [f"uuid-{n}={identity.digest}" for n, identity in enumerate(candidates)]
    Ssconf(paths).write(Disk(), {"master_candidates_certs": "\n".join(lines)})


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return str(sock.getsockname()[1])


def start(
    paths: Paths, *argv: str, within: Sequence[str] = (), stop_s: float = 30
) -> subprocess.CompletedProcess[str]:
    """Start it in the background, by the command `within` if there is one; how the start ended."""
    command = [*within, sys.executable, "-c", MAIN, paths.root, str(stop_s), *argv]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE_S, cwd=ROOT, check=False
    )


@dataclass(frozen=True)
class Noded:
    """A daemon that runs."""

    paths: Paths
    port: int
    pid: int

    def log(self) -> str:
        return log_of(self.paths)

    def proc(self, name: str) -> str:
        """What the kernel tells of the process."""
        return Path(f"/proc/{self.pid}/{name}").read_text()


def log_of(paths: Paths) -> str:
    return Path(paths.daemon_log(NAME)).read_text()


@contextlib.contextmanager
def running(
    paths: Paths, *argv: str, within: Sequence[str] = (), stop_s: float = 30
) -> Iterator[Noded]:
    """The daemon for as long as the block lasts."""
    port = free_port()
    started = start(paths, "-b", "127.0.0.1", "-p", port, *argv, within=within, stop_s=stop_s)
    assert started.returncode == 0, started.stderr
    with ended_afterwards(paths) as pid:
        yield Noded(paths, int(port), pid)


@contextlib.contextmanager
def ended_afterwards(paths: Paths) -> Iterator[int]:
    """A daemon that was started ends when it is told to, and leaves nothing; its PID."""
    pid_file = Path(paths.pid_file(NAME))
    pid = int(pid_file.read_text())
    try:
        yield pid
    finally:
        end = os.pidfd_open(pid)
        os.kill(pid, signal.SIGTERM)
        assert select.select([end], [], [], PATIENCE_S)[0]
        os.close(end)
    assert not pid_file.exists()
