# SPDX-License-Identifier: GPL-2.0-or-later
"""The queue tests itself, and filters act on it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from test.hosts import typed
from test.hosts.typed import listed
from test.lab import programs
from test.lab.hosts import Host
from test.lab.lab import Lab

COPIES = "find config.data queue/serial queue/job-* queue/archive -type f"
SPAN = "start_ts,end_ts"
DELAYS = json.dumps([["opcode", ["=", "OP_ID", "OP_TEST_DELAY"]]])


@pytest.fixture
def no_filters(fake_master: Host) -> Iterator[Host]:
    """The master, which has no filters afterwards."""
    yield fake_master
    for uuid in fake_master.run(["gnt-filter", "list", "--no-headers", "-o", "uuid"]).split():
        fake_master.run(["gnt-filter", "delete", uuid])


def delay(master: Host, seconds: str) -> str:
    return typed.submitted(master, ["gnt-debug", "delay", "-l", seconds])


def statuses(master: Host, *numbers: str) -> list[str]:
    return [row[0] for row in listed(master, "job", "status", *numbers)]


def test_the_queue_does_what_it_must(fake_master: Host) -> None:
    fake_master.run(["gnt-debug", "test-jobqueue"])


def copies(host: Host) -> str:
    """What a candidate has of the master's."""
    return host.run(["sh", "-c", f"cd {typed.DATA} && {COPIES} | sort | xargs sha256sum"])


def test_an_empty_machine_under_the_name_of_a_candidate_gets_everything(
    fake_lab: Lab, fake_master: Host
) -> None:
    other = fake_lab.hosts[2]
    job = delay(fake_master, "0.01")
    typed.wait_job(fake_master, job, "success")
    fake_master.run(["gnt-job", "archive", job])
    other.run([typed.DAEMON_UTIL, "stop-all"])
    other.run(["find", typed.DATA, "-mindepth", "1", "-delete"])
    fake_master.run(
        ["gnt-node", "add", "--readd", "--no-ssh-key-check", other.address.fqdn],
        timeout_s=typed.JOB_S,
    )
    programs.wait_until(
        lambda: copies(other) == copies(fake_master), typed.JOB_S, "the candidate has all"
    )
    assert f"/job-{job}\n" in copies(other)


def test_secret_parameters_are_in_no_file(fake_master: Host) -> None:
    secret = "never-to-be-seen"
    told = fake_master.run(["gnt-debug", "test-osparams", f"--os-parameters-secret=pw={secret}"])
    assert "'pw' has arrived" in told
    places = ["/var/lib/ganeti", "/var/log/ganeti"]
    assert fake_master.outcome(["grep", "-rl", secret, *places]).stdout == ""


def test_filters_hold_limit_and_reject_jobs(no_filters: Host) -> None:
    master, words = no_filters, [f"--predicates={DELAYS}"]
    uuid = master.run(["gnt-filter", "add", *words, "--action=RATE_LIMIT 1"]).strip()
    numbers = [delay(master, "0.3") for _ in range(3)]
    typed.wait_job(master, numbers[-1], "success")
    times = [[json.loads(cell) for cell in row] for row in listed(master, "job", SPAN, *numbers)]
    ends, starts = [end for _, end in times[:-1]], [start for start, _ in times[1:]]
    assert all(end <= start for end, start in zip(ends, starts, strict=True))
    master.run(["gnt-filter", "replace", *words, "--action=PAUSE", uuid])
    held = delay(master, "0.01")
    master.run(["gnt-os", "list"])  # another job does not mind
    assert statuses(master, held) == ["queued"]
    master.run(["gnt-filter", "replace", *words, "--action=REJECT", uuid])
    typed.wait_job(master, held, "canceled")
    late = master.outcome(["gnt-debug", "delay", "0.01"])
    assert late.returncode == 1
    master.run(["gnt-filter", "delete", uuid])
    master.run(["gnt-debug", "delay", "0.01"])
