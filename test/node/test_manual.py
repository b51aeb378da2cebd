# SPDX-License-Identifier: GPL-2.0-or-later
"""What ganeti-noded(8) promises, shown on the daemon as a process."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import simplejson

from ganeti.paths import Paths
from ganeti.utils import retry
from ganeti.utils.clock import Clock
from test.http.clients import client_context, connect_tls, post, read_response
from test.support import noded, pki
from test.support.noded import NAME, Noded

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="the node daemon runs as root")

MAX_CLIENTS = 20
IDLE = 30
HOLD = '#!/bin/sh\nread line < "$1"\necho "\\"$line\\""\n'
# Mappings of the kernel's own, which no process can lock.
NOT_MEMORY = ("[vvar]", "[vvar_vclock]", "[vdso]", "[vsyscall]")
# What the daemon may take of the memory of a node, whatever it is doing.
MOST_KB = 80_000


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = noded.places(tmp_path / "node")
    noded.let_in(paths, pki.node())
    return paths


def wait_until(holds: Callable[[], bool]) -> None:
    assert retry.until(holds, timeout_s=10, first_delay_s=0.01, clock=Clock())


def ask(sock: socket.socket, name: str, *args: object) -> None:
    sock.sendall(post(simplejson.dumps(args).encode(), target=f"/{name}"))


def answer(sock: socket.socket) -> Any:
    status, body = read_response(sock)
    assert status == 200
    return simplejson.loads(body)


class Caller:
    """Makes connections of a candidate, which end with the block."""

    def __init__(self, daemon: Noded, stack: contextlib.ExitStack) -> None:
        self._daemon, self._stack = daemon, stack
        self._context = client_context(daemon.paths.client_pem)

    def connect(self) -> ssl.SSLSocket:
        return self._stack.enter_context(connect_tls(self._daemon, self._context))

    def connections(self, count: int) -> list[ssl.SSLSocket]:
        return [self.connect() for _ in range(count)]


@contextlib.contextmanager
def calling(paths: Paths, *argv: str) -> Iterator[tuple[Noded, Caller]]:
    with noded.running(paths, *argv) as daemon, contextlib.ExitStack() as stack:
        yield daemon, Caller(daemon, stack)


class Held:
    """A request that is in progress until it is let go."""

    def __init__(self, sock: socket.socket, directory: Path, number: int) -> None:
        self.sock, fifo = sock, directory / f"fifo{number}"
        program = directory / "hold"
        program.write_text(HOLD)
        program.chmod(0o755)
        os.mkfifo(fifo)
        ask(sock, "run_oob", str(program), str(fifo), "node", 60)
        wait_until(lambda: self._opened(fifo))

    def _opened(self, fifo: Path) -> bool:
        """Somebody reads it: the program runs."""
        try:
            self._end = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return False
        return True

    def let_go(self) -> object:
        os.write(self._end, b"gone\n")
        os.close(self._end)
        return answer(self.sock)


def is_silent(sock: socket.socket) -> bool:
    sock.settimeout(0.05)
    try:
        sock.recv(1)
    except TimeoutError:
        return True
    finally:
        sock.settimeout(10)
    return False


def test_twenty_requests_are_in_progress_and_the_next_waits(paths: Paths, tmp_path: Path) -> None:
    with calling(paths, "--no-mlock") as (_, caller):
        idle = caller.connections(IDLE)
        for sock in idle:
            ask(sock, "version")
            assert answer(sock) == [True, 3000000]
        held = [Held(s, tmp_path, n) for n, s in enumerate(caller.connections(MAX_CLIENTS))]
        late = caller.connections(3)
        for sock in (*late, idle[0]):
            ask(sock, "version")
        assert all(is_silent(sock) for sock in (*late, idle[0]))
        assert held.pop().let_go() == [True, "gone"]
        for sock in (*late, idle[0]):
            assert answer(sock) == [True, 3000000]
        assert [request.let_go() for request in held] == [[True, "gone"]] * (MAX_CLIENTS - 1)


def mappings(daemon: Noded) -> dict[str, bool]:
    """The mappings of the process, and whether each is locked."""
    found, where = {}, ""
    for line in daemon.proc("smaps").splitlines():
        words = line.split()
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            where = " ".join(words[0:1] + words[5:])
        elif words[0] == "VmFlags:" and not where.endswith(NOT_MEMORY):
            found[where] = "lo" in words
    return found


def kilobytes(daemon: Noded, file: str, name: str) -> int:
    [line] = [line for line in daemon.proc(file).splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1])


def test_all_memory_is_locked_also_that_which_is_needed_later(paths: Paths, tmp_path: Path) -> None:
    with calling(paths) as (daemon, caller):
        before = mappings(daemon)
        held = [Held(s, tmp_path, n) for n, s in enumerate(caller.connections(MAX_CLIENTS))]
        large = caller.connect()
        ask(large, "upload_file_single", "/x", [0, "x" * 9_000_000], 0o600, "root", "root", 0, 0)
        assert answer(large) if held.pop().let_go() else None
        after = mappings(daemon)
        assert len(after) > len(before) > 100
        assert [where for where, is_locked in after.items() if not is_locked] == []
        assert kilobytes(daemon, "status", "VmLck") > 0
        assert kilobytes(daemon, "status", "VmSwap") == 0
        assert kilobytes(daemon, "smaps_rollup", "Pss") < MOST_KB
        for request in held:
            request.let_go()


def test_without_mlock_nothing_is_locked(paths: Paths) -> None:
    with noded.running(paths, "--no-mlock") as daemon:
        assert kilobytes(daemon, "status", "VmLck") == 0


def apart(script: str, *words: str) -> Sequence[str]:
    """Run a command after `script`, in mounts and a network of its own."""
    return [
        "unshare",
        "--net",
        "--mount",
        "sh",
        "-ec",
        f'{script}\nshift {len(words)}\nexec "$@"',
        "sh",
        *words,
    ]


NETWORK = """\
ip link set lo up
ip link add port0 type veth peer name port1
ip address add 192.0.2.7/24 dev port0
ip link set port0 up
mount --bind "$1" /etc/services
"""


def listening(daemon_pid: int) -> list[str]:
    """Where the process listens, as the kernel writes it."""
    lines = Path(f"/proc/{daemon_pid}/net/tcp").read_text().splitlines()[1:]
    return [words[1] for words in map(str.split, lines) if words[3] == "0A"]


@contextlib.contextmanager
def started(paths: Paths, *argv: str, within: Sequence[str]) -> Iterator[int]:
    """Started with just these options; its PID."""
    done = noded.start(paths, "--no-mlock", *argv, within=within)
    assert done.returncode == 0, done.stderr
    with noded.ended_afterwards(paths) as pid:
        yield pid


@pytest.mark.parametrize(
    ("argv", "where"),
    [
        ([], "00000000:0AFB"),
        (["-p", "1812"], "00000000:0714"),
        (["-i", "port0"], "070200C0:0AFB"),
        (["-b", "192.0.2.7"], "070200C0:0AFB"),
    ],
)
def test_where_it_listens(paths: Paths, tmp_path: Path, argv: list[str], where: str) -> None:
    services = tmp_path / "services"
    services.write_text("ssh 22/tcp\nganeti-noded 2811/tcp\n")
    with started(paths, *argv, within=apart(NETWORK, str(services))) as pid:
        assert listening(pid) == [where]


DEVICES = """\
mount -t tmpfs none "$1"
for name in null zero random urandom; do touch "$1/$name"; mount --bind "/dev/$name" "$1/$name"; done
ln -s "$2" "$1/log"
mount --move "$1" /dev
"""


@pytest.mark.parametrize(("choice", "has_file"), [("yes", True), ("only", False)])
def test_syslog(paths: Paths, tmp_path: Path, choice: str, has_file: bool) -> None:
    (tmp_path / "dev").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(str(tmp_path / "log"))
        syslog.settimeout(10)
        within = apart(DEVICES, str(tmp_path / "dev"), str(tmp_path / "log"))
        with started(paths, "-p", "0", f"--syslog={choice}", within=within) as pid:
            assert re.fullmatch(
                rf"<30>{NAME}\[{pid}\]: \(MainThread\) INFO listening on port \d+\0?",
                syslog.recv(1000).decode(),
            )
    assert Path(paths.daemon_log(NAME)).exists() is has_file


def test_a_rotated_log_is_followed_by_a_new_one(paths: Paths) -> None:
    log = Path(paths.daemon_log(NAME))
    with calling(paths, "--no-mlock") as (daemon, caller):
        log.rename(log.with_suffix(".1"))
        os.kill(daemon.pid, signal.SIGHUP)
        wait_until(log.exists)
        sock = caller.connect()
        ask(sock, "version")
        assert answer(sock) == [True, 3000000]
        wait_until(lambda: "POST /version HTTP/1.1 200" in daemon.log())


SECRET = "dont-tell-me"


def secret_calls(paths: Paths) -> list[tuple[str, list[object]]]:
    """Calls with a secret in them: that succeed, that fail, and whose arguments do not fit."""
    upload = [paths.cluster_domain_secret, [0, SECRET], 0o640, "root", "root", 0, 0]
    instance = {
        "uuid": "u",
        "name": "web",
        "primary_node": "n",
        "os": "missing",
        "hypervisor": "fake",
        "hvparams": {},
        "beparams": {},
        "osparams": {},
        "osparams_private": {"key": SECRET},
        "admin_state": "up",
        "nics": [],
        "disks": [],
        "disks_info": [],
    }
    return [
        ("upload_file", [upload]),
        ("upload_file_single", ["/not/allowed", [0, SECRET], 0o640, "root", "root", 0, 0]),
        ("upload_file_single", [SECRET]),
        ("instance_os_add", [instance, False, 0]),
        ("instance_os_add", [{**instance, "osparams": SECRET}, False, 0]),
        ("hooks_runner", ["cluster-verify", "pre", {"GANETI_SECRET": SECRET}]),
        ("version", [SECRET]),
    ]


def command_lines() -> str:
    """Of all processes that there are."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_text(errors="replace"))
    return "\n".join(found)


def test_secrets_are_not_told(paths: Paths) -> None:
    """Only with --debug, and that the daemon says when it starts."""
    with calling(paths, "--no-mlock") as (daemon, caller):
        sock = caller.connect()
        outcomes = []
        for name, args in secret_calls(paths):
            ask(sock, name, *args)
            outcomes.append(answer(sock))
        assert SECRET not in command_lines()
    assert [bool(outcome[0]) for outcome in outcomes] == [True, *[False] * 4, True, False]
    assert Path(paths.cluster_domain_secret).read_text() == SECRET
    assert "POST /instance_os_add HTTP/1.1 200" in daemon.log()
    assert SECRET not in daemon.log()


def damaged(paths: Paths) -> None:
    Path(paths.server_pem).write_text("nonsense")


def mixed(paths: Paths) -> None:
    own = pki.cluster().pem().partition(b"-----BEGIN CERT")[0]
    other = pki.stranger().pem().partition(b"-----BEGIN CERT")
    Path(paths.server_pem).write_bytes(own + other[1] + other[2])


def unconfigured(paths: Paths) -> None:
    os.unlink(paths.server_pem)


def without_logs(paths: Paths) -> None:
    os.rmdir(paths.log_dir)


def without_epoch(paths: Paths) -> None:
    Path(paths.master_epoch).write_text("nonsense\n")


WITHOUT_RIGHTS = (
    "setpriv",
    "--bounding-set=-dac_override,-dac_read_search",
    "--inh-caps=-dac_override,-dac_read_search",
)


def nothing(_paths: Paths) -> None:
    pass


@pytest.mark.parametrize(
    ("spoil", "argv", "words"),
    [
        (unconfigured, [], "server.pem is missing"),
        (damaged, [], "server.pem: there is no certificate in it"),
        (mixed, [], "key values mismatch"),
        (without_logs, [], "No such file or directory"),
        (without_epoch, [], "does not hold a number"),
        (nothing, ["-i", "missing0"], "the interface missing0 has no IPv4 address"),
        (nothing, ["-b", "192.0.2.1"], "cannot listen on 192.0.2.1:0: Cannot assign requested"),
        (nothing, ["-b", "nonsense"], "'nonsense' is not an IP address"),
        (nothing, ["-K", "/etc/passwd"], "certificate /etc/passwd: it cannot be used"),
    ],
)
def test_it_does_not_start_and_says_why(
    paths: Paths, spoil: Callable[[Paths], None], argv: list[str], words: str
) -> None:
    spoil(paths)
    done = noded.start(paths, "-p", "0", *argv)
    assert (done.returncode, words in done.stderr) == (1, True), done.stderr
    assert not os.path.exists(paths.pid_file(NAME))


def test_what_it_may_not_read_is_named(paths: Paths) -> None:
    """Even root may be held back, by a security module or in a container."""
    os.chmod(paths.server_pem, 0)
    done = noded.start(paths, "-p", "0", within=[*WITHOUT_RIGHTS])
    assert (done.returncode, "Permission denied" in done.stderr) == (1, True), done.stderr
    assert paths.server_pem in done.stderr


def test_only_root_starts_it(paths: Paths) -> None:
    done = noded.start(paths, "-p", "0", within=["unshare", "--user"])
    assert done.returncode == 1
    assert f"{NAME} started using wrong user ID (65534), expected 0" in done.stderr
