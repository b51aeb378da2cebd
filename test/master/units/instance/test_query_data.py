# SPDX-License-Identifier: GPL-2.0-or-later
"""What is told of instances, while others change them."""

from pathlib import Path
from typing import Any

from ganeti.errors import RemoteError
from ganeti.master.units.instance.query_data import InstanceQueryData
from ganeti.model.config import Config
from ganeti.opcodes.instance import OpInstanceQueryData
from test.support.cluster import a_cluster
from test.support.trial import Trial

RUNS = {"memory": 512, "vcpus": 1, "state": 0, "time": 1.0}
STATUS = {
    "dev_path": "/x",
    "major": 1,
    "minor": 2,
    "sync_percent": None,
    "estimated_time": None,
    "is_degraded": False,
    "ldisk_status": 0,
}


def a_trial(root: Path, **request: Any) -> Trial:
    cfg = (
        a_cluster()
        .with_nodes("n1")
        .with_instance("web", template="file", nics=0)
        .with_instance("db", nics=0)
        .build()
    )
    trial = Trial(root, cfg, InstanceQueryData, OpInstanceQueryData(**request))
    trial.nodes.says("n1", "instance_info", RUNS)
    trial.nodes.says("n1", "blockdev_find", STATUS)
    return trial


def remove(cfg: Config, name: str, trial: Trial) -> None:
    with trial.world.store.write("somebody else") as change:
        for disk in cfg.disks_of(cfg.instance(name)):
            change.remove(disk)
        change.remove(cfg.instance(name))


def test_of_all_those_are_told_that_are_there_in_the_end(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, static=True)
    trial.check()
    remove(trial.cfg, "web", trial)
    assert list(trial.unit.execute()) == ["db"]


def test_nodes_are_asked(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, instances=["web"])
    trial.run()
    web = trial.result["web"]
    assert (web["run_state"], web["config_state"]) == ("up", "down")
    assert web["disks"][0]["pstatus"] == ["/x", 1, 2, None, None, False, 0]


def test_a_silent_node_does_not_hide_the_rest(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, instances=["web"])
    trial.nodes.says("n1", "instance_info", RemoteError("timed out"))
    trial.run()
    assert trial.result["web"]["run_state"] is None
    assert "timed out" in trial.warnings[0]


def test_static_asks_nobody(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, static=True)
    trial.run()
    assert trial.nodes.asked == []
    assert list(trial.result) == ["db", "web"]


def test_parameters_of_the_whole_cluster_are_not_an_instances_own(tmp_path: Path) -> None:
    cfg = a_cluster().with_nodes("n1").with_instance("web", hvparams={"acpi": False}).build()
    op = OpInstanceQueryData(instances=["web"], static=True)
    trial = Trial(tmp_path, cfg, InstanceQueryData, op)
    trial.run()
    data = trial.result["web"]
    assert data["hv_actual"]["acpi"] is False
    assert "kernel_path" in data["hv_actual"]
    assert "migration_mode" not in data["hv_actual"]
