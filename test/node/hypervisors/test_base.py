# SPDX-License-Identifier: GPL-2.0-or-later
"""How every driver's guests are shut down: asked, waited for, killed in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import HypervisorError
from ganeti.model.instance import Instance
from ganeti.node.hypervisors.base import ASK_AGAIN_S, Guest, GuestState
from ganeti.node.hypervisors.fake import FakeHypervisor
from ganeti.node.hypervisors.registry import Hypervisors
from ganeti.node.machine import Machine
from ganeti.paths import Paths
from test.node.hypervisors.kvm.guests import an_instance
from test.support.clock import FakeClock
from test.support.runner import FakeRunner


class Stubborn(FakeHypervisor):
    """A guest that goes down after so many seconds, or only when killed, or never."""

    def __init__(self, goes_after_s: float | None, *, can_be_killed: bool = True) -> None:
        self.clock = FakeClock()
        super().__init__(Paths("/nowhere"), FakeRunner(), self.clock, Machine())
        self._goes_after_s, self._can_be_killed = goes_after_s, can_be_killed
        self.asked: list[float] = []
        self.killed = False

    def guest(self, name: str) -> Guest | None:
        after = self._goes_after_s
        has_gone = after is not None and self.asked and self.clock.monotonic() >= after
        if has_gone or (self.killed and self._can_be_killed):
            return None
        return Guest(name, 1, 1, GuestState.RUNNING, 0)

    def ask_to_stop(self, instance: Instance) -> None:
        self.asked.append(round(self.clock.monotonic(), 1))

    def kill(self, instance: Instance) -> None:
        self.killed = True


def test_a_guest_that_obeys_is_asked_once() -> None:
    driver = Stubborn(3)
    driver.shut_down(an_instance(), 120)
    assert driver.asked == [0]
    assert 3 <= driver.clock.monotonic() < 5
    assert not driver.killed


def test_a_slow_guest_is_asked_again() -> None:
    driver = Stubborn(12)
    driver.shut_down(an_instance(), 120)
    assert driver.asked == [0, ASK_AGAIN_S, 2 * ASK_AGAIN_S]
    assert not driver.killed


def test_a_guest_that_does_not_obey_is_killed() -> None:
    driver = Stubborn(None)
    driver.shut_down(an_instance(), 7)
    assert driver.asked == [0, ASK_AGAIN_S]
    assert driver.killed
    assert driver.clock.monotonic() == pytest.approx(7, abs=0.1)


def test_no_time_means_at_once() -> None:
    driver = Stubborn(None)
    driver.shut_down(an_instance(), 0)
    assert driver.asked == []
    assert driver.killed


def test_a_guest_that_survives_is_told() -> None:
    with pytest.raises(HypervisorError, match="web still runs after it was killed"):
        Stubborn(None, can_be_killed=False).shut_down(an_instance(), 1)


def registry(tmp_path: Path) -> Hypervisors:
    return Hypervisors(Paths(str(tmp_path)), FakeRunner(), FakeClock(), Machine())


@pytest.mark.parametrize("name", ["fake", "kvm"])
def test_drivers_are_found(tmp_path: Path, name: str) -> None:
    assert type(registry(tmp_path).of(name)).NAME in name


@pytest.mark.parametrize("name", ["xen-pvm", "lxc", "bochs"])
def test_what_there_is_no_driver_for_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(HypervisorError, match=f"'{name}' cannot be used"):
        registry(tmp_path).of(name)


HOTPLUG: list[tuple[str, tuple[Any, ...]]] = [
    ("plug_disk", (None, 0)),
    ("unplug_disk", (None, 0)),
    ("plug_nic", (None, 0)),
    ("unplug_nic", (None, 0)),
    ("replug_nic", (None, 0)),
]


@pytest.mark.parametrize(("name", "arguments"), HOTPLUG)
def test_a_driver_without_hotplug_says_so(name: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(HypervisorError, match="cannot change devices"):
        getattr(Stubborn(None), name)(an_instance(), *arguments)
