# SPDX-License-Identifier: GPL-2.0-or-later
"""Resetting the machine: the machine is a double, and so is the kernel."""

from __future__ import annotations

import os
import threading

from ganeti.node.powercycle import Powercycle
from test.support.clock import FakeClock
from test.support.node_host import NodeHost


class Kernel:
    """Waits for the reset that is the last thing a powercycle does."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.has_ended = threading.Event()

    def reboot(self, what: int) -> int:
        self.asked.append(what)
        self.has_ended.set()
        return 0


def run(node: NodeHost) -> tuple[str, Kernel, FakeClock]:
    kernel, clock = Kernel(), FakeClock()
    text = Powercycle(node.host.machine, clock, kernel).schedule()
    assert kernel.has_ended.wait(20)
    return text, kernel, clock


def test_the_trigger_is_written_after_some_seconds(node: NodeHost) -> None:
    trigger = node.write("proc/sysrq-trigger")
    text, _, clock = run(node)
    assert "5 seconds" in text
    assert clock.slept == [5.0]
    assert trigger.read_text() == "b"


def test_without_the_trigger_the_kernel_is_asked(node: NodeHost) -> None:
    _, kernel, _ = run(node)
    assert kernel.asked == [0x01234567]


def test_the_trigger_is_open_before_it_is_needed(node: NodeHost) -> None:
    """Files cannot be opened any more once the disk is dead."""
    trigger = node.write("proc/sysrq-trigger")
    kernel = Kernel()
    prepared = Powercycle(node.host.machine, FakeClock(), kernel)
    kept = os.open(trigger, os.O_RDONLY)
    trigger.unlink()
    prepared.schedule()
    assert kernel.has_ended.wait(20)
    assert os.read(kept, 10) == b"b"
    os.close(kept)
