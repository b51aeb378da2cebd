# SPDX-License-Identifier: GPL-2.0-or-later
"""What ganeti-masterd does before it detaches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganeti.errors import GenericError
from ganeti.exitcode import ExitCode
from ganeti.master import daemon
from ganeti.paths import Paths
from ganeti.utils import net


def test_options() -> None:
    usual = daemon.parse([])
    assert (usual.voting, usual.sure, usual.foreground, usual.syslog) == (True, False, False, "no")
    forced = daemon.parse(["--no-voting", "--yes-do-it", "-f", "--syslog=only"])
    assert (forced.voting, forced.sure, forced.syslog) == (False, True, "only")
    assert daemon.confirm_no_voting(forced)
    assert daemon.confirm_no_voting(usual)


def test_positional_arguments_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert daemon.main(["master"], Paths(str(tmp_path))) == ExitCode.FAILURE
    assert "arguments are not expected: master" in capsys.readouterr().err


def test_a_host_in_no_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = daemon.check_is_master(Paths(str(tmp_path)), debug=False)
    assert code == ExitCode.NODE_SETUP_ERROR
    assert capsys.readouterr().err.startswith("Cluster configuration incomplete: '")


@pytest.mark.parametrize(("debug", "told"), [(False, ""), (True, "the master is n2.example.com")])
def test_a_node_that_is_not_the_master(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], debug: bool, told: str
) -> None:
    paths = a_node(tmp_path, "n2.example.com")
    assert daemon.check_is_master(paths, debug=debug) == ExitCode.NOT_MASTER
    assert told in capsys.readouterr().err


def test_the_master(tmp_path: Path) -> None:
    paths = a_node(tmp_path, net.resolve(net.own_name()).name)
    assert daemon.check_is_master(paths, debug=False) == ExitCode.SUCCESS


def a_node(root: Path, master: str) -> Paths:
    try:
        net.resolve(net.own_name())
    except GenericError:
        pytest.skip("the name of this host does not resolve")
    paths = Paths(str(root))
    os.makedirs(paths.data_dir)
    Path(paths.ssconf("master_node")).write_text(f"{master}\n")
    return paths


def test_work_in_a_child_process() -> None:
    assert daemon.in_child(lambda: None) is None
    assert daemon.in_child(lambda: "lost the vote") == "lost the vote"
    assert daemon.in_child(lambda: os._exit(3)) == "the child process died"
    assert "division" in str(daemon.in_child(lambda: str(1 // 0)))
