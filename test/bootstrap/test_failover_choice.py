# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a host may become master."""

from __future__ import annotations

import pytest

from ganeti.bootstrap import failover_choice as choice
from ganeti.bootstrap.failover_choice import Standing


def standing(epoch: int = 1, serial: int = 10, queue: int = 5, master: str = "n1") -> Standing:
    return Standing(epoch, serial, queue, master)


@pytest.mark.parametrize(
    ("asked", "answering", "enough"),
    [
        ("a", "a", True),
        ("ab", "a", False),
        ("abc", "a", False),
        ("abc", "ab", True),
        ("abcd", "ab", False),
        ("abcd", "abc", True),
        ("abc", "axy", False),
    ],
)
def test_a_majority(asked: str, answering: str, enough: bool) -> None:
    assert choice.is_majority(asked, answering) is enough


def test_who_is_silent() -> None:
    assert choice.silent(["c", "a", "b"], ["b"]) == ["a", "c"]


@pytest.mark.parametrize(
    ("masters", "winner"),
    [
        (["n1", "n1", "n1"], None),
        (["n1", "n1", "n3"], None),
        (["n1", "n3", "n3"], "n3"),
        (["n1", "n3"], None),
        (["n1", "", ""], None),
        (["", ""], None),
        (["n1", "me", "me"], None),
        (["n1", "me", "me", "n3", "n3"], "n3"),
    ],
)
def test_votes(masters: list[str], winner: str | None) -> None:
    answers = {f"x{number}": standing(master=name) for number, name in enumerate(masters)}
    assert choice.outvoted_by("me", "n1", answers) == winner


@pytest.mark.parametrize(
    ("others", "newer"),
    [
        ({"n2": standing()}, []),
        ({"n2": standing(serial=9, queue=9)}, []),
        ({"n2": standing(serial=11)}, ["n2"]),
        ({"n2": standing(queue=6)}, ["n2"]),
        ({"n2": standing(epoch=2, serial=1)}, ["n2"]),
        ({"n2": standing(epoch=0, serial=99)}, []),
        ({"n2": standing(serial=11), "n3": standing(serial=12)}, ["n3", "n2"]),
        ({"n2": Standing(0, 0, 0, "n1")}, []),
    ],
)
def test_the_newest_has_the_highest_epoch_then_the_highest_numbers(
    others: dict[str, Standing], newer: list[str]
) -> None:
    assert choice.newer_than("n1", {"n1": standing(), **others}) == newer


def record(number: int, *, has_all: bool = True, epoch: int = 1, serial: int = 10) -> Standing:
    return Standing(1, serial, 5, "n1", (epoch, number), has_all)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (record(2), record(1)),
        (record(2), record(2, has_all=False)),
        (record(2, has_all=False), record(1)),
        (record(1, epoch=2), record(9)),
        (record(2), record(1, serial=11)),
        (record(2, serial=11), record(2)),
    ],
)
def test_who_has_all_of_the_queue_counts_more_than_serial_numbers(
    better: Standing, worse: Standing
) -> None:
    assert choice.newer_than("n1", {"n1": worse, "n2": better}) == ["n2"]
    assert choice.newer_than("n1", {"n1": better, "n2": worse}) == []


@pytest.mark.parametrize(
    ("other", "is_lost"),
    [
        (record(1, serial=11), True),
        (record(1), False),
        (record(2, serial=11), False),
        (Standing(0, 90, 5, "n1", (0, 9)), False),
    ],
)
def test_changes_that_are_lost(other: Standing, is_lost: bool) -> None:
    """What was made under an older epoch is none of this cluster's any more."""
    lost = choice.with_lost_changes("n1", {"n1": record(2), "n2": other})
    assert lost == (["n2"] if is_lost else [])


def test_the_next_numbers_are_beyond_all_that_were_seen() -> None:
    answers = {"n1": standing(epoch=1, serial=10), "n2": standing(epoch=3, serial=7)}
    assert (choice.next_epoch(answers), choice.next_serial(answers)) == (4, 12)
