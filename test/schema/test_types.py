# SPDX-License-Identifier: GPL-2.0-or-later
"""What fits an annotation passes, what does not is named with its place."""

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest

from ganeti.schema import types


class Mode(StrEnum):
    RO = "ro"
    RW = "rw"


JobId = Annotated[int, types.Convert(lambda v: int(v) if isinstance(v, str) else v)]


@pytest.mark.parametrize(
    ("annotation", "value", "result"),
    [
        (str, "a", "a"),
        (int, 3, 3),
        (int, 3.0, 3),
        (float, 3, 3.0),
        (bool, True, True),
        (None, None, None),
        (Any, {"x": [1]}, {"x": [1]}),
        (str | None, None, None),
        (int | None, 4, 4),
        (list[int], [1, 2], [1, 2]),
        (tuple[str, ...], ["a"], ("a",)),
        (tuple[int, str], [1, "a"], (1, "a")),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (Mapping[str, float], {"a": 1}, {"a": 1.0}),
        (Literal["up", "down"], "up", "up"),
        (Mode, "rw", Mode.RW),
        (types.NonNegative, 0, 0),
        (JobId, "17", 17),
        (list[tuple[int, list[Literal["success"]]]], [[3, ["success"]]], [(3, ["success"])]),
    ],
)
def test_fits(annotation: Any, value: Any, result: Any) -> None:
    found = types.checker(annotation)(value)
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (str, 1, "expected a string, got 1"),
        (int, True, "expected an integer, got True"),
        (int, 3.5, "expected an integer, got 3.5"),
        (int, math.inf, "expected an integer, got inf"),
        (int, math.nan, "expected an integer, got nan"),
        (float, True, "expected a number, got True"),
        (float, "1", "expected a number, got '1'"),
        (float, math.nan, "expected a number, got nan"),
        (float, -math.inf, "expected a number, got -inf"),
        (float, 10**400, f"expected a number, got 1{'0' * 76}..."),
        (int | None, "x", "expected an integer, got 'x'"),
        (list[int], [1, "b"], "1: expected an integer, got 'b'"),
        (dict[str, list[int]], {"k": [0, None]}, "k/1: expected an integer, got None"),
        (tuple[int, str], [1], "expected a list of 2, got [1]"),
        (Literal["up"], "down", "expected one of 'up', got 'down'"),
        (Literal[0], False, "expected one of 0, got False"),
        (Mode, "x", "expected one of 'ro', 'rw', got 'x'"),
        (types.NonNegative, -1, "expected an integer of 0 or more, got -1"),
        (types.NonEmpty, "", "expected a non-empty string, got ''"),
    ],
)
def test_does_not_fit(annotation: Any, value: Any, text: str) -> None:
    with pytest.raises(types.Mismatch) as caught:
        types.checker(annotation)(value)
    assert str(caught.value) == text


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(types.Mismatch) as caught:
        types.checker(int)("x" * 1000)
    assert len(str(caught.value)) < 150


def test_an_unknown_annotation_is_a_bug() -> None:
    with pytest.raises(TypeError):
        types.checker(set[int])


def test_plain_is_the_way_back() -> None:
    assert types.plain({"m": Mode.RO, "t": (1, {"x": frozenset({2})})}) == {
        "m": "ro",
        "t": [1, {"x": [2]}],
    }
