# SPDX-License-Identifier: GPL-2.0-or-later
"""The alarm clock with real, short times."""

import threading
from collections.abc import Iterator

import pytest

from ganeti.master.alarms import AlarmClock


@pytest.fixture
def clock() -> Iterator[AlarmClock]:
    alarms = AlarmClock()
    yield alarms
    alarms.close()


def test_alarms_ring_in_the_order_of_their_times(clock: AlarmClock) -> None:
    rung: list[str] = []
    over = threading.Event()
    clock.after(0.03, over.set)
    clock.after(0.02, lambda: rung.append("second"))
    clock.after(0.01, lambda: rung.append("first"))
    assert over.wait(10)
    assert rung == ["first", "second"]


def test_a_cancelled_alarm_is_silent(clock: AlarmClock) -> None:
    rung: list[str] = []
    over = threading.Event()
    alarm = clock.after(0.005, lambda: rung.append("cancelled"))
    clock.after(0.01, over.set)
    alarm.cancel()
    assert over.wait(10)
    assert rung == []


def test_a_failing_alarm_does_not_stop_the_others(clock: AlarmClock) -> None:
    over = threading.Event()
    clock.after(0, lambda: 1 / 0)  # type: ignore[arg-type]
    clock.after(0.005, over.set)
    assert over.wait(10)


def test_closing_forgets_what_is_not_due() -> None:
    alarms, rung = AlarmClock(), threading.Event()
    alarms.after(60, rung.set)
    alarms.close()
    assert not rung.is_set()
