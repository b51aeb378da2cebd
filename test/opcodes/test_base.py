# SPDX-License-Identifier: GPL-2.0-or-later
"""Opcodes: declared once, decoded strictly, encoded in the order of the job file."""

from typing import Annotated, Any

import pytest

from ganeti.opcodes import base
from ganeti.opcodes.base import OpCode, param
from ganeti.schema import types


class OpSampleBakeCake(OpCode):
    """Only for these tests."""

    SUBJECT = "flavour"
    flavour: str | None = param("Flavour")
    eggs: types.NonNegative = param("Number of eggs", default=3)
    steps: list[str] = param("Steps", default=[])
    recipe: Annotated[dict[str, Any] | None, base.Disclosure.PRIVATE] = param("R", default=None)
    secret: Annotated[dict[str, Any] | None, base.Disclosure.SECRET] = param("S", default=None)


def bake(**more: Any) -> dict[str, Any]:
    return {"OP_ID": "OP_SAMPLE_BAKE_CAKE", "flavour": "lemon", **more}


def test_encoding_keeps_the_order_of_job_files() -> None:
    assert list(base.decode(bake()).encode()) == [
        *("flavour", "eggs", "steps", "recipe", "secret"),
        *("dry_run", "debug_level", "priority", "depends", "comment", "reason", "OP_ID"),
    ]


def test_null_and_absence_mean_the_default() -> None:
    op = base.decode(bake(eggs=None, depends=None, reason=None))
    assert isinstance(op, OpSampleBakeCake)
    assert (op.eggs, op.depends, op.reason) == (3, None, [])


@pytest.mark.parametrize("number", [-1, "-1", -1.0])
def test_numbers_of_jobs_may_be_texts(number: Any) -> None:
    raw = {"OP_ID": "OP_TEST_DELAY", "duration": 1, "depends": [[number, ["success"]]]}
    assert base.decode(raw).depends == [(-1, ["success"])]


@pytest.mark.parametrize("number", ["", "1.0", "x", "9" * 5000, "\u0663", True, 1.5])
def test_not_every_text_is_a_number_of_a_job(number: Any) -> None:
    raw = {"OP_ID": "OP_TEST_DELAY", "duration": 1, "depends": [[number, []]]}
    with pytest.raises(types.Mismatch, match=r"depends/0/0: expected an integer"):
        base.decode(raw)


def test_a_required_parameter_may_be_null_if_its_type_says_so() -> None:
    assert base.decode(bake(flavour=None)).summary() == "SAMPLE_BAKE_CAKE(None)"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (bake(sugar=1), "OP_SAMPLE_BAKE_CAKE: unknown parameter 'sugar'"),
        (bake(eggs="many"), "OP_SAMPLE_BAKE_CAKE.eggs: expected an integer, got 'many'"),
        (bake(eggs=-1), "OP_SAMPLE_BAKE_CAKE.eggs: expected an integer of 0 or more, got -1"),
        (bake(priority=3), "OP_SAMPLE_BAKE_CAKE.priority: expected one of -10, 0, 10, got 3"),
        ({"OP_ID": "OP_SAMPLE_BAKE_CAKE"}, "OP_SAMPLE_BAKE_CAKE.flavour: is missing"),
    ],
)
def test_what_does_not_fit_is_refused(raw: Any, text: str) -> None:
    with pytest.raises(types.Mismatch) as caught:
        base.decode(raw)
    assert str(caught.value) == text


@pytest.mark.parametrize("raw", [{"OP_ID": "OP_NOT_THERE"}, {}, [], None, {"OP_ID": 3}])
def test_unknown_opcodes(raw: Any) -> None:
    with pytest.raises(base.Unknown):
        base.decode(raw)


def test_secrets_do_not_reach_the_disk() -> None:
    op = base.decode(bake(recipe={"x": "hidden"}, secret={"y": "hidden"}))
    stored = op.encode(for_disk=True)
    assert stored["recipe"] == {"x": None}
    assert stored["secret"] == {"y": "<redacted>"}
    assert op.encode()["recipe"] == {"x": "hidden"}


@pytest.mark.parametrize(
    ("more", "confidential"),
    [
        ({}, False),
        ({"recipe": {}}, False),
        ({"recipe": {"x": 1}}, True),
        ({"secret": {"y": 2}}, True),
    ],
)
def test_what_is_confidential(more: dict[str, Any], confidential: bool) -> None:
    assert base.decode(bake(**more)).is_confidential is confidential


@pytest.mark.parametrize("name", ["recipe", "secret"])
def test_errors_do_not_tell_what_is_not_stored(name: str) -> None:
    with pytest.raises(types.Mismatch) as caught:
        base.decode(bake(**{name: "hidden"}))
    assert str(caught.value) == f"OP_SAMPLE_BAKE_CAKE.{name}: has not the declared type"
    assert caught.value.__suppress_context__


def test_defaults_are_not_shared() -> None:
    first = base.decode(bake())
    assert isinstance(first, OpSampleBakeCake)
    first.steps.append("stir")
    assert base.decode(bake()).encode()["steps"] == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1.0"), (0.001, "1.0e-3"), (0.01234, "1.234e-2"), (["a", "b"], "a,b"), ("x", "x")],
)
def test_summaries_print_as_the_original_does(value: Any, text: str) -> None:
    assert base._subject_text(value) == text


def test_ids_follow_from_class_names() -> None:
    assert base.op_id("OpInstanceReboot") == "OP_INSTANCE_REBOOT"
    assert base.op_id("OpTestJqueue") == "OP_TEST_JQUEUE"


def test_building_checks_names() -> None:
    with pytest.raises(TypeError):
        OpSampleBakeCake(eggs=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        OpSampleBakeCake(flavour="x", salt=1)  # type: ignore[call-arg]
