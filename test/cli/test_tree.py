# SPDX-License-Identifier: GPL-2.0-or-later
"""Trees: indentation, blanks after colons, order."""

from typing import Any

import pytest

from ganeti.cli import tree
from ganeti.cli.tree import Fields

TREES: list[tuple[Any, str]] = [
    ({"b": 1, "a": True}, "a: True\nb: 1\n"),
    (Fields({"b": 1, "a": None}), "b: 1\na: None\n"),
    ({"a": ""}, "a: \n"),
    ({"a": {}}, "a: \n"),
    ({"a": []}, "a: \n"),
    ({"a": {"b": {"c": 1}}}, "a: \n  b: \n    c: 1\n"),
    ({"a": ["x", "y"]}, "a: \n  - x\n  - y\n"),
    ({"a": [Fields({"b": 1, "c": [1]})]}, "a: \n  - b: 1\n    c: \n      - 1\n"),
    ([["a", "b"], "c"], "- - a\n  - b\n- c\n"),
    ({"a": (1, "m", " - INFO: x")}, "a: [1, m,  - INFO: x]\n"),
    ([], "\n"),
]


@pytest.mark.parametrize(("value", "text"), TREES)
def test_layout(value: Any, text: str) -> None:
    assert tree.render(value) == text


def test_aligned_values_form_a_column() -> None:
    fields = Fields({"Status": "error", "Got": 1, "Started": 2}, aligned=("Got", "Started"))
    assert tree.render(fields) == "Status: error\nGot:     1\nStarted: 2\n"


def test_inherited_values_say_so() -> None:
    actual = {"acpi": True, "kernel_path": "", "vcpus": 2, "more": {}}
    assert tree.inherited({"vcpus": 2}, actual) == {
        "acpi": "default (True)",
        "kernel_path": "default ()",
        "vcpus": 2,
        "more": "default ({})",
    }
