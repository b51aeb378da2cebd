# SPDX-License-Identifier: GPL-2.0-or-later
"""Copies of the job queue."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from ganeti import queue_files
from ganeti.contracts.node.packed import Packed
from ganeti.errors import JobQueueError, LockError
from ganeti.node.handlers.jobs import JobHandlers
from test.support.node_host import NodeHost

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="the queue must belong to root")


@pytest.fixture
def calls(node: NodeHost) -> JobHandlers:
    return JobHandlers(node.host)


def test_files_are_replaced(node: NodeHost, calls: JobHandlers) -> None:
    paths = node.paths
    calls.jobqueue_update_many(
        [(paths.job(1), Packed(b"one")), (paths.queue_serial, Packed(b"1\n"))]
    )
    calls.jobqueue_update(paths.job(1), Packed(b"new"))
    assert Path(paths.job(1)).read_text() == "new"
    assert Path(paths.queue_serial).read_text() == "1\n"
    assert os.stat(paths.job(1)).st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "name",
    [
        *("lock", "drain", "job-", "job-x", "job-\N{ARABIC-INDIC DIGIT ONE}", "job-1/x", "job-1\n"),
        *("../config.data", "archive/0/../../x"),
    ],
)
def test_other_files_are_refused(node: NodeHost, calls: JobHandlers, name: str) -> None:
    """And none of the round is written."""
    good = (node.paths.job(1), Packed(b"one"))
    with pytest.raises(JobQueueError, match="not a file of the job queue"):
        calls.jobqueue_update_many([good, (f"{node.paths.queue_dir}/{name}", Packed(b""))])
    assert not os.path.exists(node.paths.job(1))


def test_jobs_are_archived(node: NodeHost, calls: JobHandlers) -> None:
    paths = node.paths
    calls.jobqueue_update(paths.job(12345), Packed(b"old"))
    pairs = [(paths.job(n), paths.archived_job(n)) for n in (12345, 6)]
    calls.jobqueue_rename(pairs)
    assert Path(paths.archived_job(12345)).read_text() == "old"
    assert not os.path.exists(paths.job(12345))
    with pytest.raises(JobQueueError):
        calls.jobqueue_rename([(paths.job(1), "/tmp/job-1")])


def test_the_drain_flag(node: NodeHost, calls: JobHandlers) -> None:
    for flag in (False, True, True, False):
        calls.jobqueue_set_drain_flag(flag)
        assert os.path.exists(node.paths.queue_drain) is flag


def test_a_purge_leaves_the_serial(node: NodeHost, calls: JobHandlers) -> None:
    paths = node.paths
    calls.jobqueue_update(paths.job(1), Packed(b"one"))
    calls.jobqueue_update(paths.job(2), Packed(b"two"))
    calls.jobqueue_update(paths.queue_serial, Packed(b"2\n"))
    calls.jobqueue_rename([(paths.job(1), paths.archived_job(1))])
    calls.jobqueue_set_drain_flag(True)
    calls.jobqueue_purge()
    assert sorted(os.listdir(paths.queue_dir)) == ["lock", "serial"]


def test_what_the_master_does_not_have_goes_and_what_it_has_is_asked_for(
    node: NodeHost, calls: JobHandlers
) -> None:
    paths = node.paths
    for number in (1, 2, 3):
        calls.jobqueue_update(paths.job(number), Packed(b"live"))
    calls.jobqueue_update_many(
        [(paths.archived_job(number), Packed(b"old")) for number in (4, 5, 20001)]
    )
    assert calls.jobqueue_keep([3, 4, 9], [2, 5, 7, 20001]) == [2, 7, 9]
    assert queue_files.live(paths) == {3, 4}
    assert Path(paths.job(4)).read_bytes() == b"old"
    assert queue_files.archived(paths) == {5, 20001}
    assert os.stat(paths.archived_job(20001)).st_mode & 0o777 == 0o640


def test_an_empty_machine_lacks_everything(node: NodeHost, calls: JobHandlers) -> None:
    assert calls.jobqueue_keep([1], [2, 3]) == [1, 2, 3]


def test_the_masters_own_queue_is_left_alone(node: NodeHost, calls: JobHandlers) -> None:
    os.makedirs(node.paths.queue_dir)
    with open(node.paths.queue_lock, "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(LockError):
            calls.jobqueue_update(node.paths.job(1), Packed(b"one"))
    assert sum(node.clock.slept) == pytest.approx(10)
    assert not os.path.exists(node.paths.job(1))
