# SPDX-License-Identifier: GPL-2.0-or-later
"""The times of the lock attempts."""

import itertools

import pytest

from ganeti.master.queue import attempts
from ganeti.master.queue.attempts import TIMEOUTS_S, Attempt


def test_the_list_of_times() -> None:
    assert TIMEOUTS_S[0] == 5
    assert TIMEOUTS_S[1] == pytest.approx((5 * 1.05) ** 1.25)
    assert all(a <= b for a, b in itertools.pairwise(TIMEOUTS_S))
    assert TIMEOUTS_S[-1] == 75
    assert sum(TIMEOUTS_S[:-1]) < 1800 <= sum(TIMEOUTS_S)


@pytest.mark.parametrize(("random", "factor"), [(0.0, 0.95), (0.5, 1.0), (1.0, 1.05)])
def test_times_vary_by_five_per_cent(random: float, factor: float) -> None:
    found = attempts.attempt(0, 0, lambda: random)
    assert found.timeout_s == pytest.approx(5 * factor)
    assert not found.is_new_list


def test_after_a_whole_list_the_priority_rises() -> None:
    used_up = len(TIMEOUTS_S)
    assert attempts.attempt(used_up - 1, 0, lambda: 0.5) == Attempt(75)
    assert attempts.attempt(used_up, 0, lambda: 0.5) == Attempt(5, is_new_list=True)
    assert attempts.attempt(used_up, -19, lambda: 0.5).is_new_list


def test_at_the_highest_priority_a_list_is_tried_and_then_it_waits_for_ever() -> None:
    assert attempts.attempt(3, -20, lambda: 0.5).timeout_s == TIMEOUTS_S[3]
    assert attempts.attempt(len(TIMEOUTS_S), -20, lambda: 0.5) == Attempt(None)
