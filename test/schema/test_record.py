# SPDX-License-Identifier: GPL-2.0-or-later
"""A record is the JSON it was read from; an attribute is a typed look into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ganeti.schema import types
from ganeti.schema.record import Record, optional, runtime, stored


class Port(Record):
    number: int = stored()
    name: str | None = optional(default=None)


class Box(Record):
    name: str = stored()
    size: int = stored(default=5)
    labels: tuple[str, ...] = optional(default=())
    params: Mapping[str, Any] = stored(default={})
    ports: tuple[Port, ...] = stored(default=[])
    live: str | None = runtime(default=None)


RAW = {"name": "a", "size": 1, "new_key": {"x": 1}, "ports": [{"number": 3, "zzz": True}]}


def test_unknown_keys_are_kept_at_every_level() -> None:
    box = Box.from_raw(RAW)
    assert box.raw() == RAW
    changed = box.replace(ports=(box.ports[0].replace(name="n"),))
    assert changed.raw()["ports"] == [{"number": 3, "zzz": True, "name": "n"}]
    assert changed.raw()["new_key"] == {"x": 1}


def test_absent_attributes_read_as_their_default() -> None:
    box = Box.from_raw({"name": "a"})
    assert (box.size, box.labels, box.params, box.live) == (5, (), {}, None)


def test_a_default_cannot_be_shared_by_accident() -> None:
    assert Box.from_raw({"name": "a"}).params is not Box.from_raw({"name": "b"}).params


def test_building_fills_stored_defaults_and_leaves_out_optional_ones() -> None:
    assert Box(name="a").raw() == {
        "name": "a",
        "size": 5,
        "params": {},
        "ports": [],
    }


def test_replace_makes_another() -> None:
    box = Box.from_raw(RAW)
    other = box.replace(size=2, live="on")
    assert (box.size, other.size, other.live) == (1, 2, "on")
    assert "live" not in other.stored().raw()
    assert box.stored() is box
    assert other.replace(live=None).raw() == box.replace(size=2).raw()


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ({}, "name: is missing"),
        ({"name": 1}, "name: expected a string, got 1"),
        ({"name": "a", "ports": [{"number": "x"}]}, "ports/0/number: expected an integer, got 'x'"),
        ([], "expected an object, got []"),
    ],
)
def test_what_does_not_fit_is_named(raw: Any, text: str) -> None:
    with pytest.raises(types.Mismatch) as caught:
        Box.from_raw(raw)
    assert str(caught.value) == text


def test_a_change_must_fit_too() -> None:
    with pytest.raises(types.Mismatch):
        Box(name="a").replace(size="big")
    with pytest.raises(KeyError):
        Box(name="a").replace(colour="red")


class Plan(Record):
    DRAFT = "forthcoming"

    name: str = stored()
    place: str = stored()
    forthcoming: bool = optional(default=False)
    inner: tuple[Plan, ...] = optional(default=())


def test_a_draft_may_lack_what_others_must_have() -> None:
    plan = Plan.from_raw({"name": "a", "forthcoming": True})
    assert not plan.place
    with pytest.raises(types.Mismatch, match="place: is missing"):
        Plan.from_raw({"name": "a", "forthcoming": False})


def test_a_record_can_hold_others_of_its_kind() -> None:
    plan = Plan(name="a", place="b", inner=(Plan(name="c", place="d"),))
    assert plan.inner[0].place == "d"
    with pytest.raises(types.Mismatch, match="inner/0/place: is missing"):
        Plan.from_raw({"name": "a", "place": "b", "inner": [{"name": "c"}]})


def test_what_is_given_is_written_even_if_it_is_the_default() -> None:
    assert "labels" not in Box(name="a").raw()
    assert Box(name="a", labels=()).raw()["labels"] == []
