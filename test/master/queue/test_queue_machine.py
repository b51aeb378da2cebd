# SPDX-License-Identifier: GPL-2.0-or-later
"""The queue, driven at random: submit, run, cancel, archive, drain, stop; the power fails, and it goes on.

The master and a candidate write to a disk that records each step. A crash cuts the record somewhere near
its end and keeps of the rest what it likes; the next master has the files of the old one, or of the
candidate if that was in sync. What clients were told and what was carried out is marked in the record, so
of each cut it is known what must be true after it (`test.support.queue_promises`).

After each step the queue must come to rest: nothing stands still that could go on.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from ganeti import errors
from ganeti.master.locks.plan import Level, LockPlan, exclusive
from ganeti.master.queue.execution import Run
from ganeti.master.queue.job import Job, Status
from ganeti.master.queue.jobqueue import EVERY_AGE
from ganeti.paths import Paths
from test.support import crash_files, queue_wishes
from test.support.candidate_directories import (
    CandidateDirectories,
    in_sync,
    jobs_in,
    swapped,
)
from test.support.crash_disk import CrashDisk, Sabotage
from test.support.crash_files import State
from test.support.queue_promises import BROKE, Place, Promises, told
from test.support.queue_wishes import LOCKS, Wish
from test.support.queue_world import PATIENCE_S, World
from test.support.workshop import Dead, Work, Workshop

MEMORY = "/dev/shm"
"""What is safe is only a matter of the record, and files in memory cost no time."""

CANDIDATE = "n2"
SLOTS = 2
picks = st.integers(0, 30)


class Queue(RuleBasedStateMachine):
    sabotage: Sabotage | None = None
    is_living = False

    @initialize()
    def begin(self) -> None:
        self.place = Path(tempfile.mkdtemp(dir=MEMORY if os.path.isdir(MEMORY) else None))
        self.promises, self.era, self.complaints = Promises(), 0, list[str]()
        self.wakes({})

    def wakes(self, state: State) -> None:
        """A master starts with these files."""
        self.era += 1
        self.before = self.promises.copy()
        self.root = self.place / str(self.era)
        crash_files.restore(state, self.root)
        Path(Paths(str(self.root)).queue_archive_dir).mkdir(parents=True, exist_ok=True)
        self.disk, self.workshop = CrashDisk(self.root, self.sabotage), Workshop()
        self.candidates = CandidateDirectories(
            self.root, [CANDIDATE], self.disk, forgets=self.sabotage is Sabotage.FORGET_CANDIDATE
        )
        self.world = World(
            self.root,
            CANDIDATE,
            disk=self.disk,
            transport=self.candidates,
            epoch=self.promises.epoch,
        )
        self.world.max_running = SLOTS
        for name, lock in LOCKS.items():
            plan = LockPlan() if lock is None else LockPlan({Level.INSTANCE: exclusive(lock)})
            self.world.script(name, self.body(self.world, self.workshop, name), plan=plan)
        self.world.start()
        self.is_living = True
        self.candidates.wait()
        self.world.let_writer_catch_up()
        self.rest()

    def body(self, world: World, workshop: Workshop, script: str) -> Callable[[Run], Any]:
        def work(run: Run) -> Any:
            place = (run.job_id, world.job(run.job_id).current)
            self.check_dependencies(world, place)
            at_work = workshop.carry_out(place, script, lambda: self.tell("executed", place))
            run.feedback("message", "at work")
            assert at_work.ended.wait(2 * PATIENCE_S)
            workshop.leave(place)
            if at_work.is_dead:
                raise Dead
            if not at_work.is_good:
                raise errors.OpExecError(BROKE)
            return list(place)

        return work

    def check_dependencies(self, world: World, place: Place) -> None:
        """Whatever an opcode needs must have ended, and as it should, before it is carried out."""
        op = world.job(place[0]).ops[place[1]]
        for number, wanted in op.input["depends"] or []:
            other = world.queue.job(number)
            status = str(other.job.status) if other and other.job.is_final else None
            if status is None or (wanted and status not in wanted):
                self.complaints.append(f"{place} is carried out while {number} is {status}")

    def tell(self, kind: str, key: object) -> None:
        """Something happened that the world outside knows of, after all that was done so far."""
        self.disk.mark(kind, key)
        self.promises.note(kind, key)

    @property
    def jobs(self) -> list[Job]:
        return [snapshot.job for snapshot in self.world.queue.jobs()]

    def pick(self, choice: int, found: Iterable[int]) -> int | None:
        """One of the jobs, if there are any."""
        numbers = sorted(found)
        return numbers[choice % len(numbers)] if numbers else None

    # Rules.

    @rule(wanted=st.lists(queue_wishes.WISHES, min_size=1, max_size=3))
    def submit(self, wanted: list[Wish]) -> None:
        if self.world.queue.is_drained:
            with pytest.raises(errors.JobQueueDrainError):
                self.world.submit("free")
            return
        known = sorted(self.promises.acknowledged)
        new = [queue_wishes.opcodes(wish, known) for wish in wanted]
        answers = self.world.queue.submit_many(new)
        for (is_accepted, number), wish in zip(answers, wanted, strict=True):
            if is_accepted:
                self.tell("acknowledged", (number, wish.priority))

    @rule(choice=picks, is_good=st.booleans(), then_cancel=st.booleans())
    def finish(self, choice: int, is_good: bool, then_cancel: bool) -> None:
        """`then_cancel`: as soon as the opcode has ended, before that is durable; else somebody looks
        as soon as it can be seen."""
        works = list(self.workshop.works.items())
        if works:
            (number, index), work = works[choice % len(works)]
            work.is_good = is_good
            work.ended.set()
            if then_cancel:
                self.cancel_soon(number)
            else:
                self.world.until_op(number, index)
                self.look()

    def cancel_soon(self, number: int) -> None:
        """Unless its next opcode is at work before."""
        self.tell("asked to cancel", number)
        while not self.world.job(number).is_final and not self.is_at_work(number):
            if self.world.queue.cancel(number)[0]:
                self.tell("cancelled", number)
                return

    def is_at_work(self, number: int) -> bool:
        return any(job_id == number for job_id, _ in self.workshop.works)

    @rule(choice=picks)
    def cancel(self, choice: int) -> None:
        number = self.pick(choice, self.promises.acknowledged)
        if number is None:
            return
        self.tell("asked to cancel", number)
        if self.world.queue.cancel(number)[0]:
            self.tell("cancelled", number)

    @rule(choice=picks, priority=st.sampled_from([-10, 0, 10]))
    def change_priority(self, choice: int, priority: int) -> None:
        number = self.pick(choice, self.promises.acknowledged)
        if number is None:
            return
        self.tell("asked for priority", (number, priority))
        if self.world.queue.change_priority(number, priority)[0]:
            self.tell("priority", (number, priority))

    @rule(choice=picks)
    def archive(self, choice: int) -> None:
        number = self.pick(choice, (job.id for job in self.jobs if job.is_final))
        if number is not None:
            assert self.world.queue.archive(number)
            self.tell("archived", number)

    @rule()
    def archive_all(self) -> None:
        """Everything runs to its end before."""
        while works := self.workshop.works:
            for work in works.values():
                work.ended.set()
            self.rest()
        ended = [job.id for job in self.jobs if job.is_final]
        assert self.world.queue.auto_archive(EVERY_AGE, PATIENCE_S)[0] == len(ended)
        for number in ended:
            self.tell("archived", number)

    @rule(flag=st.booleans())
    def drain(self, flag: bool) -> None:
        self.tell("asked to drain", flag)
        self.world.queue.set_drained(flag)
        self.tell("drained", flag)

    @rule(seconds=st.sampled_from([1.5, 10.0]))
    def let_time_pass(self, seconds: float) -> None:
        """What is written at leisure is written; attempts to get locks end, and others begin."""
        self.world.pass_time(seconds)

    @rule(
        back=st.one_of(st.integers(0, 3), st.integers(0, 20)),
        just_told=st.booleans(),
        choice=st.integers(-10, 10),
        is_lost=st.booleans(),
        is_hurried=st.booleans(),
    )
    def crash(
        self, back: int, just_told: bool, choice: int, is_lost: bool, is_hurried: bool
    ) -> None:
        """The power fails, at some moment of the last steps, often when a client was just told
        something, and often nothing is kept that was not synced.

        `is_hurried`: the daemon is ended by a second signal before. `is_lost`: the candidate takes over.
        """
        self.workshop.power_fails()
        if is_hurried:
            self.end(timeout_s=0)
        points = self.disk.points_after_marks if just_told else list(range(self.disk.points + 1))
        outcomes = self.disk.outcomes(points[max(-1 - back, -len(points))] if points else 0)
        cut = outcomes[max(choice, 0) % len(outcomes)]
        self.bury()
        self.promises = self.before
        for mark in cut.marks:
            self.promises.note(mark.kind, mark.key)
        state = cut.state
        if is_lost and CANDIDATE in in_sync(state):
            state = swapped(state, CANDIDATE)
            self.promises.epoch += 1
        self.survive(state)
        self.wakes(state)

    def survive(self, state: State) -> set[int]:
        return self.promises.survive(jobs_in(state), jobs_in(state, archived=True))

    @rule()
    def stop(self) -> None:
        """The daemon is asked to end: what runs may end, what waits goes back, and clients are served."""
        queue, running = self.world.queue, self.workshop.works
        queue.shutdown()
        with pytest.raises(errors.JobQueueError, match="shutting down"):
            self.world.submit("free")
        self.look()
        for work in running.values():
            work.ended.set()
        assert queue.wait_until_settled(PATIENCE_S)
        self.look()
        assert all(job.is_final or job.status is Status.QUEUED for job in self.jobs)
        for number, index in running:
            assert self.world.job(number).ops[index].status is Status.SUCCESS
        self.end(PATIENCE_S)
        worst, *_ = self.disk.outcomes(self.disk.points)
        assert not self.survive(worst.state), "nothing was under way"
        self.wakes(worst.state)

    # What must be true.

    def look(self) -> None:
        """A client looks at all jobs; what it sees must not contradict what was seen or promised."""
        queue = self.world.queue
        seen = {snapshot.job.id: snapshot for snapshot in queue.jobs(archived=True)}
        found = self.promises.problems(seen, is_drained=queue.is_drained, last_id=queue.last_id)
        assert [*self.complaints, *found] == []
        for number, snapshot in seen.items():
            for index, op in enumerate(snapshot.job.ops):
                if op.is_final and (number, index) not in self.promises.ended:
                    self.tell("ended", ((number, index), told(op)))

    @invariant()
    def it_comes_to_rest(self) -> None:
        self.rest()
        self.look()

    def rest(self) -> None:
        """Wait until nothing moves any more; whoever stands still without a reason fails the test."""
        while restless := self.restless():
            self.world.until_changed(*restless)

    def restless(self) -> list[Job]:
        """Some of these must change soon, as locks and slots are. A job that has got to work since
        it was looked at does not count, so works are looked at last."""
        found = self.jobs
        works = self.workshop.works
        return [job for job in found if self.should_move(job, works)]

    def should_move(self, job: Job, works: Mapping[Place, Work]) -> bool:
        if job.is_final or (job.id, job.current) in works:
            return False
        op = job.ops[job.current]
        if len(works) == SLOTS:
            return op.status is Status.RUNNING
        if op.status is Status.WAITING:
            taken = {LOCKS[work.script] for work in works.values()}
            return LOCKS[op.input["script"]] not in taken - {None}
        return op.status is not Status.QUEUED or not self.depends_on_others(job)

    def depends_on_others(self, job: Job) -> bool:
        depends = job.ops[job.current].input["depends"] or []
        others = [self.world.queue.job(number) for number, _ in depends]
        return any(other and not other.job.is_final for other in others)

    def teardown(self) -> None:
        """In the end everything has ended as it should."""
        try:
            if self.is_living:
                self.workshop.open()
                for job in self.jobs:
                    self.world.until(job.id)
                self.look()
                archive = self.world.queue.jobs(archived=True)
                assert list(self.promises.unexplained(s.job for s in archive)) == []
        finally:
            self.bury()
            shutil.rmtree(self.place, ignore_errors=True)

    def bury(self) -> None:
        """Whatever was at work notices now that its master is dead."""
        self.workshop.dismiss()
        self.end(PATIENCE_S)
        self.candidates.wait()

    def end(self, timeout_s: float) -> None:
        """The daemon ends its threads, or as many as it can in that time."""
        if self.is_living:
            self.is_living = False
            self.world.queue.shutdown()
            self.world.queue.close(timeout_s)


SETTINGS = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestQueue = Queue.TestCase
TestQueue.settings = SETTINGS


@pytest.mark.parametrize("sabotage", Sabotage)
def test_the_machine_can_see(sabotage: Sabotage) -> None:
    lying = type("Lying", (Queue,), {"sabotage": sabotage})
    quick = settings(
        SETTINGS,
        max_examples=400,  # the first that sees it is the last
        phases=[Phase.generate],
        database=None,
        report_multiple_bugs=False,
    )
    with pytest.raises((AssertionError, errors.GenericError, ValueError, Flaky)):
        run_state_machine_as_test(lying, settings=quick)
