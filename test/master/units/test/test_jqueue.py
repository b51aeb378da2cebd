# SPDX-License-Identifier: GPL-2.0-or-later
"""A job that stops where its state can be looked at."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import OpExecError
from ganeti.master.locks.plan import Level, exclusive
from ganeti.master.unit import JobLog
from ganeti.master.units.test.jqueue import TestJqueue as Jqueue
from ganeti.master.units.test.os_params import TestOsParams as OsParams
from ganeti.opcodes.base import REDACTED
from ganeti.opcodes.test import OpTestJqueue, OpTestOsParams
from test.support.cluster import a_cluster
from test.support.trial import Trial


def a_trial(root: Path, **request: Any) -> Trial:
    return Trial(root, a_cluster().with_nodes("n1").build(), Jqueue, OpTestJqueue(**request))


def test_it_says_what_it_is_told_and_ends_as_it_is_told(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, log_messages=["a", "b"])
    trial.run()
    assert (trial.lines, trial.result) == (["a", "b"], True)
    failing = a_trial(tmp_path / "failing", log_messages=["c"], fail=True)
    with pytest.raises(OpExecError, match="told to fail"):
        failing.run()
    assert failing.lines == ["c"]


def test_it_locks_the_master(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    plan = trial.unit.lock_plan()
    assert plan.want(Level.NODE, {}) == exclusive(trial.cfg.cluster.master_node)


def test_it_stops_until_a_client_has_come_and_gone(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, notify_waitlock=True, notify_exec=True)
    stops: list[tuple[str, str]] = []

    def go_on(path: str, event: str) -> None:
        stops.append((path, event))
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)

    trial.unit.log = JobLog(lambda kind, payload: go_on(*payload))
    trial.run()
    assert [event for _, event in stops] == ["waitlock", "exec"]
    assert not any(os.path.exists(path) for path, _ in stops)


def test_it_does_not_wait_for_ever(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, notify_exec=True)
    assert isinstance(trial.unit, Jqueue)
    trial.unit.patience_s = 0.01
    trial.unit.log = JobLog(lambda kind, payload: None)
    with pytest.raises(OpExecError, match="no client"):
        trial.run()
    assert os.listdir(trial.world.paths.socket_dir) == []


def test_secret_parameters_are_named_and_not_told(tmp_path: Path) -> None:
    secrets = {"password": "hunter2"}
    op = OpTestOsParams(osparams_secret=secrets)
    trial = Trial(tmp_path, a_cluster().build(), OsParams, op)
    trial.run()
    assert trial.lines == [" - INFO: secret parameter 'password' has arrived"]
    secrets["password"] = REDACTED
    with pytest.raises(OpExecError, match="password"):
        trial.run()
