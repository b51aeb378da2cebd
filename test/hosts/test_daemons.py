# SPDX-License-Identifier: GPL-2.0-or-later
"""Daemons that are stopped, killed, started twice or find damaged files; candidates that fall behind."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from test.hosts import typed
from test.hosts.conftest import fault
from test.hosts.typed import CONFIG, DATA, JOB_S
from test.lab import programs
from test.lab.hosts import Host
from test.lab.lab import Lab

MASTERD, NODED = "ganeti-masterd", "ganeti-noded"
DELAY = ["gnt-debug", "delay"]


@pytest.fixture(autouse=True)
def sound(fake_master: Host) -> Iterator[None]:
    """Whatever a test did, the cluster is sound soon after it."""
    yield
    programs.wait_until(lambda: verifies(fake_master), JOB_S, "gnt-cluster verify finds no error")


def verifies(master: Host) -> bool:
    return master.outcome(["gnt-cluster", "verify"], timeout_s=JOB_S).returncode == 0


@contextlib.contextmanager
def without_masterd(master: Host) -> Iterator[None]:
    """The master daemon is down for as long as the block lasts."""
    typed.stop(master, MASTERD)
    try:
        yield
    finally:
        assert typed.start(master, MASTERD).returncode == 0


def job_on_disk(host: Host, job: str) -> Any:
    return json.loads(host.run(["cat", f"{DATA}/queue/job-{job}"]))


def opcode_status(host: Host, job: str) -> str:
    [opcode] = job_on_disk(host, job)["ops"]
    return str(opcode["status"])


def same_everywhere(lab: Lab) -> bool:
    """Whether configuration and queue are equal, byte for byte, on all candidates."""
    seen = {(typed.digest(host, CONFIG), host.run(["sh", "-c", typed.JOBS])) for host in lab.hosts}
    return len(seen) == 1


def wait_same_everywhere(lab: Lab) -> None:
    programs.wait_until(lambda: same_everywhere(lab), JOB_S, "all candidates have the same files")


def test_a_second_master_daemon_gives_up_and_the_first_is_unharmed(fake_master: Host) -> None:
    first = typed.daemon_pid(fake_master, MASTERD)
    for more in ([], ["-f"]):
        done = fake_master.outcome([MASTERD, *more])
        assert done.returncode == 1
        assert "runs already" in done.stderr
    assert typed.daemon_pid(fake_master, MASTERD) == first
    assert typed.answers(fake_master)


def test_no_master_daemon_starts_on_another_node(fake_lab: Lab) -> None:
    other = fake_lab.host("node2")
    before = typed.traces(other)
    assert typed.start(other, MASTERD).returncode != 0
    assert other.outcome(["test", "-e", f"/run/ganeti/{MASTERD}.pid"]).returncode == 1
    assert typed.traces(other) == before


def test_a_killed_master_daemon_starts_again_and_goes_on(fake_master: Host) -> None:
    job = typed.submitted(fake_master, [*DELAY, "60"])
    typed.wait_job(fake_master, job, "running")
    pid = typed.daemon_pid(fake_master, MASTERD)
    typed.send(fake_master, "KILL", pid)
    typed.wait_ended(fake_master, pid)
    assert typed.start(fake_master, MASTERD).returncode == 0
    assert typed.job_status(fake_master, job) == "error"
    fake_master.run([*DELAY, "0.01"])


def test_a_terminated_master_daemon_ends_what_runs_and_keeps_what_waits(fake_master: Host) -> None:
    running = typed.submitted(fake_master, [*DELAY, "2"])
    typed.wait_job(fake_master, running, "running")
    waiting = typed.submitted(fake_master, [*DELAY, "0.01"])
    typed.wait_job(fake_master, waiting, "waiting")
    pid = typed.daemon_pid(fake_master, MASTERD)
    typed.send(fake_master, "TERM", pid)
    typed.wait_ended(fake_master, pid)
    assert opcode_status(fake_master, running) == "success"
    assert opcode_status(fake_master, waiting) in ("queued", "waiting")
    assert typed.start(fake_master, MASTERD).returncode == 0
    typed.wait_job(fake_master, waiting, "success")
    assert typed.job_status(fake_master, running) == "success"


def test_a_killed_node_daemon_starts_again(fake_lab: Lab, fake_master: Host) -> None:
    host = fake_lab.host("node2")
    pid = typed.daemon_pid(host, NODED)
    typed.send(host, "KILL", pid)
    typed.wait_ended(host, pid)
    done = fake_master.outcome(["gnt-cluster", "verify"], timeout_s=JOB_S)
    assert (done.returncode, "node2.lab" in done.stdout) == (1, True)
    assert typed.start(host, NODED).returncode == 0
    assert typed.daemon_pid(host, NODED) != pid


def test_a_damaged_job_goes_to_the_archive_and_the_master_starts(fake_master: Host) -> None:
    job = typed.submitted(fake_master, [*DELAY, "0.01"])
    typed.wait_job(fake_master, job, "success")
    with without_masterd(fake_master):
        fake_master.run(["sh", "-c", f"echo garbage >{DATA}/queue/job-{job}"])
    found = fake_master.run(["find", f"{DATA}/queue", "-name", f"job-{job}"]).split()
    assert [f"/archive/{int(job) // 10000}/job-{job}" in path for path in found] == [True]
    assert fake_master.run(["cat", *found]) == "garbage\n"
    assert [job] not in [row[:1] for row in typed.listed(fake_master, "job", "id")]
    fake_master.run([*DELAY, "0.01"])


@pytest.mark.parametrize("content", ["{garbage", "", "[]"])
def test_a_damaged_configuration_is_left_alone(fake_master: Host, content: str) -> None:
    damaged = f"{DATA}/damaged"
    with without_masterd(fake_master):
        fake_master.run(["cp", "-p", CONFIG, "/root/good"])
        fake_master.run(["tee", CONFIG, damaged], stdin=content)
        done = fake_master.outcome([MASTERD, "-f"])
        fake_master.run(["cmp", CONFIG, damaged])
        again = typed.start(fake_master, MASTERD)
        fake_master.run(["cmp", CONFIG, damaged])
        fake_master.run(["rm", damaged])
        fake_master.run(["mv", "/root/good", CONFIG])
    assert (done.returncode, again.returncode) == (1, 1)
    assert "configuration" in done.stderr
    assert "damaged" in done.stderr
    assert typed.answers(fake_master)


def test_changes_are_on_all_candidates(fake_lab: Lab, fake_master: Host) -> None:
    before = typed.digest(fake_master, CONFIG)
    fake_master.run(["gnt-cluster", "add-tags", "seen"])
    assert typed.digest(fake_master, CONFIG) != before
    assert same_everywhere(fake_lab)
    fake_master.run(["gnt-cluster", "remove-tags", "seen"])
    assert same_everywhere(fake_lab)


def test_a_candidate_that_lost_its_power_is_named_and_catches_up(
    fake_lab: Lab, fake_master: Host
) -> None:
    victim = fake_lab.host("node3")
    fault(fake_lab, victim, "kill")
    try:
        done = fake_master.outcome(["gnt-cluster", "add-tags", "late"])
        assert done.returncode == 0
        assert "node3.lab does not have this change yet" in done.stdout
        verified = fake_master.outcome(["gnt-cluster", "verify"], timeout_s=JOB_S)
        assert verified.returncode == 1
        assert "master candidate node3.lab is behind" in verified.stdout
    finally:
        fault(fake_lab, victim, "boot")
    wait_same_everywhere(fake_lab)
    assert '"late"' in victim.run(["cat", CONFIG])
    fake_master.run(["gnt-cluster", "remove-tags", "late"])
    assert same_everywhere(fake_lab)
