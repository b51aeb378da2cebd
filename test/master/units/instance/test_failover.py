# SPDX-License-Identifier: GPL-2.0-or-later
"""An instance is stopped here and started there, or stays where it is."""

from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import OpExecError, OpPrereqError
from ganeti.master.units.instance.failover import InstanceFailover
from ganeti.opcodes.instance import OpInstanceFailover
from test.support.cluster import a_cluster
from test.support.trial import Trial


def a_trial(root: Path, *, node: Any = None, up: bool = True, **request: Any) -> Trial:
    cluster = a_cluster().with_nodes("n1").with_node("n2", **(node or {})).with_nodes("n3")
    attributes: dict[str, Any] = {"admin_state": "up" if up else "down", "disks_active": up}
    cfg = cluster.with_instance("web", template="sharedfile", on="n2", **attributes).build()
    op = OpInstanceFailover(
        instance_name="web", **{"target_node": "n3", "ignore_ipolicy": True, **request}
    )
    trial = Trial(root, cfg, InstanceFailover, op)
    trial.nodes.says("n3", "node_info", ["boot", None, [{"memory_free": 4096}]])
    trial.nodes.says("n3", "blockdev_find", {"is_degraded": False})
    trial.nodes.says("n3", "blockdev_assemble", ["/x", "/y", None])
    trial.nodes.accepts(
        *("bridges_exist", "instance_shutdown", "blockdev_close", "blockdev_shutdown"),
        "instance_start",
    )
    return trial


def home(trial: Trial) -> str:
    return trial.cfg.nodes[trial.cfg.instance("web").primary_node].name


def test_the_steps(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    trial.run()
    assert home(trial) == "n3"
    assert trial.nodes.calls == [
        "n3 bridges_exist",
        "n3 node_info",
        "n3 blockdev_find",
        "n2 instance_shutdown",
        "n2 blockdev_close",
        "n2 blockdev_shutdown",
        "n3 blockdev_assemble",
        "n3 instance_start",
    ]


def test_one_that_does_not_run_only_gets_another_home(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, up=False)
    trial.run()
    assert home(trial) == "n3"
    assert "n3 blockdev_find" not in trial.nodes.calls
    assert "n3 instance_start" not in trial.nodes.calls


def test_a_guest_that_does_not_stop_stays(tmp_path: Path) -> None:
    """Started elsewhere it would run twice."""
    trial = a_trial(tmp_path)
    trial.nodes.fails("n2", "instance_shutdown", "no route to host")
    with pytest.raises(OpExecError, match="no route to host"):
        trial.run()
    assert home(trial) == "n2"
    assert "n3 instance_start" not in trial.nodes.calls


def test_from_a_dead_node_it_goes_when_that_is_marked(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, node={"offline": True})
    trial.run()
    assert home(trial) == "n3"
    assert not [call for call in trial.nodes.calls if call.startswith("n2")]
    assert "n2 is offline" in trial.warnings[0]


def test_disks_that_are_not_good_there_keep_it(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    trial.nodes.says("n3", "blockdev_find", None)
    with pytest.raises(OpExecError, match="no such device"):
        trial.run()
    assert "n2 instance_shutdown" not in trial.nodes.calls


def test_hooks_know_both_homes_before_and_after(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    trial.run()
    env = trial.unit.hook_env()
    assert (env["OLD_PRIMARY"], env["NEW_PRIMARY"]) == ("n2", "n3")
    assert (env["OLD_SECONDARY"], env["NEW_SECONDARY"]) == ("", "")
    assert env["INSTANCE_PRIMARY"] == "n3"
    post = [trial.cfg.nodes[uuid].name for uuid in trial.unit.hook_nodes().post]
    assert post == ["n1", "n3", "n2"]


def test_it_cannot_go_where_it_is(tmp_path: Path) -> None:
    with pytest.raises(OpPrereqError, match="already"):
        a_trial(tmp_path, target_node="n2").run()
