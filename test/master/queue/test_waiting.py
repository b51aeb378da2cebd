# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs that wait for others, when either of them goes away in an unusual order; and lines of many."""

from __future__ import annotations

from ganeti.master.queue import job as jobs
from ganeti.master.queue.entry import Entry, Phase
from ganeti.master.queue.waiting import WaitingRoom
from test.support.queue_world import Gate, World, scripted


def test_a_job_may_be_archived_before_the_one_it_depended_on_ends(world: World) -> None:
    gate = Gate()
    world.script("gate", gate)
    first = world.submit("gate")
    gate.wait_for_arrival()
    second = world.submit("nothing", depends=[(first, [])])
    assert world.queue.cancel(second)[0]
    assert world.queue.archive(second)
    assert world.queue.lock_rows() == []
    gate.let_through()
    assert world.until(first).status == "success"
    assert world.until(world.submit("nothing", depends=[(first, [])])).status == "success"


def test_a_start_knows_the_end_of_a_job_with_a_larger_number(world: World) -> None:
    world.rule("PAUSE", ["jobid", ["=", "id", 1]])
    world.queue.submit_many([[scripted("nothing", depends=[(2, [])])], [scripted("nothing")]])
    world.until(2)
    world.rules.clear()
    world.restart()
    assert world.until(1).status == "success"


class Slots:
    """Starts jobs as long as there are slots, and counts how often it is asked for one."""

    def __init__(self) -> None:
        self.free, self.asked = 20, 0
        self.entries: dict[int, Entry] = {}
        self.started: list[int] = []
        self.room = WaitingRoom(self, self.entries)

    def submit(self, number: int, *reasons: str) -> None:
        opcode = scripted("nothing", reason=[("test", reason, 0) for reason in reasons])
        entry = Entry(jobs.submitted(number, [opcode], (0, 0)), arrival=number)
        self.entries[number] = entry
        self.room.enter(entry)

    def look(self) -> int:
        """How many jobs were looked at."""
        self.asked = 0
        self.room.look(self.is_free)
        return self.asked

    def is_free(self) -> bool:
        self.asked += 1
        return self.free > 0

    def end(self, number: int) -> None:
        self.free += 1
        self.entries[number].phase = Phase.ENDED
        self.room.ended(self.entries[number])

    def take_up(self, entry: Entry) -> None:
        self.free -= 1
        entry.phase = Phase.LOCKING
        self.started.append(entry.id)

    def cancel_entry(self, entry: Entry) -> None:
        raise AssertionError("no job is to be cancelled")

    def fail(self, entry: Entry, error: BaseException) -> None:
        raise AssertionError("no job is to fail")


def test_jobs_that_a_limit_holds_back_are_not_looked_at_again_and_again() -> None:
    slots = Slots()
    for number in range(1000):
        slots.submit(number, "rate-limit:1:nightly")
    slots.look()
    slots.submit(1000)
    assert slots.look() < 5
    slots.end(0)
    assert slots.look() < 5
    assert slots.started == [0, 1000, 1]


def test_a_line_goes_on_with_the_next_when_the_first_is_held_back_by_something_else() -> None:
    slots = Slots()
    slots.submit(1, "rate-limit:1:a")
    slots.submit(2, "rate-limit:1:b")
    slots.submit(3, "rate-limit:1:a", "rate-limit:1:b")
    slots.submit(4, "rate-limit:1:a")
    slots.look()
    slots.end(1)
    slots.look()
    assert slots.started == [1, 2, 4]
    slots.end(2)
    slots.end(4)
    slots.look()
    assert slots.started == [1, 2, 4, 3]
