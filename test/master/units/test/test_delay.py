# SPDX-License-Identifier: GPL-2.0-or-later
"""A job that takes as long as it is told, where it is told."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import OpExecError, OpPrereqError
from ganeti.master.locks.plan import Level, exclusive
from ganeti.master.unit import JobLog
from ganeti.master.units.test.delay import TestDelay as Delay
from ganeti.opcodes.test import OpTestDelay
from test.support.cluster import a_cluster
from test.support.trial import Trial


def a_trial(root: Path, **request: Any) -> Trial:
    op = OpTestDelay(**{"duration": 2.5, **request})
    return Trial(root, a_cluster().with_nodes("n1", "n2").build(), Delay, op)


def test_rounds_are_counted_and_slept(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, repeat=2, on_nodes=["n2"])
    trial.nodes.accepts("test_delay")
    trial.run()
    assert trial.lines == [" - INFO: round 0/1", " - INFO: round 1/1"]
    assert trial.world.clock.slept == [2.5, 2.5]
    assert trial.nodes.asked == [("n2", "test_delay", [2.5])] * 2


def test_a_node_that_fails_is_named(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, on_master=False, on_nodes=["n2"])
    trial.nodes.fails("n2", "test_delay", "timed out")
    with pytest.raises(OpExecError, match="n2"):
        trial.run()


def test_locks_are_of_where_it_sleeps(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, on_nodes=["n2"], no_locks=False)
    trial.unit.expand()
    nodes = exclusive(trial.cfg.node("n1").uuid, trial.cfg.node("n2").uuid)
    assert trial.unit.lock_plan().want(Level.NODE, {}) == nodes


def test_whoever_connects_ends_a_round(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, duration=1000.0, repeat=2, interruptible=True)
    told: list[tuple[str, Any]] = []

    def interrupt(kind: str, payload: Any) -> None:
        told.append((kind, payload))
        if kind == "delay-test":
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(payload)

    trial.unit.log = JobLog(interrupt)
    trial.run()
    assert [kind for kind, _ in told] == ["message", "delay-test"] * 2
    assert os.listdir(trial.world.paths.socket_dir) == []


def test_nobody_has_to_interrupt(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, duration=0.01, interruptible=True)
    trial.unit.log = JobLog(lambda kind, payload: None)
    trial.run()
    assert os.listdir(trial.world.paths.socket_dir) == []


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"duration": 0.0}, "above zero"),
        ({"interruptible": True, "on_nodes": ["n2"]}, "interrupted"),
        ({"interruptible": True, "on_master": False}, "interrupted"),
    ],
)
def test_what_cannot_be_slept(tmp_path: Path, request_: dict[str, Any], why: str) -> None:
    with pytest.raises(OpPrereqError, match=why):
        a_trial(tmp_path, **request_).run()
