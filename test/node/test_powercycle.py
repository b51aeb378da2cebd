# SPDX-License-Identifier: GPL-2.0-or-later
"""Resetting the machine: the machine is a double, and so is the kernel."""

from __future__ import annotations

import os

from ganeti.node.powercycle import Powercycle
from test.support.node_host import NodeHost


def run(node: NodeHost) -> str:
    text = Powercycle(node.host.machine, node.clock, node.kernel).schedule()
    assert node.kernel.was_asked.wait(20)
    return text


def test_the_trigger_is_written_after_some_seconds(node: NodeHost) -> None:
    trigger = node.write("proc/sysrq-trigger")
    assert "5 seconds" in run(node)
    assert node.clock.slept == [5.0]
    assert trigger.read_text() == "b"


def test_without_the_trigger_the_kernel_is_asked(node: NodeHost) -> None:
    run(node)
    assert node.kernel.reboots == [0x01234567]


def test_the_trigger_is_open_before_it_is_needed(node: NodeHost) -> None:
    """Files cannot be opened any more once the disk is dead."""
    trigger = node.write("proc/sysrq-trigger")
    prepared = Powercycle(node.host.machine, node.clock, node.kernel)
    kept = os.open(trigger, os.O_RDONLY)
    trigger.unlink()
    prepared.schedule()
    assert node.kernel.was_asked.wait(20)
    assert os.read(kept, 10) == b"b"
    os.close(kept)
