# SPDX-License-Identifier: GPL-2.0-or-later
"""Trying again: pauses grow, and the time is kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ganeti.utils import retry
from test.support.clock import FakeClock


class Asked(FakeClock):
    """Notes when it was asked; nothing is ever done."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def is_done(self) -> bool:
        self.asked.append(self.monotonic())
        return False


def done_at_call(number: int) -> Callable[[], bool]:
    calls = iter(range(1, 1000))
    return lambda: next(calls) >= number


def test_what_works_at_once_does_not_wait() -> None:
    clock = FakeClock()
    assert retry.until(lambda: True, timeout_s=0, clock=clock)
    assert clock.slept == []


def test_it_is_asked_once_even_without_time() -> None:
    clock = Asked()
    assert not retry.until(clock.is_done, timeout_s=0, clock=clock)
    assert clock.asked == [0]


def test_pauses_grow_to_the_most() -> None:
    clock = FakeClock()
    assert retry.until(
        done_at_call(7), timeout_s=100, clock=clock, first_delay_s=1, growth=2, most_s=5
    )
    assert clock.slept == [1, 2, 4, 5, 5, 5]


def test_the_last_pause_ends_with_the_time_and_it_is_asked_once_more() -> None:
    clock = Asked()
    assert not retry.until(
        clock.is_done,
        timeout_s=10,
        clock=clock,
        first_delay_s=4,
        growth=1,
        most_s=4,
    )
    assert clock.slept == [4, 4, 2]
    assert clock.asked == [0, 4, 8, 10]


def test_the_date_does_not_matter() -> None:
    clock = FakeClock()

    def is_done() -> bool:
        clock.set_date(0)
        return False

    assert not retry.until(is_done, timeout_s=3, clock=clock, first_delay_s=1, growth=1)
    assert sum(clock.slept) == 3


def test_an_error_is_not_swallowed() -> None:
    def fail() -> bool:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        retry.until(fail, timeout_s=1, clock=FakeClock())
