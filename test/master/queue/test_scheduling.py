# SPDX-License-Identifier: GPL-2.0-or-later
"""Who starts when: locks, priorities, slots, dependencies, filters, cancelling, stopping."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ganeti import errors
from ganeti.master.locks import plan
from ganeti.master.locks.grip import Mode
from ganeti.master.locks.plan import Level, LockPlan
from ganeti.master.locks.rows import LockRow
from ganeti.master.queue.attempts import TIMEOUTS_S
from ganeti.master.queue.execution import Run
from ganeti.master.queue.watch import Answer, Known
from test.support.queue_world import HARD_LIMIT, PATIENCE_S, Gate, World, scripted

N = Level.NODE


def nodes(*names: str) -> LockPlan:
    return LockPlan({N: plan.exclusive(*names)})


@pytest.fixture
def gate(world: World) -> Iterator[Gate]:
    """Script ``gate`` takes no locks and stops until it is let through."""
    made = Gate()
    world.script("gate", made)
    yield made
    made.let_through(100)


class Owner:
    """A job that holds the lock of node `a` until it is let go."""

    def __init__(self, world: World) -> None:
        self.world, self.gate = world, Gate()
        world.script("owner", self.gate, plan=nodes("a"))
        world.script("wants a", "got it", plan=nodes("a"))
        self.number = world.submit("owner")
        self.gate.wait_for_arrival()

    def let_go(self) -> None:
        self.gate.let_through()


@pytest.fixture
def owner(world: World) -> Iterator[Owner]:
    made = Owner(world)
    yield made
    made.let_go()


# Locks.


def test_a_job_waits_for_its_locks_as_a_record(world: World, owner: Owner) -> None:
    threads = threading.active_count()
    waiting = [world.submit("wants a") for _ in range(50)]
    world.until_blocked(*waiting)
    assert threading.active_count() <= threads + 24, "no thread for each of them"
    exclusive = Mode.EXCLUSIVE
    assert world.queue.lock_rows() == [
        LockRow("node/a", exclusive, (owner.number,), tuple((exclusive, (n,)) for n in waiting))
    ]
    owner.let_go()
    for number in waiting:
        assert world.until(number).ops[0].result == "got it"
    assert world.queue.lock_rows() == []


def test_levels_are_taken_in_order_and_later_ones_see_the_earlier(world: World) -> None:
    seen: list[Any] = []

    def then(held: Any) -> plan.Want:
        seen.append(dict(held))
        return plan.shared(*held[Level.INSTANCE])

    world.script("two", plan=LockPlan({N: then, Level.INSTANCE: plan.exclusive("i1", "i2")}))
    world.until(world.submit("two"))
    none = frozenset[str]()
    assert seen == [
        {Level.CLUSTER: none, Level.INSTANCE: {"i1", "i2"}, Level.NODEGROUP: none},
    ]


def test_a_whole_level_is_expanded_once_it_is_held(world: World, owner: Owner) -> None:
    held: list[Any] = []

    def look(run: Run) -> None:
        held.append(run.locks.owned(N))

    world.script("all", look, plan=LockPlan({N: plan.all_shared()}), names={N: ["a", "b"]})
    number = world.submit("all")
    world.until_blocked(number)
    world.scripts["all"].names = {N: ["a", "b", "new"]}
    owner.let_go()
    world.until(number)
    assert held == [{"a", "b", "new"}]


def test_a_running_job_can_release_and_downgrade(world: World, gate: Gate) -> None:
    def work(run: Run) -> None:
        run.locks.release(N, ["a"])
        run.locks.downgrade(N)
        gate(run)
        assert run.locks.owned(N) == {"b"}

    world.script("work", work, plan=nodes("a", "b"))
    world.script("wants a", plan=nodes("a"))
    world.script("shares b", plan=LockPlan({N: plan.shared("b")}))
    world.script("wants b", plan=nodes("b"))
    first = world.submit("work")
    gate.wait_for_arrival()
    world.until(world.submit("wants a"))
    world.until(world.submit("shares b"))
    last = world.submit("wants b")
    world.until_blocked(last)
    gate.let_through()
    world.until(first)
    world.until(last)


def test_opportunistic_locks_take_what_is_free(world: World, owner: Owner) -> None:
    def held(run: Run) -> list[str]:
        return sorted(run.locks.owned(N))

    some, many = plan.free_ones(["a", "b", "c"], 2), plan.free_ones(plan.ALL, 3)
    world.script("some", held, plan=LockPlan({N: some}))
    world.script("many", plan=LockPlan({N: many}), names={N: ["a", "b", "c"]}, second="fallback")
    world.script("fallback", held, plan=nodes("b", "c"))
    assert world.until(world.submit("some")).ops[0].result == ["b", "c"]
    assert world.until(world.submit("many")).ops[0].result == ["b", "c"]
    world.scripts["many"].second = None
    failed = world.until(world.submit("many")).ops[0].result
    assert failed[0] == "OpPrereqError" and failed[1][1] == "temp_insufficient_resources"


def test_when_the_time_is_over_everything_is_given_back(world: World, owner: Owner) -> None:
    world.script(
        "a and i", plan=LockPlan({N: plan.exclusive("a"), Level.INSTANCE: plan.shared("i")})
    )
    world.script("wants i", plan=LockPlan({Level.INSTANCE: plan.exclusive("i")}))
    first = world.submit("a and i")
    world.until_blocked(first)
    world.pass_time(2)
    second = world.submit("wants i")
    world.until_blocked(first, second)
    world.pass_time(2.5)
    world.until(second)
    assert world.closed == 2, "the attempt was closed"
    owner.let_go()
    world.until(first)
    assert world.begun[first] == 2, "it began anew, from its names on"


def test_its_place_is_kept_when_a_job_begins_anew(world: World, owner: Owner) -> None:
    order: list[int] = []
    world.script("wants a", lambda run: order.append(run.job_id), plan=nodes("a"))
    first = world.submit("wants a")
    world.until_blocked(first)
    world.pass_time(5.3)
    second = world.submit("wants a")
    world.until_blocked(first, second)
    owner.let_go()
    world.until(second)
    assert order == [first, second]


def test_long_waiting_raises_the_priority(world: World, owner: Owner) -> None:
    number = world.submit("wants a")
    for _ in TIMEOUTS_S:
        world.until_blocked(number)
        assert world.job(number).priority == 0
        world.pass_time(80)
    world.until_blocked(number)
    assert world.job(number).priority == -1
    world.pass_time(1)
    world.let_writer_catch_up()
    assert b'"priority": -1' in world.on_disk(number)
    assert world.candidates.files["n2"][f"job-{number}"] == world.on_disk(number)
    owner.let_go()
    world.until(number)


# Priorities and slots.


def test_the_most_urgent_first_then_the_oldest(world: World, gate: Gate) -> None:
    world.max_running = 1
    order: list[int] = []
    world.script("note", lambda run: order.append(run.job_id))
    world.submit("gate")
    gate.wait_for_arrival()
    low, one, two, high = (world.submit("note", priority=p) for p in (10, 0, 0, -10))
    assert {world.status(n) for n in (low, one, two, high)} == {"queued"}
    assert world.queue.change_priority(two, -10)[0]
    gate.let_through()
    for number in (low, one, two, high):
        world.until(number)
    assert order == [two, high, one, low]


def test_no_more_jobs_run_than_there_are_slots(world: World, gate: Gate) -> None:
    world.max_running = 2
    numbers = [world.submit("gate") for _ in range(5)]
    gate.wait_for_arrival()
    gate.wait_for_arrival()
    assert [world.status(n) for n in numbers] == ["running"] * 2 + ["queued"] * 3
    world.max_running = 4
    world.queue.reschedule()
    gate.wait_for_arrival()
    gate.wait_for_arrival()
    assert world.status(numbers[4]) == "queued"
    gate.let_through(5)
    for number in numbers:
        world.until(number)


def test_waiting_for_locks_takes_no_slot(world: World, owner: Owner, gate: Gate) -> None:
    world.max_running = 2
    waiting = [world.submit("wants a") for _ in range(3)]
    world.until_blocked(*waiting)
    other = world.submit("gate")
    gate.wait_for_arrival()
    assert world.status(other) == "running"
    gate.let_through()
    owner.let_go()
    for number in waiting:
        world.until(number)


def test_whoever_has_locks_but_no_slot_lines_up(world: World, owner: Owner, gate: Gate) -> None:
    world.max_running = 2
    waiting = world.submit("wants a")
    world.until_blocked(waiting)
    world.submit("gate")
    gate.wait_for_arrival()
    world.max_running = 1
    owner.let_go()
    world.until(owner.number)
    assert world.status(waiting) == "waiting"
    assert world.queue.lock_rows()[0].owners == (waiting,)
    gate.let_through()
    world.until(waiting)


@pytest.mark.parametrize("priority", [-20, 5, 19])
def test_only_three_priorities_can_be_asked_for(world: World, priority: int) -> None:
    with pytest.raises(errors.GenericError):
        world.queue.change_priority(1, priority)


def test_a_waiting_job_overtakes_when_it_becomes_more_urgent(world: World, owner: Owner) -> None:
    order: list[int] = []
    world.script("wants a", lambda run: order.append(run.job_id), plan=nodes("a"))
    first, second = world.submit("wants a"), world.submit("wants a")
    world.until_blocked(first, second)
    assert world.queue.change_priority(second, -10) == (
        True,
        f"Job {second} has the priority -10 now",
    )
    assert world.op(second).priority == -10
    owner.let_go()
    world.until(first)
    assert order == [second, first]


def test_a_priority_that_cannot_be_written_is_not_promised(world: World) -> None:
    world.rule("PAUSE")
    number = world.submit("nothing")
    world.primitives.fail = True
    with pytest.raises(errors.JobQueueError, match="cannot be written"):
        world.queue.change_priority(number, -10)


def test_another_priority_shows_no_end_that_is_not_durable(world: World, gate: Gate) -> None:
    world.script("gate", gate)
    number = world.submit("gate", "gate")
    gate.wait_for_arrival()
    world.until(number, "running")
    world.candidates.hold()
    gate.let_through(2)
    world.candidates.wait_for_calls(2)
    had_it: list[bool] = []

    def answer(news: Answer) -> None:
        had_it.append(
            all(b"success" in f[f"job-{number}"] for f in world.candidates.files.values())
        )

    known = Known(["opstatus"], [["running", "queued"]], 0)
    world.queue.wait_for_change(number, known, PATIENCE_S, answer)
    client = threading.Thread(target=lambda: world.queue.change_priority(number, -10))
    client.start()
    client.join(0.01)  # it waits until that is durable
    world.candidates.let_go()
    client.join(PATIENCE_S)
    world.until(number, "success")
    assert had_it == [True]


def test_priorities_that_cannot_change(world: World, gate: Gate) -> None:
    running = world.submit("gate")
    gate.wait_for_arrival()
    assert world.queue.change_priority(running, -10)[0] is False
    two_ops = world.submit("gate", "nothing")
    gate.wait_for_arrival()
    assert world.queue.change_priority(two_ops, -10)[0] is True
    assert [op.priority for op in world.job(two_ops).ops] == [0, -10]
    gate.let_through(2)
    world.until(running)
    for number in (running, 99):
        answer, text = world.queue.change_priority(number, 0)
        assert not answer and "not in the queue" in text


# Dependencies.


def test_a_job_waits_for_another_without_a_slot(world: World, gate: Gate) -> None:
    world.max_running = 2
    first = world.submit("gate")
    second = world.submit("nothing", depends=[(first, ["success"])])
    third = world.submit("nothing", depends=[(-1, [])])
    gate.wait_for_arrival()
    assert world.status(second) == world.status(third) == "queued"
    assert world.until(world.submit("nothing")).status == "success"
    assert world.queue.lock_rows() == [
        LockRow(f"job/{first}", None, (), (("job", (second,)),)),
        LockRow(f"job/{second}", None, (), (("job", (third,)),)),
    ]
    gate.let_through()
    assert world.until(third).status == "success"
    assert world.job(second).start >= world.job(first).end  # type: ignore[operator]


@pytest.mark.parametrize(
    ("wanted", "ends", "status"),
    [
        ([], "error", "success"),
        (["error"], "error", "success"),
        (["success"], "error", "error"),
        (["success"], "canceled", "canceled"),
        (["canceled"], "canceled", "success"),
    ],
)
def test_how_the_other_job_ended_matters(
    world: World, wanted: list[str], ends: str, status: str
) -> None:
    def fail(run: Run) -> None:
        raise errors.OpExecError("it broke")

    world.script("fail", fail)
    world.rule("PAUSE")
    first = world.submit("fail")
    second = world.submit("nothing", depends=[(first, wanted)])
    third = world.submit("nothing", depends=[(second, [])])
    if ends == "canceled":
        world.queue.cancel(first)
    world.rules.clear()
    world.queue.reschedule()
    assert world.until(first).status == ends
    assert world.until(second).status == status
    assert world.until(third).status == "success"


def test_archived_jobs_still_count(world: World) -> None:
    done = world.submit("nothing")
    world.until(done)
    world.queue.archive(done)
    assert world.until(world.submit("nothing", depends=[(done, ["success"])])).status == "success"
    assert world.until(world.submit("nothing", depends=[(done, ["error"])])).status == "error"


@pytest.mark.parametrize("number", [1, 2, 99, 0])
def test_a_job_cannot_wait_for_itself_or_for_nothing(world: World, number: int) -> None:
    job = world.until(world.submit("nothing", depends=[(number, [])]))
    assert job.status == "error"
    assert "depends" in job.ops[0].result[1][0]


def test_each_opcode_waits_for_its_own(world: World, gate: Gate) -> None:
    first = world.submit("gate")
    second = world.queue.submit(
        [scripted("nothing"), scripted("nothing", depends=[(first, ["success"])])]
    )
    assert [op.status for op in world.until_op(second, 0).ops] == ["success", "queued"]
    gate.let_through()
    world.until(second)


# Filters and limits.


def test_paused_jobs_stay_queued_until_the_rule_is_gone(world: World) -> None:
    world.rule("PAUSE", ["jobid", [">", "id", "watermark"]])
    paused = world.submit("nothing")
    assert world.status(paused) == "queued"
    world.rules.clear()
    world.queue.reschedule()
    world.until(paused)


def test_a_pause_does_not_stop_what_has_started(world: World, owner: Owner, gate: Gate) -> None:
    two_ops = world.submit("gate", "nothing")
    gate.wait_for_arrival()
    waiting = world.submit("wants a")
    world.until_blocked(waiting)
    world.rule("PAUSE")
    gate.let_through()
    owner.let_go()
    assert world.until(two_ops).status == world.until(waiting).status == "success"


def test_rejected_jobs_are_cancelled_at_once(world: World, owner: Owner) -> None:
    world.max_running = 1
    queued, waiting = world.submit("nothing"), world.submit("wants a")
    world.max_running = 20
    world.queue.reschedule()
    world.until(queued)
    world.until_blocked(waiting)
    world.max_running = 1
    late = world.submit("nothing")
    world.rule("REJECT")
    assert world.until(waiting, "canceled") and world.until(late, "canceled")
    new = world.submit("nothing")
    assert world.until(new).status == "canceled"
    assert world.status(owner.number) == "running"
    assert world.job(queued).status == "success"


def test_a_rule_limits_how_many_run(world: World, gate: Gate) -> None:
    world.rule(["RATE_LIMIT", 2], ["opcode", ["=", "script", "gate"]])
    numbers = [world.submit("gate") for _ in range(3)]
    gate.wait_for_arrival()
    gate.wait_for_arrival()
    assert world.until(world.submit("nothing")).status == "success"
    assert [world.status(n) for n in numbers] == ["running", "running", "queued"]
    gate.let_through()
    gate.wait_for_arrival()
    gate.let_through(2)
    for number in numbers:
        world.until(number)


def test_a_rule_counts_what_it_finds_running(world: World, gate: Gate) -> None:
    running = [world.submit("gate") for _ in range(2)]
    for _ in running:
        gate.wait_for_arrival()
    world.rule(["RATE_LIMIT", 2])
    late = world.submit("nothing")
    assert world.status(late) == "queued"
    world.rules.clear()
    world.rule(["RATE_LIMIT", 3])
    assert world.until(late).status == "success"
    gate.let_through(2)
    for number in running:
        world.until(number)


def test_rejected_jobs_that_wait_for_another_are_cancelled_too(world: World, gate: Gate) -> None:
    first = world.submit("gate")
    gate.wait_for_arrival()
    second = world.submit("nothing", depends=[(first, [])])
    world.rule("REJECT")
    assert world.until(second).status == "canceled"
    third = world.submit("nothing", depends=[(first, [])])
    assert world.until(third).status == "canceled"
    gate.let_through()
    assert world.until(first).status == "success"


def test_an_earlier_rule_accepts_what_a_later_one_would_hold(world: World) -> None:
    world.rule("ACCEPT", ["opcode", ["=", "script", "nothing"]], uuid="a")
    world.rule("PAUSE", uuid="b")
    world.script("other")
    held = world.submit("other")
    assert world.until(world.submit("nothing")).status == "success"
    assert world.status(held) == "queued"


def test_a_reason_limits_how_many_run(world: World, gate: Gate) -> None:
    reason = [("gnt:user", "rate-limit:1:nightly", 1)]
    first, second = (world.submit("gate", reason=reason) for _ in range(2))
    gate.wait_for_arrival()
    assert world.until(world.submit("nothing")).status == "success"
    assert world.status(second) == "queued"
    gate.let_through(2)
    world.until(first)
    world.until(second)


# Cancelling.


def test_cancelling_a_queued_job_ends_it_at_once(world: World) -> None:
    world.rule("PAUSE")
    number = world.submit("nothing", "nothing")
    assert world.queue.cancel(number) == (True, f"Job {number} has been cancelled")
    job = world.job(number)
    assert [op.status for op in job.ops] == ["canceled", "canceled"]
    assert job.ops[0].result == "Job canceled by request" and job.end
    assert b'"canceled"' in world.on_disk(number)
    assert world.queue.cancel(number)[0] is False


def test_cancelling_a_job_that_waits_for_locks(world: World, owner: Owner) -> None:
    number, behind = world.submit("wants a"), world.submit("wants a")
    world.until_blocked(number, behind)
    assert world.queue.cancel(number) == (True, f"Job {number} will be cancelled")
    assert world.until(number).status == "canceled"
    assert world.closed == 1
    owner.let_go()
    assert world.until(behind).status == "success"


def test_cancelling_a_job_that_waits_for_another(world: World, gate: Gate) -> None:
    first = world.submit("gate")
    second = world.submit("nothing", depends=[(first, [])])
    assert world.queue.cancel(second)[0] is True
    assert world.status(second) == "canceled"
    gate.let_through()
    world.until(first)


def test_a_cancellation_is_answered_when_it_is_durable(world: World, gate: Gate) -> None:
    """What is told here is never carried out, whatever happens to the daemon."""
    world.script("slow", begin=lambda feedback: gate(None))
    number = world.submit("slow")
    gate.wait_for_arrival()
    world.candidates.hold()
    answers: list[tuple[bool, str]] = []
    client = threading.Thread(target=lambda: answers.append(world.queue.cancel(number)))
    client.start()
    world.candidates.wait_for_calls(2)
    assert (world.status(number), answers) == ("canceling", [])
    assert world.queue.change_priority(number, -10)[0] is False
    world.candidates.let_go()
    client.join(PATIENCE_S)
    assert answers == [(True, f"Job {number} will be cancelled")]
    assert all(b"canceling" in f[f"job-{number}"] for f in world.candidates.files.values())
    gate.let_through()
    assert world.until(number).status == "canceled"
    assert world.begun[number] == 1


def test_cancelling_while_the_end_of_an_opcode_is_written(world: World, gate: Gate) -> None:
    number = world.submit("gate", "gate")
    gate.wait_for_arrival()
    world.candidates.hold()
    gate.let_through()
    world.candidates.wait_for_calls(2)
    world.rule("REJECT")
    assert world.status(number) == "running"
    world.candidates.let_go()
    assert [op.status for op in world.until(number).ops] == ["success", "canceled"]
    assert world.begun[number] == 1


def test_cancelling_while_the_lock_phase_is_at_work(world: World, gate: Gate) -> None:
    world.script("slow", plan=nodes("a"), begin=lambda feedback: gate(None))
    number = world.submit("nothing", "slow")
    gate.wait_for_arrival()
    assert world.queue.cancel(number)[0] is True
    assert world.status(number) == "canceling"
    gate.let_through()
    assert world.until(number).status == "canceled"
    assert world.queue.lock_rows() == []


def test_cancelling_a_job_that_has_locks_but_no_slot(
    world: World, owner: Owner, gate: Gate
) -> None:
    waiting = world.submit("wants a")
    world.until_blocked(waiting)
    world.submit("gate")
    gate.wait_for_arrival()
    world.max_running = 1
    owner.let_go()
    world.until(owner.number)
    assert world.queue.cancel(waiting)[0] is True
    assert world.until(waiting).status == "canceled"
    assert world.queue.lock_rows() == []
    gate.let_through()


@pytest.mark.parametrize("kill", [False, True])
def test_a_running_job_cannot_be_cancelled(world: World, gate: Gate, kill: bool) -> None:
    number = world.submit("gate")
    gate.wait_for_arrival()
    answer, text = world.queue.cancel(number, kill)
    assert (answer, text) == (False, f"Job {number} is running and cannot be cancelled")
    gate.let_through()
    assert world.until(number).status == "success"
    assert world.queue.cancel(number)[0] is False
    assert world.queue.cancel(99)[0] is False


def test_cancelling_between_two_opcodes(world: World, gate: Gate) -> None:
    first = world.submit("gate")
    two_ops = world.queue.submit([scripted("nothing"), scripted("nothing", depends=[(first, [])])])
    world.until_op(two_ops, 0)
    assert world.queue.cancel(two_ops)[0] is True
    assert [op.status for op in world.job(two_ops).ops] == ["success", "canceled"]
    gate.let_through()


# Refusing, archiving, stopping, starting again.


def test_a_drained_queue_refuses_new_jobs_only(world: World) -> None:
    world.rule("PAUSE")
    queued = world.submit("nothing")
    world.queue.set_drained(True)
    assert world.queue.is_drained
    assert world.candidates.drained == {"n2": True, "n3": True}
    with pytest.raises(errors.JobQueueDrainError):
        world.submit("nothing")
    with pytest.raises(errors.JobQueueDrainError):
        world.queue.submit_many([[]])
    number = world.queue.submit([scripted("nothing")], to_drained=True)
    world.rules.clear()
    world.queue.reschedule()
    assert world.until(queued).status == world.until(number).status == "success"
    world.restart()
    assert world.queue.is_drained
    world.queue.set_drained(False)
    assert world.until(world.submit("nothing")).status == "success"
    assert world.candidates.drained == {"n2": False, "n3": False}


def test_an_opcode_cannot_submit_to_a_drained_queue(world: World, gate: Gate) -> None:
    def spawn(run: Run) -> list[Any]:
        gate(run)
        return run.submit_jobs([[scripted("nothing")]])

    world.script("spawn", spawn)
    number = world.submit("spawn")
    gate.wait_for_arrival()
    world.queue.set_drained(True)
    gate.let_through()
    assert world.until(number).ops[0].result[0] == "JobQueueDrainError"
    assert world.queue.last_id == number


def test_one_refused_job_does_not_affect_the_others(world: World) -> None:
    new = [[scripted("nothing", depends=[(-5, [])])], [scripted("nothing")]]
    refused, accepted = world.queue.submit_many(new)
    assert refused[0] is False
    assert str(refused[1]).endswith("; opcodes SAMPLE_SCRIPTED(nothing)")
    assert accepted == (True, 2)
    with pytest.raises(errors.JobQueueError):
        world.queue.submit(new[0])
    world.until(2)


def test_a_full_queue_refuses_what_is_too_much(world: World) -> None:
    world.rule("PAUSE")
    answers = world.queue.submit_many([[scripted("nothing")]] * (HARD_LIMIT + 2))
    assert [good for good, _ in answers] == [True] * HARD_LIMIT + [False] * 2
    with pytest.raises(errors.JobQueueFull):
        world.submit("nothing")
    world.queue.cancel(1)
    assert world.queue.archive(1)
    assert world.submit("nothing") == HARD_LIMIT + 4


def test_archiving(world: World, gate: Gate) -> None:
    done, running = world.submit("nothing"), world.submit("gate")
    world.until(done)
    gate.wait_for_arrival()
    before = world.on_disk(done)
    assert world.queue.archive(running) is False
    assert world.queue.archive(99) is False
    assert world.queue.archive(done) is True
    assert world.queue.archive(done) is False
    with open(world.paths.archived_job(done), "rb") as file:
        assert file.read() == before
    assert [s.job.id for s in world.queue.jobs()] == [running]
    assert [(s.job.id, s.is_archived) for s in world.queue.jobs(archived=True)] == [
        (done, True),
        (running, False),
    ]
    assert [s.job.id for s in world.queue.jobs([99, running, done])] == [running, done]
    assert f"archive/0/job-{done}" in world.candidates.files["n2"]
    gate.let_through()


def test_auto_archiving_by_age(world: World, gate: Gate) -> None:
    old = [world.submit("nothing") for _ in range(25)]
    for number in old:
        world.until(number)
    world.pass_time(3600)
    young, running = world.submit("nothing"), world.submit("gate")
    world.until(young)
    gate.wait_for_arrival()
    assert world.queue.auto_archive(3700, 60) == (0, 0)
    assert world.queue.auto_archive(600, 60) == (25, 0)
    assert [s.job.id for s in world.queue.jobs()] == [young, running]
    assert world.queue.auto_archive(-1, -1) == (0, 2), "no time to look at any"
    assert world.queue.auto_archive(-1, 60) == (1, 0)
    gate.let_through()


def test_auto_archiving_ends_in_time(world: World) -> None:
    numbers = [world.submit("nothing") for _ in range(30)]
    for number in numbers:
        world.until(number)
    vars(world.clock)["monotonic"] = itertools.count().__next__
    assert world.queue.auto_archive(-1, 15) == (15, 15)
    assert [snapshot.job.id for snapshot in world.queue.jobs()] == numbers[15:]
    assert os.path.exists(world.paths.archived_job(numbers[14]))


def test_shutting_down(world: World, owner: Owner, gate: Gate) -> None:
    running = world.submit("gate", "nothing")
    gate.wait_for_arrival()
    waiting = world.submit("wants a")
    world.until_blocked(waiting)
    world.queue.shutdown()
    assert world.until(waiting, "queued")
    with pytest.raises(errors.JobQueueError, match="shutting down"):
        world.submit("nothing")
    assert not world.queue.wait_until_settled(0)
    owner.let_go()
    gate.let_through()
    assert world.queue.wait_until_settled(PATIENCE_S)
    assert world.status(owner.number) == "success"
    assert [op.status for op in world.job(running).ops] == ["success", "queued"]
    world.queue.close()
    assert b'"waiting"' not in world.on_disk(waiting)
    world.queue = world.build()
    world.start()
    assert world.until(waiting).status == world.until(running).status == "success"
    assert world.begun[running] == 2, "the first opcode was not carried out again"


def test_the_second_way_waits_until_the_next_start(world: World, gate: Gate) -> None:
    def short(run: Run) -> None:
        gate(run)
        raise errors.OpPrereqError("full", errors.Code.TEMP_NO_RESOURCES)

    world.script("first", short, second="nothing")
    number = world.submit("first")
    gate.wait_for_arrival()
    world.queue.shutdown()
    gate.let_through()
    assert world.queue.wait_until_settled(PATIENCE_S)
    assert world.status(number) == "queued"
    world.restart()
    assert world.until(number).ops[0].input["script"] == "nothing"


def test_too_few_free_locks_are_no_failure_while_the_daemon_ends(world: World, gate: Gate) -> None:
    many = LockPlan({N: plan.free_ones(["a"], 2)})
    world.script("many", plan=many, begin=lambda _: gate(None), second="nothing")
    number = world.submit("many")
    gate.wait_for_arrival()
    world.queue.shutdown()
    gate.let_through()
    assert world.queue.wait_until_settled(PATIENCE_S)
    assert world.status(number) == "queued"


def test_a_cancelled_job_does_not_try_another_way(world: World, gate: Gate) -> None:
    many = LockPlan({N: plan.free_ones(["a"], 2)})
    world.script("many", plan=many, begin=lambda _: gate(None), second="nothing")
    number = world.submit("many")
    gate.wait_for_arrival()
    assert world.queue.cancel(number)[0]
    world.candidates.hold()
    gate.let_through()
    world.candidates.wait_for_calls(1)
    assert world.status(number) == "canceling"
    world.candidates.let_go()
    assert world.until(number).status == "canceled"


def test_starting_with_what_a_crash_left(world: World) -> None:
    world.rule("PAUSE")
    numbers = [world.submit("nothing") for _ in range(3)]
    world.queue.shutdown()
    world.queue.close()
    raw = world.on_disk(numbers[1]).replace(b'"status":"queued"', b'"status":"running"')
    world.write_job(numbers[1], raw)
    world.write_job(numbers[2], b"rubbish")
    world.rules.clear()
    world.queue = world.build()
    world.start()
    assert world.until(numbers[0]).status == "success"
    broken = world.until_known(numbers[1])
    assert (broken.status, broken.ops[0].result[0]) == ("error", "OpExecError")
    assert world.candidates.files["n2"][f"job-{numbers[1]}"] == world.on_disk(numbers[1])
    assert world.queue.job(numbers[2]) is None
    assert world.begun == {numbers[0]: 1}
    assert world.submit("nothing") == numbers[2] + 1


def test_the_queue_of_another_release_is_refused(world: World) -> None:
    world.queue.shutdown()
    world.queue.close()
    with open(world.paths.queue_version, "w", encoding="ascii") as file:
        file.write("2\n")
    with pytest.raises(errors.JobQueueError, match="another release"):
        world.build().start([])
