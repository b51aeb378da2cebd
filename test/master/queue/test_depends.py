# SPDX-License-Identifier: GPL-2.0-or-later
"""Dependencies between jobs."""

from __future__ import annotations

from typing import Any

import pytest

from ganeti import errors
from ganeti.master.queue import depends
from ganeti.master.queue.depends import Cancel, Fail, Ready, Verdict, WaitFor
from ganeti.master.queue.job import Operation, Status
from ganeti.opcodes.test import OpTestDelay

SUCCESS, ERROR, CANCELED = Status.SUCCESS, Status.ERROR, Status.CANCELED


def on(*dependencies: Any) -> Operation:
    return Operation({"depends": [list(d) for d in dependencies]})


@pytest.mark.parametrize(("given", "resolved"), [(7, 7), (0, 0), (-1, 9), (-9, 1)])
def test_relative_numbers_count_back_from_the_job_itself(given: int, resolved: int) -> None:
    opcode = OpTestDelay(duration=1.0).replace(depends=[(given, ["success"])])
    assert depends.absolute(opcode, 10).depends == [(resolved, ["success"])]


def test_a_relative_number_before_the_first_job() -> None:
    with pytest.raises(errors.JobQueueError):
        depends.absolute(OpTestDelay(duration=1.0).replace(depends=[(-10, [])]), 10)


def test_no_dependencies() -> None:
    assert depends.verdict(Operation({"depends": None}), 5, {}) == Ready()
    assert depends.verdict(Operation({}), 5, {}) == Ready()


@pytest.mark.parametrize(
    ("status", "wanted", "expected"),
    [
        (None, ["success"], WaitFor(3)),
        (None, [], WaitFor(3)),
        (SUCCESS, ["success"], Ready()),
        (SUCCESS, [], Ready()),
        (ERROR, [], Ready()),
        (CANCELED, [], Ready()),
        (ERROR, ["success", "error"], Ready()),
        (CANCELED, ["canceled"], Ready()),
        (CANCELED, ["success"], Cancel()),
        (CANCELED, ["success", "error"], Cancel()),
    ],
)
def test_one_dependency(status: Status | None, wanted: list[str], expected: Verdict) -> None:
    assert depends.verdict(on((3, wanted)), 5, {3: status}) == expected


def test_a_status_that_is_not_wanted_fails_the_job() -> None:
    found = depends.verdict(on((3, ["success"])), 5, {3: ERROR})
    assert isinstance(found, Fail) and "job 3 ended with status 'error'" in found.reason


@pytest.mark.parametrize("number", [5, 4, 0])
def test_itself_or_nothing_fails_the_job(number: int) -> None:
    assert isinstance(depends.verdict(on((number, [])), 5, {}), Fail)


def test_they_are_looked_at_in_order() -> None:
    known = {1: SUCCESS, 2: None, 3: CANCELED}
    assert depends.verdict(on((1, []), (2, []), (3, ["success"])), 5, known) == WaitFor(2)
    assert depends.verdict(on((1, []), (3, ["success"]), (2, [])), 5, known) == Cancel()


def test_all_jobs_that_are_depended_on() -> None:
    assert depends.job_ids([on((1, []), (2, [])), on((2, []), (9, []))]) == {1, 2, 9}
