# SPDX-License-Identifier: GPL-2.0-or-later
"""A run of the queue is recorded step by step, and cut at every point: nothing promised may be lost.

The master and two candidates write to one recording disk, each into a directory of its own, so a cut
shows what each of them has. Candidate `n3` breaks in the middle of the run. After each cut the queue is
started again (as the pure restart function does) from the master's files, and from the files of each
candidate that could take over.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import simplejson

from ganeti import errors, queue_record
from ganeti.master.queue import job as jobs
from ganeti.master.queue import restart
from ganeti.master.queue.execution import Run
from ganeti.master.queue.job import Job, Status
from ganeti.paths import Paths
from ganeti.utils import retry
from ganeti.utils.clock import Clock
from test.support.candidate_directories import CandidateDirectories
from test.support.crash_disk import CrashDisk, Cut, Sabotage
from test.support.crash_files import State
from test.support.queue_world import PATIENCE_S, Gate, World

CANDIDATES = ("n2", "n3")


class RecordedRun:
    """Some jobs of every kind; what the outside world has seen is marked in the record."""

    def __init__(self, root: Path, sabotage: Sabotage | None = None) -> None:
        Path(Paths(str(root)).queue_archive_dir).mkdir(parents=True)
        self.disk = CrashDisk(root, sabotage)
        forgets = sabotage is Sabotage.FORGET_CANDIDATE
        self.candidates = CandidateDirectories(root, CANDIDATES, self.disk, forgets=forgets)
        self.world = World(root, *CANDIDATES, disk=self.disk, transport=self.candidates)
        self.gate = Gate()
        for name, body in {"work": self.work, "fail": self.fail, "gate": self.wait}.items():
            self.world.script(name, body)

    def work(self, run: Run) -> None:
        index = self.world.job(run.job_id).current
        self.disk.mark("began", (run.job_id, index))
        run.feedback("message", "working")

    def fail(self, run: Run) -> None:
        self.work(run)
        raise errors.OpExecError("it broke")

    def wait(self, run: Run) -> None:
        self.work(run)
        self.gate(run)

    def submit(self, *names: str, **more: Any) -> int:
        number = self.world.submit(*names, **more)
        self.disk.mark("acknowledged", number)
        return number

    def see_end(self, number: int) -> None:
        job = self.world.until(number)
        self.disk.mark("ended", (number, job.status))

    def play(self) -> Iterable[Cut]:
        world = self.world
        world.start()
        try:
            self._candidates_catch_up()
            self._first_act()
            self.candidates.broken.add("n3")
            self._second_act()
        finally:
            world.queue.shutdown()
            world.queue.close()
            self.candidates.wait()
        return self.disk.cuts()

    def _candidates_catch_up(self) -> None:
        """Else the run may be over before a slow one has been in sync at all."""
        path = self.world.paths.queue_candidates

        def have_all() -> bool:
            return queue_record.read(path).in_sync == {*CANDIDATES}

        assert retry.until(have_all, timeout_s=PATIENCE_S, clock=Clock())

    def _first_act(self) -> None:
        one, two = self.submit("work", "work"), self.submit("fail", "work")
        together = threading.Thread(target=lambda: self.see_end(self.submit("work")))
        together.start()
        self.see_end(one)
        self.see_end(two)
        together.join()
        self.world.queue.archive(one)

    def _second_act(self) -> None:
        waiting = self.submit("gate")
        self.gate.wait_for_arrival()
        dependent = self.submit("work", depends=[(waiting, [])])
        cancelled = self.submit("work", depends=[(waiting, [])])
        self.world.queue.cancel(cancelled)
        self.see_end(cancelled)
        self.gate.let_through()
        self.see_end(waiting)
        self.see_end(dependent)
        self.world.queue.auto_archive(-1, 60)


@dataclass(frozen=True)
class Queue:
    """What one host has after a cut (`found`, live jobs only), started again."""

    host: str
    found: dict[int, Job]
    jobs: dict[int, Job]
    to_write: tuple[int, ...]
    last_id: int
    unreadable: list[int]

    @classmethod
    def of(cls, state: State, base: str) -> Queue:
        directory = f"{base}var/lib/ganeti/queue/"
        content = {
            path.removeprefix(directory): entry.content
            for path, entry in state.items()
            if path.startswith(directory) and entry.content is not None
        }
        live = {int(name[4:]): data for name, data in content.items() if name.startswith("job-")}
        archived = [data for name, data in content.items() if name.startswith("archive/")]
        written = {n: state[f"{directory}job-{n}"].mtime_ns for n in live}
        plan = restart.plan(live, written, int(content.get("serial") or 0), (9, 9))
        old = {job.id: job for job in map(jobs.decode, archived)}
        return cls(
            host=base or "master",
            found={number: jobs.decode(live[number]) for number in plan.jobs},
            jobs={**old, **plan.jobs},
            to_write=plan.to_write,
            last_id=plan.last_id,
            unreadable=list(plan.unreadable),
        )


def takers(state: State) -> Iterator[Queue]:
    """The master itself, and each candidate that it counts as in sync."""
    yield Queue.of(state, "")
    record = state.get("var/lib/ganeti/queue/candidates")
    try:
        in_sync = simplejson.loads(record.content or b"{}").get("in_sync", ()) if record else ()
    except simplejson.JSONDecodeError:  # a torn record counts for none
        in_sync = ()
    for name in in_sync:
        yield Queue.of(state, f"{name}/")


def broken_promises(cut: Cut) -> Iterator[str]:
    master, *others = takers(cut.state)
    for queue in (master, *others):
        for problem in (*problems(queue, cut), *unseen_ends(master, queue)):
            yield f"{queue.host}, cut after {cut.after}, {cut.kept} kept: {problem}"


def unseen_ends(master: Queue, candidate: Queue) -> Iterator[str]:
    """What the master, started again, would show as ended before this candidate has it."""
    for number, job in master.found.items():
        theirs = candidate.found.get(number) or candidate.jobs.get(number)
        is_known = (theirs.finished if theirs else 0) >= job.finished
        if not is_known and number not in master.to_write:
            yield f"the end of an opcode of job {number} is known to the master alone"


def problems(queue: Queue, cut: Cut) -> Iterator[str]:
    acknowledged: list[Any] = cut.marked("acknowledged")
    ended: list[Any] = cut.marked("ended")
    began: list[Any] = cut.marked("began")
    if queue.unreadable:
        yield f"unreadable files of jobs {queue.unreadable}"
    for number in acknowledged:
        if number not in queue.jobs:
            yield f"job {number} was acknowledged and is lost"
        if queue.last_id < number:
            yield f"number {number} would be given out again"
    for number, status in ended:
        if number in queue.jobs and queue.jobs[number].status is not status:
            yield f"job {number} was seen as {status} and is {queue.jobs[number].status}"
    for number, index in began:
        job = queue.jobs.get(number)
        if job is not None and job.ops[index].status in (Status.QUEUED, Status.WAITING):
            yield f"opcode {index} of job {number} would be carried out twice"


def test_nothing_promised_is_lost_at_any_cut(tmp_path: Path) -> None:
    cuts = list(RecordedRun(tmp_path).play())
    assert [text for cut in cuts for text in broken_promises(cut)] == []
    last = cuts[-1]
    assert len(last.marked("ended")) == len(last.marked("acknowledged")) == 6
    assert len(cuts) > 200, "the run was really recorded"


@pytest.mark.parametrize("sabotage", Sabotage)
def test_the_harness_can_see(tmp_path: Path, sabotage: Sabotage) -> None:
    cuts = RecordedRun(tmp_path, sabotage).play()
    assert any(text for cut in cuts for text in broken_promises(cut))


def test_a_candidate_that_broke_is_known_not_to_be_in_sync(tmp_path: Path) -> None:
    *_, last = RecordedRun(tmp_path).play()
    assert [queue.host for queue in takers(last.state)] == ["master", "n2/"]
