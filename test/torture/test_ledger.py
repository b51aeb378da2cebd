# SPDX-License-Identifier: GPL-2.0-or-later
"""The judge of the torture must see each kind of broken promise, and accept each kind of luck."""

from __future__ import annotations

from typing import Any

import pytest

from test.torture.ledger import Ledger, Seen

WEB = ("instance", "web")


def seen(**more: Any) -> Seen:
    found: dict[str, Any] = {
        "jobs": {},
        "archived": frozenset(),
        "things": {},
        "hooks": {},
        "serials": {},
        "held_locks": [],
    }
    return Seen(**{**found, **more})


def a_ledger(*events: dict[str, Any]) -> Ledger:
    ledger = Ledger()
    for event in events:
        ledger.note(event)
    return ledger


ADD = {"attempt": "a", "what": ["add", "web"]}
TAKEN = {"attempt": "a", "job": 1}


def test_what_was_never_acknowledged_may_have_happened_or_not() -> None:
    for value in (None, ["down", None]):
        assert a_ledger(ADD).check(seen(things={WEB: value})) == []


@pytest.mark.parametrize("value", [None, ["down", None]])
def test_an_interrupted_job_may_have_had_its_effect(value: Any) -> None:
    ledger = a_ledger(ADD, TAKEN)
    assert ledger.check(seen(jobs={1: "error"}, things={WEB: value})) == []
    assert ledger.interrupted == {"web"}


def test_a_success_that_is_gone_is_found() -> None:
    for ledger in (a_ledger(ADD, TAKEN, {"job": 1, "end": "success"}), a_ledger(ADD, TAKEN)):
        problems = ledger.check(seen(jobs={1: "success"}))
        assert problems == ["instance web is None; possible: [['down', None]]"]


def test_steps_lead_from_each_value_that_was_possible() -> None:
    ledger = a_ledger(ADD, {"attempt": "b", "what": ["start", "web"]})
    assert ledger.check(seen(things={WEB: ["up", None]})) == []
    ledger.note({"attempt": "c", "what": ["resize", "web", 3]})
    ledger.note({"attempt": "c", "job": 7})
    problems = ledger.check(seen(jobs={7: "success"}, things={WEB: ["down", 3]}))
    assert problems == ["instance web is ['down', 3]; possible: [['up', 3]]"]


def test_what_was_there_before_is_known() -> None:
    ledger = a_ledger()
    ledger.know(seen(things={("cpus",): 1}))
    ledger.note({"attempt": "a", "what": ["cpus", 8]})
    assert ledger.check(seen(things={("cpus",): 1})) == []
    ledger.note({"attempt": "b", "what": ["cpus", 8]})
    assert ledger.check(seen(things={("cpus",): 3})) == ["cpus is 3; possible: [1, 8]"]


def test_what_was_seen_once_is_known() -> None:
    ledger = a_ledger(ADD)
    assert ledger.check(seen(things={WEB: ["down", None]})) == []
    assert ledger.check(seen()) == ["instance web is None; possible: [['down', None]]"]


def test_a_cancelled_job_has_no_effect() -> None:
    ledger = a_ledger({"attempt": "a", "what": ["tag", "x"]}, TAKEN)
    problems = ledger.check(seen(jobs={1: "canceled"}, things={("tag", "x"): True}))
    assert problems == []  # nothing was known of the tag
    ledger = a_ledger(ADD, TAKEN, {"job": 1, "cancelled": True})
    assert "job 1 was cancelled and has succeeded" in ledger.check(
        seen(jobs={1: "success"}, things={WEB: ["down", None]})
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
    assert ledger.check(seen(jobs=jobs)) == [problem]


def test_an_archived_job_may_be_in_either_place() -> None:
    ledger = a_ledger({"attempt": "a", "what": ["delay"]}, TAKEN, {"job": 1, "end": "success"})
    ledger.note({"archiving": 1})
    assert ledger.check(seen(archived=frozenset({1}))) == []
    assert ledger.check(seen(jobs={1: "success"})) == []
    assert ledger.check(seen()) == ["job 1 was acknowledged and does not exist"]


def test_an_opcode_that_ran_twice_is_found_by_its_hooks() -> None:
    ledger = a_ledger(ADD, TAKEN)
    found = seen(jobs={1: "error"}, hooks={("instance-add", "web"): 2})
    assert ledger.check(found) == ["instance-add was executed 2 times for web, asked for 1 times"]


def test_serials_never_go_back_and_nothing_stays_locked() -> None:
    ledger = a_ledger()
    assert ledger.check(seen(serials={"queue": 7})) == []
    assert ledger.check(seen(serials={"queue": 6}, held_locks=["instance/web"])) == [
        "the serial of queue went back from 7 to 6",
        "instance/web is locked, though nothing runs",
    ]
