# SPDX-License-Identifier: GPL-2.0-or-later
"""Filter rules and ad-hoc limits."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ganeti.master.queue import filters
from ganeti.master.queue import job as jobs
from ganeti.master.queue.job import Job
from ganeti.model.filter import FilterRule
from ganeti.opcodes.test import OpTestDelay


def rule(
    *predicates: Any, action: Any = "PAUSE", uuid: str = "u", priority: int = 0, watermark: int = 50
) -> FilterRule:
    return FilterRule.from_raw(
        {
            "uuid": uuid,
            "watermark": watermark,
            "priority": priority,
            "predicates": list(predicates),
            "action": action,
            "reason_trail": [],
        }
    )


def job(number: int = 7, *reasons: str) -> Job:
    trail = [("gnt:user", text, 5) for text in reasons]
    short = OpTestDelay(duration=1.0).replace(reason=trail)
    long = OpTestDelay(duration=60.0, on_nodes=["n1", "n2"])
    return jobs.submitted(number, [short, long], (1, 0))


@pytest.mark.parametrize(
    ("predicate", "holds"),
    [
        (["jobid", ["=", "id", 7]], True),
        (["jobid", ["<", "id", "watermark"]], True),
        (["jobid", [">", "id", "watermark"]], False),
        (["jobid", ["|", [">", "id", "watermark"], ["<=", "id", 7]]], True),
        (["opcode", ["==", "OP_ID", "OP_TEST_DELAY"]], True),
        (["opcode", ["==", "OP_ID", "OP_NODE_ADD"]], False),
        (["opcode", [">", "duration", 30]], True),
        (["opcode", ["&", [">", "duration", 30], ["=[]", "on_nodes", "n2"]]], True),
        (["opcode", ["&", ["<", "duration", 30], ["=[]", "on_nodes", "n2"]]], False),
        (["opcode", ["=~", "OP_ID", "DELAY$"]], True),
        (["opcode", ["?", "on_master"]], True),
        (["opcode", ["?", "interruptible"]], False),
        (["opcode", ["!", ["?", "interruptible"]]], True),
        (["opcode", ["==", "colour", "green"]], False),
        (["opcode", ["!=", "colour", "green"]], False),
        (["opcode", ["!", ["==", "colour", "green"]]], False),
        (["opcode", ["==", "on_nodes.first", "n1"]], False),
        (["opcode", ["<", "OP_ID", 3]], False),
        (["opcode", ["=~", "OP_ID", "("]], False),
        (["opcode", ["=~", "OP_ID", "a{99999999999}"]], False),
        (["reason", ["=", "reason", "upgrade"]], True),
        (["reason", ["&", ["=", "source", "gnt:user"], ["<", "timestamp", 6]]], True),
        (["reason", ["=", "source", "gnt:opcode:test_delay"]], True),
        (["reason", ["=", "reason", "other"]], False),
        (["weather", ["=", "sun", True]], False),
    ],
)
def test_predicates(predicate: Any, holds: bool) -> None:
    assert filters.applies(rule(predicate), job(7, "upgrade")) is holds


def test_dots_lead_into_nested_objects() -> None:
    op = jobs.Operation({"hvparams": {"kernel_path": "/boot/x"}})
    found = rule(["opcode", ["==", "hvparams.kernel_path", "/boot/x"]])
    assert filters.applies(found, Job(1, (op,)))


def test_all_predicates_must_hold_and_none_means_always() -> None:
    assert filters.applies(rule(), job())
    assert not filters.applies(rule(["jobid", ["=", "id", 7]], ["jobid", ["=", "id", 8]]), job())


@pytest.mark.parametrize("expression", [[], ["&&", 1], ["=", "id"], "id", ["=", 3, 4], None])
def test_a_rule_that_makes_no_sense_does_not_stop_the_queue(expression: Any) -> None:
    assert not filters.applies(rule(["jobid", expression]), job())


def test_order_is_priority_then_watermark_then_uuid() -> None:
    rules = [
        rule(uuid="d", priority=1, watermark=1),
        rule(uuid="c", watermark=9),
        rule(uuid="b", watermark=9),
        rule(uuid="a", watermark=10),
    ]
    assert [r.uuid for r in filters.in_order(rules)] == ["b", "c", "a", "d"]


def test_the_first_rule_that_applies_and_does_not_continue_decides() -> None:
    rules = [
        rule(action="CONTINUE", uuid="a"),
        rule(["jobid", ["=", "id", 99]], action="REJECT", uuid="b"),
        rule(action="ACCEPT", uuid="c"),
        rule(action="REJECT", uuid="d"),
    ]
    found = filters.deciding(rules, job())
    assert found is not None and found.uuid == "c"
    assert filters.deciding(rules[:2], job()) is None


@pytest.mark.parametrize(
    ("action", "most"),
    [("ACCEPT", math.inf), ("PAUSE", 0), ("REJECT", 0), (["RATE_LIMIT", 2], 2)],
)
def test_how_many_jobs_a_rule_lets_start(action: Any, most: float) -> None:
    assert filters.most(rule(action=action)) == most


@pytest.mark.parametrize(
    ("reasons", "buckets"),
    [
        (["rate-limit:2:nightly"], {"2:nightly": 2}),
        (["rate-limit:2:nightly", "rate-limit:2:nightly"], {"2:nightly": 2}),
        (["rate-limit:2:a", "rate-limit:3:a"], {"2:a": 2, "3:a": 3}),
        (["rate-limit:1:a:b c"], {"1:a:b c": 1}),
        (["rate-limit:002:x"], {"002:x": 2}),
        ([f"rate-limit:{'9' * 5000}:x", f"rate-limit:{'0' * 5000}1:x"], {"0" * 5000 + "1:x": 1}),
        (["rate-limit:0:x", "rate-limit:-1:x", "rate-limit:x:y", "RATE-LIMIT:1:x", "no"], {}),
    ],
)
def test_limits_named_in_the_reason_trail(reasons: list[str], buckets: dict[str, int]) -> None:
    assert filters.buckets(job(7, *reasons)) == buckets
