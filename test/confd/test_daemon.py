# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon as a process: what it refuses, what it notices, and how it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ganeti.confd import daemon
from ganeti.contracts.confd import RequestType
from ganeti.paths import Paths
from ganeti.ssconf import Ssconf
from ganeti.utils import net, retry
from ganeti.utils.clock import Clock
from ganeti.utils.files import Disk
from test.support import confd_daemon
from test.support.confd import config
from test.support.confd_daemon import Confd

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="the daemon runs as root, or as its user")
ROLE = RequestType.NODE_ROLE_BYNAME


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return confd_daemon.places(tmp_path)


def refusal(capsys: pytest.CaptureFixture[str], paths: Paths, *argv: str) -> tuple[int, str]:
    try:
        code = daemon.main(argv, paths)
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "code", "text"),
    [
        (["argument"], 1, "arguments are not expected: argument"),
        (["-b", "192.0.2.1", "-i", "lo"], 1, "-b and -i exclude each other"),
        (["-i", "no-such-if"], 1, "the interface no-such-if has no IPv4 address"),
        (["-p", "70000"], 2, "'70000' is no port"),
        (["--nonsense"], 2, "unrecognized arguments"),
    ],
)
def test_start_is_refused(
    paths: Paths, capsys: pytest.CaptureFixture[str], argv: list[str], code: int, text: str
) -> None:
    found, told = refusal(capsys, paths, *argv)
    assert found == code
    assert text in told


def test_there_is_no_start_without_the_key(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(paths.hmac_key).write_text("\n")
    assert refusal(capsys, paths) == (
        1,
        f"ganeti-confd: the key of the cluster is empty: {paths.hmac_key}\n",
    )
    os.unlink(paths.hmac_key)
    code, told = refusal(capsys, paths)
    assert code == 1
    assert paths.hmac_key in told


def test_the_port_is_that_of_the_services_database() -> None:
    assert daemon.parse([]).port == net.daemon_port("ganeti-confd")


def test_a_taken_port_is_told_to_who_started_it(paths: Paths) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = str(sock.getsockname()[1])
        refused = confd_daemon.start(paths, "-b", "127.0.0.1", "-p", port)
    assert refused.returncode == 1
    assert "Address already in use" in refused.stderr


def answers(running: Confd, role: int | None, name: str = "regular.lab") -> bool:
    reply = running.ask(ROLE, name, timeout_s=0.2)
    return (None if reply is None else reply.answer) == role


def comes(what: Callable[[], bool]) -> bool:
    return retry.until(what, timeout_s=10, clock=Clock(), most_s=0.1)


def test_a_life(paths: Paths) -> None:
    """Started on a node that is no candidate, it becomes one, and the configuration changes."""
    cfg = config()
    with confd_daemon.running(paths) as running:
        assert confd_daemon.start(paths, "-p", str(running.port)).returncode == 1
        assert answers(running, None)
        confd_daemon.distribute(paths, cfg)
        assert comes(lambda: answers(running, 4))
        Path(paths.config_data).write_text("{")
        assert comes(lambda: "is damaged" in running.log())
        assert answers(running, 4)
        promoted = cfg.changed([cfg.node("regular.lab").replace(master_candidate=True)])
        confd_daemon.distribute(paths, promoted)
        assert comes(lambda: answers(running, 1))
        shutil.rmtree(paths.data_dir)
        os.mkdir(paths.data_dir)
        assert comes(lambda: answers(running, None))
        confd_daemon.distribute(paths, cfg)
        assert comes(lambda: answers(running, 4))
    assert "INFO listening on port" in running.log()


def test_the_log_is_opened_anew(paths: Paths) -> None:
    confd_daemon.distribute(paths, config())
    log = Path(paths.daemon_log("ganeti-confd"))
    with confd_daemon.running(paths) as running:
        log.rename(f"{log}.1")
        os.kill(running.pid, signal.SIGHUP)
        assert comes(log.exists)
        assert answers(running, 4)


def test_on_an_ipv6_cluster_both_protocols_are_answered(paths: Paths) -> None:
    Ssconf(paths).write(Disk(), {"primary_ip_family": str(net.IPV6)})
    confd_daemon.distribute(paths, config())
    with confd_daemon.running(paths, "--syslog=no") as running:
        for address in ("::1", "127.0.0.1"):
            assert running.ask(ROLE, "master.lab", at=address) == (0, 0, 7)
