# SPDX-License-Identifier: GPL-2.0-or-later
"""The signature is the protocol."""

from typing import Any

import pytest

from ganeti.schema import types
from ganeti.schema.contract import Contract, Timeout, call, call_of


def _pause(duration: float) -> float:
    return duration + 5


class FridgeCalls(Contract):
    @call(Timeout.URGENT, repeatable=True, fenced=False)
    def open(self, door: int, light: bool = True) -> list[str]:
        """Open a door."""
        raise NotImplementedError

    @call(_pause)
    def cool(self, duration: float) -> None:
        """Cool for a while."""


class Fridge(FridgeCalls):
    def open(self, door: int, light: bool = True) -> list[str]:
        return [f"{door}{light}"]


def test_calls_are_collected() -> None:
    assert set(FridgeCalls.CALLS) == {"open", "cool"}
    assert set(Fridge.CALLS) == {"open", "cool"}
    assert call_of(FridgeCalls.open).repeatable
    assert not call_of(FridgeCalls.open).fenced
    assert call_of(FridgeCalls.cool).fenced


def test_arguments_are_decoded_by_the_signature() -> None:
    declared = call_of(FridgeCalls.open)
    assert Fridge().open(*declared.decode([3])) == ["3True"]
    assert declared.decode([3, False]) == [3, False]
    assert declared.encode((3, False)) == [3, False]


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ([], "open takes 1 to 2 arguments in a list"),
        ([1, True, 3], "open takes 1 to 2 arguments in a list"),
        ({"door": 1}, "open takes 1 to 2 arguments in a list"),
        (["a"], "door: expected an integer, got 'a'"),
    ],
)
def test_wrong_arguments_are_named(args: Any, text: str) -> None:
    with pytest.raises(types.Mismatch) as caught:
        call_of(FridgeCalls.open).decode(args)
    assert str(caught.value) == text


def test_timeouts() -> None:
    assert call_of(FridgeCalls.open).timeout_s((1,)) == 60
    assert call_of(FridgeCalls.cool).timeout_s((2.5,)) == 7.5
