# SPDX-License-Identifier: GPL-2.0-or-later
"""The judge of the torture must see each kind of broken promise, and accept each kind of luck."""

from __future__ import annotations

from typing import Any

import pytest

from test.torture.effects import node_after
from test.torture.ledger import Ledger, Seen

WEB = ("instance", "web")


def a_ledger(*events: dict[str, Any]) -> Ledger:
    ledger = Ledger()
    for event in events:
        ledger.note(event)
    return ledger


ADD = {"attempt": "a", "what": ["add", "web"]}
TAKEN = {"attempt": "a", "job": 1}


def test_what_was_never_acknowledged_may_have_happened_or_not() -> None:
    values: list[Any] = [None, ["down", None, []]]
    for value in values:
        assert a_ledger(ADD).check(Seen(things={WEB: value})) == []


@pytest.mark.parametrize("value", [None, ["down", None, []]])
def test_an_interrupted_job_may_have_had_its_effect(value: Any) -> None:
    ledger = a_ledger(ADD, TAKEN)
    assert ledger.check(Seen(jobs={1: "error"}, things={WEB: value})) == []
    assert ledger.interrupted == {"web"}


def test_a_success_that_is_gone_is_found() -> None:
    for ledger in (a_ledger(ADD, TAKEN, {"job": 1, "end": "success"}), a_ledger(ADD, TAKEN)):
        problems = ledger.check(Seen(jobs={1: "success"}))
        assert problems == ["instance web is None; possible: [['down', None, []]]"]


def test_steps_lead_from_each_value_that_was_possible() -> None:
    ledger = a_ledger(ADD, {"attempt": "b", "what": ["start", "web"]})
    assert ledger.check(Seen(things={WEB: ["up", None, []]})) == []
    ledger.note({"attempt": "c", "what": ["resize", "web", 3]})
    ledger.note({"attempt": "c", "job": 7})
    problems = ledger.check(Seen(jobs={7: "success"}, things={WEB: ["down", 3, []]}))
    assert problems == ["instance web is ['down', 3, []]; possible: [['up', 3, []]]"]


def test_what_was_there_before_is_known() -> None:
    ledger = a_ledger()
    ledger.know(Seen(things={("cpus",): 1}))
    ledger.note({"attempt": "a", "what": ["cpus", 8]})
    assert ledger.check(Seen(things={("cpus",): 1})) == []
    ledger.note({"attempt": "b", "what": ["cpus", 8]})
    assert ledger.check(Seen(things={("cpus",): 3})) == ["cpus is 3; possible: [1, 8]"]


def test_what_was_seen_once_is_known() -> None:
    ledger = a_ledger(ADD)
    assert ledger.check(Seen(things={WEB: ["down", None, []]})) == []
    assert ledger.check(Seen()) == ["instance web is None; possible: [['down', None, []]]"]


def test_a_cancelled_job_has_no_effect() -> None:
    ledger = a_ledger({"attempt": "a", "what": ["tag", "x"]}, TAKEN)
    problems = ledger.check(Seen(jobs={1: "canceled"}, things={("tag", "x"): True}))
    assert problems == []  # nothing was known of the tag
    ledger = a_ledger(ADD, TAKEN, {"job": 1, "cancelled": True})
    assert "job 1 was cancelled and has succeeded" in ledger.check(
        Seen(jobs={1: "success"}, things={WEB: ["down", None, []]})
    )


@pytest.mark.parametrize(
    ("events", "jobs", "problem"),
    [
        ([], {}, "job 1 was acknowledged and does not exist"),
        ([], {1: "running"}, "job 1 is running, though nothing runs"),
        ([{"job": 1, "end": "success"}], {1: "error"}, "job 1 ended as success and is error now"),
    ],
)
def test_jobs(events: list[dict[str, Any]], jobs: dict[int, str], problem: str) -> None:
    ledger = a_ledger({"attempt": "a", "what": ["delay"]}, TAKEN, *events)
    assert ledger.check(Seen(jobs=jobs)) == [problem]


def test_an_archived_job_may_be_in_either_place() -> None:
    ledger = a_ledger({"attempt": "a", "what": ["delay"]}, TAKEN, {"job": 1, "end": "success"})
    ledger.note({"archiving": 1})
    assert ledger.check(Seen(archived=frozenset({1}))) == []
    assert ledger.check(Seen(jobs={1: "success"})) == []
    assert ledger.check(Seen()) == ["job 1 was acknowledged and does not exist"]


def test_an_archived_job_may_be_removed_from_there() -> None:
    ledger = a_ledger(
        {"attempt": "a", "what": ["delay"]}, TAKEN, {"attempt": "b", "what": ["delay"]}
    )
    ledger.note({"attempt": "b", "job": 2})
    ledger.note({"archiving": 1})
    ledger.forget_archived(2)
    assert ledger.check(Seen(jobs={2: "success"})) == []
    assert ledger.check(Seen()) == ["job 2 was acknowledged and does not exist"]


def test_an_opcode_that_ran_twice_is_found_by_its_hooks() -> None:
    ledger = a_ledger(ADD, TAKEN)
    found = Seen(jobs={1: "error"}, hooks={("instance-add", "web"): 2})
    assert ledger.check(found) == ["instance-add was executed 2 times for web, asked for 1 times"]


def test_serials_never_go_back_and_nothing_stays_locked() -> None:
    ledger = a_ledger()
    assert ledger.check(Seen(serials={"queue": 7})) == []
    assert ledger.check(Seen(serials={"queue": 6}, held_locks=["instance/web"])) == [
        "the serial of queue went back from 7 to 6",
        "instance/web is locked, though nothing runs",
    ]


def test_what_was_done_without_a_job_is_done() -> None:
    ledger = a_ledger({"attempt": "a", "what": ["filter", "f", 7]})
    assert ledger.check(Seen()) == []
    ledger.note({"attempt": "b", "what": ["filter", "f", 8]})
    ledger.note({"attempt": "b", "done": True})
    assert ledger.check(Seen()) == ["filter f is None; possible: [8]"]


def test_a_job_of_several_opcodes_that_succeeded_has_done_all() -> None:
    ledger = a_ledger({"attempt": "a", "what": ["tag", "x", "y"]}, {"attempt": "a", "job": 1})
    problems = ledger.check(Seen(jobs={1: "success"}, things={("tag", "x"): True}))
    assert problems == ["tag y is None; possible: [True]"]


def test_a_job_may_not_run_before_what_it_depends_on_has_succeeded() -> None:
    ledger = a_ledger(
        {"attempt": "a", "what": ["delay"]},
        {"attempt": "b", "what": ["delay"], "needs": "a"},
        {"attempt": "a", "job": 1},
        {"attempt": "b", "job": 2},
    )
    assert ledger.check(Seen(jobs={1: "error", 2: "error"})) == []
    problems = ledger.check(Seen(jobs={1: "error", 2: "success"}))
    assert problems == ["job 2 ran, but 1 on which it depends is error"]


def test_a_priority_that_was_given_stays() -> None:
    ledger = a_ledger({"attempt": "a", "what": ["delay"]}, TAKEN, {"job": 1, "priority": -10})
    assert ledger.check(Seen(jobs={1: "success"}, priorities={1: [-10]})) == []
    problems = ledger.check(Seen(jobs={1: "success"}, priorities={1: [0]}))
    assert problems == ["job 1 was given the priority -10: [0]"]


def test_reservations_end_with_their_jobs() -> None:
    text = "MAC address 00:00:00:00:00:01 is reserved by another job"
    ledger = a_ledger(ADD, TAKEN, {"job": 1, "end": "error", "error": ["E", [text]]})
    [problem] = ledger.check(Seen(jobs={1: "error"}))
    assert text in problem


def test_an_interrupted_job_explains_complaints_about_its_object_until_the_next_has_succeeded() -> (
    None
):
    ledger = a_ledger(ADD, TAKEN, {"attempt": "b", "what": ["start", "mail"]})
    found = Seen(jobs={1: "success", 2: "success"})
    ledger.check(found)
    assert ledger.explains("instance", "mail", found)
    assert not ledger.explains("instance", "web", found)
    ledger.note({"attempt": "c", "what": ["start", "mail"]})
    ledger.note({"attempt": "c", "job": 2})
    ledger.check(found)
    assert not ledger.explains("instance", "mail", found)


def test_a_job_that_changes_nothing_of_a_node_repairs_nothing() -> None:
    ledger, node = a_ledger(), ("node", "n1")
    ledger.know(Seen(things={node: ["candidate", True]}))
    ledger.note({"attempt": "a", "what": ["node", "n1", "master_candidate", False]})
    regular = Seen(jobs={1: "success", 2: "success"}, things={node: ["regular", True]})
    ledger.check(regular)
    ledger.note({"attempt": "b", "what": ["node", "n1", "master_capable", True]})
    ledger.note({"attempt": "b", "job": 1})
    ledger.check(regular)
    assert ledger.explains("node", "n1", regular)
    ledger.note({"attempt": "c", "what": ["node", "n1", "master_candidate", True]})
    ledger.note({"attempt": "c", "job": 2})
    ledger.check(Seen(jobs=regular.jobs, things={node: ["candidate", True]}))
    assert not ledger.explains("node", "n1", regular)


def test_a_job_about_a_node_that_ran_while_a_host_was_away_may_have_left_keys_there() -> None:
    ledger = a_ledger()
    ledger.know(Seen(things={("node", "n1"): ["candidate", True]}))
    ledger.note({"attempt": "a", "what": ["node", "n1", "drained", True]})
    ledger.note({"attempt": "a", "job": 1})
    ledger.all_there = False
    found = Seen(jobs={1: "success"}, things={("node", "n1"): ["drained", True]})
    assert ledger.check(found) == []
    assert ledger.explains("node", "n1", found) and ledger.all_there


def test_a_node_that_is_away_explains_complaints_about_its_instances() -> None:
    there: dict[Any, Any] = {WEB: ["up", None, []], ("node", "n1"): ["candidate", True]}
    ledger, found = a_ledger(), Seen(things=there, homes={"web": "n1"})
    assert not ledger.explains("instance", "web", found)
    there["node", "n1"] = ["offline", True]
    assert ledger.explains("instance", "web", found)
    there["node", "n1"] = ["candidate", True]
    ledger.powerless.add("n1")
    ledger.check(found)
    assert ledger.explains("instance", "web", found)


def test_a_daemon_that_grows_is_found() -> None:
    ledger = a_ledger()
    assert ledger.check(Seen(memory_kb={"noded": 50_000})) == []
    problems = ledger.check(Seen(memory_kb={"noded": 150_000}))
    assert problems == ["noded has grown from 50000 to 150000 kB"]


@pytest.mark.parametrize(
    ("was", "flag", "value", "after"),
    [
        (["candidate", True], "offline", True, ["offline", True]),
        (["candidate", True], "drained", True, ["drained", True]),
        (["offline", True], "offline", False, ["candidate", True]),
        (["offline", False], "offline", False, ["regular", False]),
        (["drained", True], "offline", False, ["drained", True]),
        (["candidate", True], "master_candidate", False, ["regular", True]),
        (["regular", True], "master_candidate", True, ["candidate", True]),
        (["candidate", True], "master_capable", False, ["regular", False]),
        (["regular", False], "master_capable", True, ["candidate", True]),
        (["regular", True], "master_capable", True, ["regular", True]),
        (["offline", True], "master_capable", False, ["offline", False]),
    ],
)
def test_roles_of_nodes(was: Any, flag: str, value: bool, after: Any) -> None:
    assert node_after(was, flag, value) == after


def test_a_load_that_leaves_something_out_is_told() -> None:
    ledger = a_ledger({"attempt": "a", "what": ["tag", "x"]}, TAKEN, {"job": 1, "end": "success"})
    told = " ".join(ledger.idle())
    assert "to be cancelled" in told and "resize" in told
    assert ": tag" not in told


def test_a_demotion_does_not_bring_the_keys_that_a_promotion_owes() -> None:
    ledger, node = a_ledger(), ("node", "n1")
    ledger.know(Seen(things={node: ["regular", True]}))
    ledger.note({"attempt": "a", "what": ["node", "n1", "master_candidate", True]})
    ledger.check(Seen(things={node: ["candidate", True]}))
    ledger.note({"attempt": "b", "what": ["node", "n1", "master_candidate", False]})
    ledger.note({"attempt": "b", "job": 1})
    regular = Seen(jobs={1: "success"}, things={node: ["regular", True]})
    assert ledger.check(regular) == []
    assert ledger.explains("node", "n1", regular)
