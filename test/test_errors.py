# SPDX-License-Identifier: GPL-2.0-or-later
"""Errors come out of the wire as they went in."""

import json

import pytest

from ganeti import errors


@pytest.mark.parametrize(
    ("error", "wire"),
    [
        (errors.OpExecError("boom"), ["OpExecError", ["boom"]]),
        (
            errors.OpPrereqError("no such node", errors.Code.UNKNOWN_ENTITY),
            ["OpPrereqError", ["no such node", "unknown_entity"]],
        ),
        (errors.JobQueueFull(), ["JobQueueFull", []]),
        (errors.ConfigVersionMismatch(3, 2), ["ConfigVersionMismatch", [3, 2]]),
        (errors.ResolverError("h", 2, "no"), ["ResolverError", ["h", 2, "no"]]),
        (errors.HooksAbort([["n", "s", "o"]]), ["HooksAbort", [[["n", "s", "o"]]]]),
        (errors.ConfigVerifyError("bad", ["x"]), ["ConfigVerifyError", ["bad", ["x"]]]),
    ],
)
def test_round_trip(error: errors.GenericError, wire: list[object]) -> None:
    assert json.loads(json.dumps(errors.encode(error))) == wire
    back = errors.decode(wire)
    assert type(back) is type(error)
    assert back.args == error.args
    assert str(back) == str(error)


def test_a_foreign_exception_travels_as_a_generic_error() -> None:
    assert errors.encode(ValueError("x")) == ["GenericError", ["ValueError: x"]]


def test_a_class_of_another_room_travels_as_its_declared_base() -> None:
    class Local(errors.OpPrereqError):
        pass

    assert errors.encode(Local("m", "wrong_input")) == ["OpPrereqError", ["m", "wrong_input"]]


@pytest.mark.parametrize("value", [None, "text", [], ["NoSuchError", []], ["OpExecError", "x"]])
def test_other_values_are_no_errors(value: object) -> None:
    assert errors.decode(value) is None
