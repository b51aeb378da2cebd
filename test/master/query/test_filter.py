# SPDX-License-Identifier: GPL-2.0-or-later
"""Filters as tables: which objects pass, which expressions are refused."""

from __future__ import annotations

from typing import Any

import pytest

from ganeti.errors import ParameterError
from ganeti.master.query import filter as filters
from ganeti.master.query.field import NO_DATA, Compare, Field, Kind, Need, by_name

Item = dict[str, Any]


def a_field(name: str, kind: Kind, compare: Compare = Compare.PLAIN, **more: Any) -> Field:
    return Field(name, kind, name, name, lambda item, _: item.get(name), compare=compare, **more)


FIELDS = by_name(
    [
        a_field("name", Kind.TEXT, Compare.HOST_NAME),
        a_field("os", Kind.TEXT),
        a_field("up", Kind.BOOL),
        a_field("vcpus", Kind.NUMBER),
        a_field("memory", Kind.UNIT, needs=Need.RUNNING),
        a_field("speed", Kind.FLOAT),
        a_field("ctime", Kind.TIMESTAMP),
        a_field("tags", Kind.OTHER),
        a_field("params", Kind.OTHER),
        a_field("id", Kind.NUMBER, Compare.JOB_ID),
        a_field("received", Kind.OTHER, Compare.STAMP),
    ]
)
WEB: Item = {
    "name": "Web1.example.com",
    "os": "debian",
    "up": True,
    "vcpus": 4,
    "memory": NO_DATA,
    "speed": 1.5,
    "ctime": 1700000000.0,
    "tags": ["prod", "front"],
    "id": 17,
    "received": (1700000000, 500000),
    "params": {"acpi": True},
}


def passes(expression: Any, item: Item = WEB) -> bool:
    return filters.parse(expression, FIELDS, "name").test(item, None)


@pytest.mark.parametrize(
    "expression",
    [
        ["==", "name", "web1.example.com"],
        ["==", "name", "web1"],
        ["=", "name", "WEB1"],
        ["!=", "name", "web"],
        ["!=", "name", "web2"],
        ["==", "os", "debian"],
        ["!=", "os", "deb"],
        ["?", "up"],
        ["==", "up", True],
        ["?", "tags"],
        ["!", ["==", "os", "other"]],
        ["<", "vcpus", 5],
        ["<=", "vcpus", 4],
        [">", "vcpus", 3],
        [">=", "vcpus", 4],
        [">", "speed", 1],
        ["<", "ctime", 1700000001],
        ["=~", "os", "bia"],
        ["=~", "name", "(?i)^web"],
        ["=[]", "tags", "prod"],
        ["=[]", "params", "acpi"],
        ["==", "id", "17"],
        ["<", "id", 18],
        ["==", "received", 1700000000.5],
        [">", "received", [1700000000, 499999]],
        ["&"],
        ["&", ["?", "up"], ["|", ["==", "os", "x"], ["==", "vcpus", 4]]],
        ["!=", "memory", 5],
    ],
)
def test_what_passes(expression: Any) -> None:
    assert passes(expression)


@pytest.mark.parametrize(
    "expression",
    [
        ["==", "name", "web"],
        ["!=", "name", "web1"],
        ["==", "os", "Debian"],
        ["<", "vcpus", 4],
        [">", "vcpus", 4],
        ["=~", "os", "^ian"],
        ["=~", "tags", "prod"],
        ["=[]", "tags", "pro"],
        ["=[]", "os", "deb"],
        ["|"],
        ["!", ["?", "up"]],
        ["==", "memory", 5],
        ["<", "memory", 5],
        ["?", "memory"],
        ["<", "tags", 5],
        ["<", "received", ["soon", 1]],
        ["==", "received", [10**400, 1]],
        ["=[]", "params", ["acpi"]],
    ],
)
def test_what_does_not_pass(expression: Any) -> None:
    assert not passes(expression)


def test_comparing_what_is_not_there_is_false_but_for_unequal() -> None:
    assert not passes(["<", "vcpus", 5], {})
    assert not passes(["==", "name", "web1"], {})
    assert not passes(["=~", "os", ""], {})
    assert passes(["!=", "os", "debian"], {})


@pytest.mark.parametrize(
    "expression",
    [
        ["==", "nothing", "x"],
        ["?", "nothing"],
        ["==", "name", 5],
        ["==", "up", "yes"],
        ["==", "vcpus", "4"],
        ["==", "vcpus", True],
        ["<", "memory", "5"],
        ["==", "speed", "fast"],
        ["==", "id", "x"],
        ["=~", "os", "("],
        ["=~", "os", "a{99999999999}"],
        ["=~", "os", "(" * 5000],
        ["=~", "os", 5],
    ],
)
def test_what_does_not_fit_the_fields_is_a_parameter_error(expression: Any) -> None:
    with pytest.raises(ParameterError) as caught:
        passes(expression)
    assert not isinstance(caught.value, filters.Malformed)


@pytest.mark.parametrize(
    "expression",
    [
        *([], 5, "os", {}, ["~", "os", "x"], ["=="], ["==", "os"], ["==", "os", "a", "b"], ["!"]),
        *(["?", 5], ["?", "os", "x"], [["=="], "os", "x"], ["&", 5]),
        ["!", ["?", "up"], ["?", "up"]],
    ],
)
def test_what_is_no_filter_is_malformed(expression: Any) -> None:
    with pytest.raises(filters.Malformed):
        passes(expression)


def nested(levels: int) -> Any:
    expression: Any = ["?", "up"]
    for _ in range(levels - 1):
        expression = ["!", expression]
    return expression


def test_filters_may_be_nested_ten_levels_deep() -> None:
    assert not passes(nested(10))
    with pytest.raises(ParameterError, match="deeper than 10"):
        passes(nested(11))


@pytest.mark.parametrize(
    ("expression", "keys"),
    [
        (["==", "name", "a"], ("a",)),
        (["|", ["==", "name", "b"], ["=", "name", "a"]], ("b", "a")),
        (["|", ["|", ["==", "name", "b"]], ["==", "name", "a"]], ("b", "a")),
        (["|"], ()),
        (["|", ["==", "name", "a"], ["==", "os", "a"]], None),
        (["&", ["==", "name", "a"]], None),
        (["!", ["==", "name", "a"]], None),
        (["=~", "name", "a"], None),
        (["?", "up"], None),
    ],
)
def test_a_filter_that_only_names_objects_says_which(expression: Any, keys: Any) -> None:
    assert filters.parse(expression, FIELDS, "name").keys == keys


def test_what_cannot_name_an_object_is_just_compared() -> None:
    assert filters.parse(["==", "tags", ["prod"]], FIELDS, "tags").keys is None


def test_job_numbers_may_be_texts() -> None:
    assert filters.parse(["|", ["==", "id", "7"], ["==", "id", 5]], FIELDS, "id").keys == (7, 5)


def test_a_filter_needs_what_its_fields_need() -> None:
    assert filters.parse(["<", "memory", 5], FIELDS, "name").needs == {Need.RUNNING}
    assert filters.parse(["<", "vcpus", 5], FIELDS, "name").needs == frozenset()


def test_older_operators_are_written_as_the_new_ones() -> None:
    old = ["|", ["=", "id", 5], ["!", ["=", "id", 6]], ["<", "id", 7]]
    assert filters.modern(old) == ["|", ["==", "id", 5], ["!", ["==", "id", 6]], ["<", "id", 7]]


def test_the_shape_can_be_checked_without_fields() -> None:
    expression = ["&", [">", "whatever.it.is", 5], ["!", ["=~", "x", "a*"]]]
    assert filters.fields_of(expression) == {"whatever.it.is", "x"}
    with pytest.raises(ParameterError):
        filters.fields_of(["&", ["~", "x", 5]])
