# SPDX-License-Identifier: GPL-2.0-or-later
"""Restricted commands: what runs, and that every refusal is slow and tells nothing."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from ganeti.errors import GenericError
from ganeti.node import restricted
from test.support.node_host import NodeHost

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="the files must belong to root")


@pytest.fixture
def command(node: NodeHost) -> Path:
    path = Path(node.script(f"{node.paths.restricted_commands_dir}/uptime"))
    path.parent.chmod(0o755)
    return path


def refused(node: NodeHost, name: str = "uptime", *, waited: float = 10.0) -> None:
    with pytest.raises(GenericError) as caught:
        restricted.run(node.host, name)
    assert str(caught.value) == f"the restricted command '{name}' cannot be run"
    assert sum(node.clock.slept) == pytest.approx(waited)
    assert node.runner.calls == []


def test_a_command_runs_without_anything(node: NodeHost, command: Path) -> None:
    node.runner.on(str(command), stdout="up 5 days\n", stderr="load 0\n")
    assert restricted.run(node.host, "uptime") == "up 5 days\nload 0\n"
    (call,) = node.runner.calls
    assert (call.argv, call.env, call.reset_env) == ((str(command),), {}, True)
    assert node.clock.slept == []


def test_a_command_that_fails_is_told(node: NodeHost, command: Path) -> None:
    node.runner.on(str(command), returncode=3, stderr="no such thing")
    with pytest.raises(GenericError, match=r"exited with code 3: no such thing"):
        restricted.run(node.host, "uptime")


@pytest.mark.parametrize("name", ["", "../uptime", "up time", "uptime.sh", "/bin/sh", "missing"])
def test_names(node: NodeHost, command: Path, name: str) -> None:
    refused(node, name)


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o644, 0o4755])
def test_modes_of_the_command(node: NodeHost, command: Path, mode: int) -> None:
    command.chmod(mode)
    refused(node)


def test_the_mode_of_the_directory(node: NodeHost, command: Path) -> None:
    command.parent.chmod(0o775)
    refused(node)


def test_the_owner_of_the_command(node: NodeHost, command: Path) -> None:
    os.chown(command, 0, 12345)
    refused(node)


def test_a_link_is_no_command(node: NodeHost, command: Path) -> None:
    command.rename(command.with_name("real"))
    command.symlink_to("real")
    refused(node)


def test_one_after_the_other(node: NodeHost, command: Path) -> None:
    with open(node.paths.restricted_lock, "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(node, waited=8.0 + 10.0)
