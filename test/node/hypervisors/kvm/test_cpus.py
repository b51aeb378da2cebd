# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import os

import pytest

from ganeti.errors import HypervisorError
from ganeti.node.hypervisors.kvm import cpus

MASKS = [
    ("", [None]),
    ("all", [None]),
    ("0,2-4", [{0, 2, 3, 4}]),
    ("1:all:0-1", [{1}, None, {0, 1}]),
]


@pytest.mark.parametrize(("mask", "expected"), MASKS)
def test_masks(mask: str, expected: list[set[int] | None]) -> None:
    assert cpus.parse(mask) == expected


def test_one_entry_is_for_all_threads() -> None:
    first = frozenset({0})
    assert cpus.plan("0", [7, 8], {0: 8}) == [(7, first), (8, first)]


def test_several_are_for_the_processors_of_the_guest() -> None:
    found = cpus.plan("0:all:1-2", [7, 8, 9, 10], {0: 8, 1: 9, 2: 10})
    assert found == [(8, frozenset({0})), (10, frozenset({1, 2}))]


@pytest.mark.parametrize("mask", ["all", "0", "0:1"])
def test_entries_that_fit(mask: str) -> None:
    cpus.check(mask, 2)


def test_entries_that_do_not_fit() -> None:
    with pytest.raises(HypervisorError, match="2 entries for a guest with 3 processors"):
        cpus.check("0:1", 3)


def test_a_processor_that_is_not_there_is_named() -> None:
    with pytest.raises(HypervisorError, match="processors 4000"):
        cpus.pin([(os.getpid(), frozenset({4000}))])
