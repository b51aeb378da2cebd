# SPDX-License-Identifier: GPL-2.0-or-later
"""The queue directory: what is made, what is remembered about candidates, what rides along."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ganeti import queue_record
from ganeti.errors import JobQueueError
from ganeti.master.candidates import LAST_RETRY_S, CandidateSet
from ganeti.master.queue import changes
from ganeti.master.queue import job as jobs
from ganeti.master.queue.changes import Changes
from ganeti.master.queue.job import Job
from ganeti.master.queue.store import MOST_UNSENT, QUEUED_IN_ROUND, Found, QueueStore
from ganeti.paths import Paths
from ganeti.queue_record import Record
from ganeti.rpc.runner import Deposed
from ganeti.utils.files import Disk
from test.support.alarms import FakeAlarms
from test.support.clock import FakeClock
from test.support.queue_world import PATIENCE_S, Candidates, Quick, scripted

START = 1_700_000_000


class Master:
    """A store that can be stopped and started, perhaps as another master."""

    def __init__(self, root: Path) -> None:
        self.paths = Paths(str(root))
        Path(self.paths.queue_archive_dir).mkdir(parents=True)
        self.candidates, self.alarms, self.primitives = Candidates(), FakeAlarms(), Quick()
        self.clock = FakeClock(START)
        self.store: QueueStore | None = None

    def start(self, *members: str, epoch: int = 1, most_unsent: int = MOST_UNSENT) -> Found:
        self.stop()
        members_set: CandidateSet[Changes] = CandidateSet(
            self.candidates, changes.merge, self.alarms
        )
        disk = Disk(self.primitives)
        self.store = QueueStore(
            self.paths,
            disk,
            members_set,
            self.alarms,
            epoch=epoch,
            clock=self.clock,
            most_unsent=most_unsent,
        )
        found = self.store.open(members)
        self.store.count_from(found.serial)
        return found

    def stop(self) -> None:
        if self.store is not None:
            self.store.close()
        self.store = None

    def durably(self, ask: str, *args: Any) -> Exception | None:
        """Ask the store for something and wait for the outcome."""
        done, outcome = threading.Event(), list[Exception | None]()

        def then(error: Exception | None) -> None:
            outcome.append(error)
            done.set()

        getattr(self.store, ask)(*args, then=then)
        assert done.wait(PATIENCE_S)
        return outcome[0]

    def put(self) -> Job:
        assert self.store is not None
        job = jobs.submitted(self.store.allocate(1), [scripted("x")], (1, 0))
        assert self.durably("put", job) is None
        return job

    def sent_everything(self) -> list[str]:
        """The candidates that got the whole queue since the last time."""
        calls, self.candidates.calls = self.candidates.calls, []
        return sorted(name for name, content in calls if content.everything)

    @property
    def record(self) -> Record:
        return queue_record.read(self.paths.queue_candidates)

    def record_of(self, candidate: str) -> Record:
        """What the candidate has been told of who has all."""
        path = Path(self.paths.data_dir, candidate)
        path.write_bytes(self.candidates.files[candidate].get("candidates", b""))
        return queue_record.read(str(path))


def rounds(master: Master) -> list[int]:
    """The time that each job file bears."""
    names = sorted(Path(master.paths.queue_dir).glob("job-*"))
    return [os.stat(name).st_mtime_ns for name in names]


def _broken_device(path: str) -> None:
    raise OSError(5, "the device is broken")


@pytest.fixture
def master(tmp_path: Path) -> Iterator[Master]:
    made = Master(tmp_path)
    yield made
    made.stop()


def test_a_new_directory_gets_version_and_serial(master: Master) -> None:
    assert master.start() == Found({}, {}, 0, False)
    assert Path(master.paths.queue_version).read_text() == "1\n"
    assert Path(master.paths.queue_serial).read_text() == "0\n"
    master.put()
    assert Path(master.paths.queue_serial).read_text() == "1\n"
    assert os.stat(master.paths.job(1)).st_mode & 0o7777 == 0o640


def test_a_queue_without_a_version_counts_on(master: Master) -> None:
    """Its jobs may all be in the archive."""
    Path(master.paths.queue_serial).write_text("7\n")
    assert master.start().serial == 7
    assert Path(master.paths.queue_version).read_text() == "1\n"


def test_a_directory_is_read_and_other_files_are_ignored(master: Master) -> None:
    master.start()
    first, second = master.put(), master.put()
    master.stop()
    for name in ("job-x", "job-7.bak", "job-007", ".job-3.0123456789ab.new"):
        Path(master.paths.queue_dir, name).write_text("{}")
    for number, written in ((1, 100), (2, 200)):
        os.utime(master.paths.job(number), ns=(0, written))
    found = master.start()
    assert found == Found({1: first.encoded, 2: second.encoded}, {1: 100, 2: 200}, 2, False)
    assert not Path(master.paths.queue_dir, ".job-3.0123456789ab.new").exists()


def test_each_round_has_a_later_time_whatever_the_clock_does(master: Master) -> None:
    """By it a start knows the files that the candidates may lack."""
    started = master.start("n2").written
    for date in (START, START, START - 3600):
        master.clock.set_date(date)
        master.put()
    master.stop()
    master.clock.set_date(START - 7200)
    master.start("n2")
    master.put()
    first, second, third, fourth = rounds(master)
    assert started == {}
    assert START * 10**9 == first < second < third < fourth


def test_a_round_that_failed_and_the_next_bear_the_same_time(master: Master) -> None:
    master.start("n2")
    job = master.put()
    master.primitives.sync_directory = _broken_device  # type: ignore[method-assign]
    assert master.durably("put", jobs.waiting(job, 0, (2, 0))) is not None
    del master.primitives.sync_directory
    master.put()
    master.put()
    failed, first, second = rounds(master)
    assert failed == first < second


def test_only_one_master_has_the_directory(master: Master) -> None:
    from ganeti.errors import LockError
    from ganeti.utils.filelock import FileLock

    master.start()
    with FileLock(master.paths.queue_lock) as other:
        with pytest.raises(LockError):
            other.acquire(timeout_s=0)
        master.stop()
        other.acquire(timeout_s=0)


def test_candidates_in_sync_need_nothing_after_a_restart(master: Master) -> None:
    master.start("n2", "n3")
    master.put()
    assert master.sent_everything() == ["n2", "n3"]
    master.start("n2", "n3")
    master.put()
    assert master.sent_everything() == []
    assert master.record == Record(1, 3, frozenset({"n2", "n3"}))


def test_one_that_was_behind_gets_everything_after_a_restart(master: Master) -> None:
    master.start("n2", "n3")
    master.put()
    master.candidates.broken["n2"] = OSError("no route to host")
    master.put()
    assert master.record.in_sync == {"n3"}
    master.sent_everything()
    master.candidates.broken.clear()
    master.start("n2", "n3")
    master.put()
    assert master.sent_everything() == ["n2"]
    files = master.candidates.files["n2"]
    assert sorted(files) == ["candidates", "job-1", "job-2", "job-3", "serial"]


def test_who_has_all_is_known_to_all_that_have_it_before_anything_is_acknowledged(
    master: Master,
) -> None:
    """Serial numbers would not tell: the job is there, but not how far it got."""
    master.start("n2", "n3")
    job = master.put()
    master.candidates.broken["n2"] = OSError("no route to host")
    assert master.durably("put", jobs.waiting(job, 0, (2, 0))) is None
    assert master.record == master.record_of("n3") == Record(1, 3, frozenset({"n3"}))
    assert master.record_of("n2") == Record(1, 2, frozenset({"n2", "n3"}))


def test_one_that_has_caught_up_is_recorded_at_once(master: Master) -> None:
    master.start("n2", "n3")
    master.put()
    master.candidates.broken["n2"] = OSError("no route to host")
    master.put()
    master.candidates.broken.clear()
    master.alarms.pass_time(30)
    master.durably("set_drained", False)
    both = Record(1, 4, frozenset({"n2", "n3"}))
    assert master.record == master.record_of("n2") == master.record_of("n3") == both


def test_a_record_that_could_not_be_written_is_no_record(master: Master) -> None:
    master.start("n2")
    job = master.put()
    number = master.record.number
    master.candidates.broken["n2"] = OSError("no route to host")
    write = master.primitives.write_temporary

    def refuse_records(path: str, item: Any) -> None:
        if "candidates" in path:
            raise OSError(28, "no space left on device")
        write(path, item)

    master.primitives.write_temporary = refuse_records  # type: ignore[method-assign]
    assert isinstance(master.durably("put", job), OSError)
    assert master.record.number == number
    master.primitives.write_temporary = write  # type: ignore[method-assign]
    assert master.durably("put", job) is None
    assert master.record == Record(1, number + 1)


@pytest.mark.parametrize("damage", [None, "not json", '{"epoch": 1}', "[]", ""])
def test_after_a_failover_nobody_is_trusted(master: Master, damage: str | None) -> None:
    """Another master may have been at work since; a damaged record says nothing either."""
    master.start("n2")
    master.put()
    master.stop()
    if damage is not None:
        Path(master.paths.queue_candidates).write_text(damage)
    master.sent_everything()
    master.start("n2", epoch=1 if damage else 2)
    master.put()
    assert master.sent_everything() == ["n2"]


def test_a_former_candidate_is_a_stranger_when_it_comes_back(master: Master) -> None:
    master.start("n2", "n3")
    master.put()
    assert master.store is not None
    master.store.set_members(["n3"])
    master.put()
    assert master.record.in_sync == {"n3"}
    assert "job-2" not in master.candidates.files["n2"]
    master.sent_everything()
    master.store.set_members(["n2", "n3"])
    master.put()
    assert master.sent_everything() == ["n2"]
    assert "job-2" in master.candidates.files["n2"]


def test_one_that_leaves_and_comes_back_in_the_same_round_is_a_stranger(master: Master) -> None:
    """It may be another machine of that name."""
    master.start("n2", "n3")
    master.put()
    master.sent_everything()
    assert master.store is not None
    master.candidates.hold()
    master.store.set_drained(False, then=lambda error: None)
    master.candidates.wait_for_calls(2)
    master.store.set_members(["n3"])
    master.store.set_members(["n2", "n3"])
    master.candidates.let_go()
    master.put()
    assert master.sent_everything() == ["n2"]


def test_a_new_candidate_is_not_forgotten_when_the_disk_fails(master: Master) -> None:
    master.start()
    master.put()
    os.rename(master.paths.job(1), master.paths.job(1) + ".gone")
    os.symlink("nowhere", master.paths.job(1))
    assert master.store is not None
    master.store.set_members(["n2"])
    assert isinstance(master.durably("set_drained", False), OSError)
    os.rename(master.paths.job(1) + ".gone", master.paths.job(1))
    assert master.durably("set_drained", False) is None
    assert master.sent_everything() == ["n2"]


@pytest.mark.parametrize("content", ["x\n", "-1\n", "1 2\n"])
def test_a_damaged_serial_is_named(master: Master, content: str) -> None:
    master.start()
    master.stop()
    Path(master.paths.queue_serial).write_text(content)
    with pytest.raises(JobQueueError, match="queue/serial says"):
        master.start()
    master.store = None


def test_what_nobody_waits_for_rides_along_or_is_written_after_a_second(master: Master) -> None:
    master.start("n2")
    job = master.put()
    assert master.store is not None
    changed = jobs.logged(job, 0, "message", "hello", (2, 0))
    master.store.put_lazily(changed, replicate=False)
    assert master.alarms.pending_s == [1.0]
    master.alarms.pass_time(1)
    assert master.durably("set_drained", False) is None
    assert Path(master.paths.job(1)).read_bytes() == changed.encoded
    assert master.candidates.files["n2"]["job-1"] == job.encoded
    again = jobs.waiting(changed, 0, (3, 0))
    master.store.put_lazily(again, replicate=True)
    master.put()
    assert Path(master.paths.job(1)).read_bytes() == again.encoded
    assert master.candidates.files["n2"]["job-1"] == again.encoded


def test_what_is_left_is_written_when_the_store_is_closed(master: Master) -> None:
    master.start()
    job = jobs.waiting(master.put(), 0, (2, 0))
    assert master.store is not None
    master.store.put_lazily(job, replicate=True)
    master.stop()
    assert Path(master.paths.job(1)).read_bytes() == job.encoded


def test_many_new_jobs_do_not_hold_up_one_that_has_begun(master: Master) -> None:
    master.start("n2")
    begun = jobs.waiting(master.put(), 0, (2, 0))
    assert master.store is not None
    order, over = list[int](), threading.Event()

    def written(number: int) -> Any:
        def then(error: Exception | None) -> None:
            order.append(number)
            if len(order) == 301:
                over.set()

        return then

    master.candidates.hold()
    master.store.set_drained(False, then=lambda error: None)
    master.candidates.wait_for_calls(1)
    first = master.store.allocate(300)
    for number in range(first, first + 300):
        master.store.put(jobs.submitted(number, [scripted("x")], (1, 0)), then=written(number))
    master.store.put(begun, then=written(1))
    master.candidates.let_go()
    assert over.wait(PATIENCE_S)
    assert order.index(1) <= QUEUED_IN_ROUND
    assert [number for number in order if number != 1] == list(range(first, first + 300))


def test_a_missing_file_does_not_spoil_the_archiving_of_others(master: Master) -> None:
    master.start()
    master.put()
    second = master.put()
    os.unlink(master.paths.job(1))
    assert master.durably("archive", [1, 2]) is None
    assert master.store is not None
    assert master.store.archived(1) is None
    assert master.store.archived(2) == second.encoded
    assert master.store.archived_ids() == [2]


def test_a_deposed_master_does_not_try_for_ever_to_tell_who_is_candidate(master: Master) -> None:
    master.start("a")
    master.put()
    master.stop()
    master.candidates.broken["a"] = Deposed("another one is master")
    master.start("a")
    assert isinstance(master.durably("set_drained", True), Deposed)
    closing = threading.Thread(target=master.stop, daemon=True)
    closing.start()
    closing.join(PATIENCE_S)
    assert not closing.is_alive()


def test_candidates_hear_of_a_number_that_a_crash_left_here_alone(master: Master) -> None:
    master.start("a")
    master.put()
    master.stop()
    Path(master.paths.queue_serial).write_text("7\n")
    master.start("a")
    master.put()
    assert master.candidates.files["a"]["serial"] == b"8\n"
    master.stop()
    Path(master.paths.queue_serial).write_text("9\n")
    master.start("a")
    assert master.durably("set_drained", False) is None
    assert master.candidates.files["a"]["serial"] == b"9\n"


def test_candidates_forget_what_a_crash_left_on_them_alone(master: Master) -> None:
    """A job that the master denied must not begin after a takeover."""
    master.start("a")
    master.put()
    master.stop()
    master.candidates.files["a"]["job-2"] = b"{}"
    master.candidates.drained["a"] = True
    master.start("a")
    assert master.durably("archive", []) is None
    assert sorted(master.candidates.files["a"]) == ["candidates", "job-1", "serial"]
    assert master.candidates.drained["a"] is False
    master.put()
    assert [content.tells_all for _, content in master.candidates.calls][-2:] == [True, False]


def test_what_a_candidate_lacks_does_not_pile_up_for_ever(master: Master) -> None:
    """Jobs and renames count; whoever lacks too many gets the queue as it is."""
    master.start("a", most_unsent=8)
    master.put()
    master.sent_everything()
    master.candidates.broken["a"] = OSError("no route to host")
    for _ in range(4):
        assert master.durably("archive", [master.put().id]) is None
    assert master.sent_everything() == ["a"]
    del master.candidates.broken["a"]
    master.alarms.pass_time(LAST_RETRY_S)
    assert master.durably("set_drained", False) is None
    live = [name for name in master.candidates.queue_of("a") if name.startswith("job-")]
    assert live == ["job-1"]
