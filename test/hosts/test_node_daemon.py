# SPDX-License-Identifier: GPL-2.0-or-later
"""The node daemon of a host whose disk dies or freezes under it, with its files and its program on it."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from test.hosts import typed
from test.hosts.conftest import fault
from test.lab import programs
from test.lab.hosts import Host, State
from test.lab.lab import Lab

NODED = "ganeti-noded"
# Copies all that a daemon has mapped, and the packages it was loaded from, to the data disk; starts it
# from there, with its log there too.
FROM_DATA_DISK = """\
set -e
pid=$(cat /run/ganeti/ganeti-noded.pid)
dirs="$(echo /usr/lib/python3*) /usr/share/ganeti"
files=$(awk '$6 ~ "^/usr/" {print $6}' /proc/$pid/maps | sort -u | grep -v '^/usr/lib/python3')
/usr/lib/ganeti/daemon-util stop ganeti-noded
mkdir -p /srv/system /srv/log
cd /
cp -a --parents $dirs $files /usr/sbin/ganeti-noded /srv/system
exec unshare --mount sh -ec '
    for path in "$@"; do mount --bind "/srv/system$path" "$path"; done
    mount --bind /srv/log /var/log/ganeti
    exec /usr/sbin/ganeti-noded' sh $dirs $files /usr/sbin/ganeti-noded
"""
# Mappings of the daemon that do not lie on the data disk.
ELSEWHERE = """
import os, sys
disk = os.stat("/srv").st_dev
with open(f"/proc/{sys.argv[1]}/maps") as file:
    words = [line.split() for line in file]
at = {w[5]: tuple(int(n, 16) for n in w[3].split(":")) for w in words if w[5:] and w[5][0] == "/"}
print(*(path for path, where in at.items() if os.makedev(*where) != disk))
"""
# Leave of the data disk in memory only what somebody holds there.
FORGET = """
import os
os.sync()
for place, _, names in os.walk("/srv"):
    for path in (os.path.join(place, name) for name in names):
        if os.path.islink(path):
            continue
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
"""
# Freezes a file system (linux/fs.h: FIFREEZE) until nobody listens any more, however the test ends: a frozen
# one outlives its last mount.
FREEZE = """
import fcntl, os, sys
disk = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)
fcntl.ioctl(disk, 0xC0045877, 0)
print("frozen", flush=True)
sys.stdin.read()
fcntl.ioctl(disk, 0xC0045878, 0)
"""
# A thread of its own looks whether somebody else has written the list; the console is no disk, and an open
# file is none that is looked for.
ALLOWED = ("ssconf_master_candidates_certs", "/dev/console", "AT_EMPTY_PATH")


@pytest.fixture
def victim(fake_lab: Lab, fake_master: Host) -> Iterator[Host]:
    """A host that loses its disk, and has another one with the same content in the end."""
    host = fake_lab.host("node3")
    yield host
    if host.state is not State.OFF:
        fault(fake_lab, host, "kill")
    fault(fake_lab, host, "boot")
    host.run(["rm", "-rf", "/srv/system", "/srv/log"])
    programs.wait_until(lambda: verifies(fake_master), typed.JOB_S, "the cluster is sound")


def verifies(master: Host) -> bool:
    return master.outcome(["gnt-cluster", "verify"], timeout_s=typed.JOB_S).returncode == 0


def outer_pid(host: Host, inner: str) -> int:
    """The number that a process of the host has on this machine."""
    for pid in host.place.cgroup.processes():
        status = Path(f"/proc/{pid}/status").read_text()
        numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()
        if numbers[-1] == inner:
            return pid
    raise AssertionError(f"{host.name} has no process {inner}")


def major_faults(pid: int) -> int:
    """How often the process had to wait for a page from a disk."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[9])


@contextlib.contextmanager
def traced(pid: int, log: Path) -> Iterator[None]:
    """Every look at a file by its name, of all threads of the process, is written down."""
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    argv = ["strace", "-f", "-qq", "-e", "trace=%file", "-e", "signal=none", "-o", str(log)]
    with subprocess.Popen([*argv, "-p", str(pid)]) as tracer:
        programs.wait_until(lambda: all(map(is_traced, tasks)), 20, "strace is there")
        try:
            yield
        finally:
            end(tracer)


def end(tracer: subprocess.Popen[bytes]) -> None:
    """Waits in vain for a process that is ended meanwhile, if nobody insists."""
    tracer.terminate()
    try:
        tracer.wait(5)
    except subprocess.TimeoutExpired:
        tracer.kill()


def is_traced(task: Path) -> bool:
    return "TracerPid:\t0\n" not in (task / "status").read_text()


@contextlib.contextmanager
def dead_disk(lab: Lab, host: Host) -> Iterator[None]:
    fault(lab, host, "dead-disk")
    assert host.outcome(["cat", "/srv/system/usr/sbin/ganeti-noded"]).returncode == 1
    yield


@contextlib.contextmanager
def frozen_disk(lab: Lab, host: Host) -> Iterator[None]:
    """Who writes there waits and cannot even be killed; the daemon has a log to write."""
    disk = f"/proc/{host.first_pid()}/root/srv"
    argv, pipe = [programs.PYTHON, "-c", FREEZE, disk], subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as freezer:
        assert freezer.stdout is not None
        assert freezer.stdout.readline() == "frozen\n"
        yield


@pytest.mark.parametrize("disk_fault", [dead_disk, frozen_disk])
def test_without_its_disk_it_answers_and_resets_the_machine(
    fake_lab: Lab,
    fake_master: Host,
    victim: Host,
    tmp_path: Path,
    disk_fault: Callable[[Lab, Host], contextlib.AbstractContextManager[None]],
) -> None:
    victim.run(["sh", "-c", FROM_DATA_DISK])
    inner = typed.daemon_pid(victim, NODED)
    assert victim.run([programs.PYTHON, "-c", ELSEWHERE, inner]).split() == []
    victim.run([programs.PYTHON, "-c", FORGET])
    pid, looks = outer_pid(victim, inner), tmp_path / "looks"
    other = outer_pid(victim, typed.daemon_pid(victim, "ganeti-confd"))
    before = major_faults(pid)
    with traced(pid, looks):
        with disk_fault(fake_lab, victim):
            assert typed.node_call(fake_master, victim, "version").strip().isdigit()
            assert "seconds" in typed.node_call(fake_master, victim, "node_powercycle", "fake", {})
            assert major_faults(pid) == before
            programs.wait_until(
                lambda: other not in victim.place.cgroup.processes(), 20, "node3 is reset"
            )
        programs.wait_until(lambda: victim.state is State.OFF, 20, "node3 is off")
    seen = [line for line in looks.read_text().splitlines() if "(" in line]
    assert [line for line in seen if not any(name in line for name in ALLOWED)] == []
    assert seen, "strace sees nothing"
