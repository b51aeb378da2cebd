# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs that wait for others, when either of them goes away in an unusual order."""

from __future__ import annotations

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
