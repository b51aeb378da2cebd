# SPDX-License-Identifier: GPL-2.0-or-later
"""The master daemon is stopped, hurried, killed and started again, while clients watch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from test.hosts.conftest import a_lab
from test.lab import cluster, programs
from test.lab.cluster import Wish
from test.lab.hosts import Host
from test.lab.main import say

STEP_S = 30.0
PID_FILE = "/run/ganeti/ganeti-masterd.pid"
SOCKETS = ["/run/ganeti/socket/ganeti-master", "/run/ganeti/socket/ganeti-query"]


class Daemon:
    """The master daemon of a host, and jobs it is given."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def pid(self) -> str:
        return self.host.run(["cat", PID_FILE]).strip()

    def is_alive(self, pid: str) -> bool:
        return not self.host.outcome(["test", "-d", f"/proc/{pid}"]).failed

    def runs(self) -> bool:
        """Whether it answers."""
        return not self.host.outcome(["gnt-job", "list"]).failed

    def signal(self, name: str, pid: str) -> None:
        self.host.run(["kill", f"-{name}", pid])

    def wait_for_end(self, pid: str) -> None:
        programs.wait_until(lambda: not self.is_alive(pid), STEP_S, "the end of the daemon")

    def start(self) -> None:
        self.host.run(["ganeti-masterd"])

    def submit(self, seconds: float) -> str:
        """A job that runs so long; its number."""
        done = self.host.outcome(["gnt-debug", "delay", "--submit", str(seconds)])
        return (done.stdout + done.stderr).split()[-1]

    def delay(self, seconds: float) -> str:
        """A job that runs so long, once it runs; its number."""
        job = self.submit(seconds)
        programs.wait_until(lambda: self.status(job) == "running", STEP_S, f"job {job} runs")
        return job

    def status(self, job: str) -> str:
        return self.host.run(["gnt-job", "list", "--no-headers", "-o", "status", job]).strip()


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with a_lab(1) as lab:
        cluster.make(lab, Wish("fake"), say)
        yield lab.hosts[0]


@pytest.fixture
def daemon(host: Host) -> Daemon:
    return Daemon(host)


def test_asked_to_stop_it_lets_running_jobs_end_and_answers_meanwhile(daemon: Daemon) -> None:
    pid, running = daemon.pid(), daemon.delay(3)
    queued = daemon.submit(0.01)
    programs.wait_until(lambda: daemon.status(queued) == "waiting", STEP_S, "a wait for locks")
    daemon.signal("TERM", pid)
    programs.wait_until(lambda: daemon.status(queued) == "queued", STEP_S, "its way back")
    refused = daemon.host.outcome(["gnt-debug", "delay", "0.01"])
    assert refused.failed and "shutting down" in refused.stderr
    assert daemon.host.run(["gnt-job", "watch", running])
    daemon.wait_for_end(pid)
    assert daemon.host.outcome(["ls", *SOCKETS, PID_FILE]).stdout == ""
    daemon.start()
    assert daemon.status(running) == "success"
    daemon.host.run(["gnt-job", "wait", queued])


def test_in_the_foreground_an_interrupt_stops_it_too(daemon: Daemon) -> None:
    pid = daemon.pid()
    daemon.signal("TERM", pid)
    daemon.wait_for_end(pid)
    ended = f"{PID_FILE}.ended"
    daemon.host.run(["sh", "-c", f"(ganeti-masterd -f; echo $? > {ended}) >/dev/null 2>&1 &"])
    programs.wait_until(daemon.runs, STEP_S, "the daemon in the foreground")
    running, pid = daemon.delay(1), daemon.pid()
    daemon.signal("INT", pid)
    daemon.wait_for_end(pid)
    programs.wait_until(lambda: not daemon.host.outcome(["test", "-s", ended]).failed, STEP_S, "0")
    assert daemon.host.run(["cat", ended]) == "0\n"
    daemon.start()
    assert daemon.status(running) == "success"


def test_asked_twice_it_ends_at_once(daemon: Daemon) -> None:
    pid, running = daemon.pid(), daemon.delay(600)
    daemon.signal("TERM", pid)
    daemon.signal("TERM", pid)
    daemon.wait_for_end(pid)
    daemon.start()
    assert daemon.status(running) == "error"


def test_watchers_outlive_a_crash_of_the_daemon(daemon: Daemon) -> None:
    pid, running = daemon.pid(), daemon.delay(600)
    script = (
        f"gnt-job watch {running} & sleep 1; kill -KILL {pid}; sleep 1; ganeti-masterd; wait $!"
    )
    watched = daemon.host.outcome(["sh", "-c", script])
    assert "The master daemon ended while this job was running" in watched.stdout + watched.stderr
    assert daemon.status(running) == "error"


def test_a_second_daemon_does_not_start(daemon: Daemon) -> None:
    second = daemon.host.outcome(["ganeti-masterd"])
    assert second.returncode == 1
    assert "the daemon runs already" in second.stderr


def test_logs_can_be_rotated(daemon: Daemon) -> None:
    log = "/var/log/ganeti/master-daemon.log"
    daemon.host.run(["mv", log, f"{log}.1"])
    daemon.signal("HUP", daemon.pid())
    daemon.host.run(["gnt-debug", "delay", "0.01"])
    assert "TEST_DELAY" in daemon.host.run(["cat", log])


def test_without_a_vote_somebody_must_mean_it(daemon: Daemon) -> None:
    pid = daemon.pid()
    daemon.signal("TERM", pid)
    daemon.wait_for_end(pid)
    refused = daemon.host.outcome(["ganeti-masterd", "--no-voting"], stdin="yes\n")
    assert refused.returncode == 1
    daemon.host.run(["ganeti-masterd", "--no-voting", "--yes-do-it"])
    daemon.host.run(["gnt-debug", "delay", "0.01"])
