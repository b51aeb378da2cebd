# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes of an instance: all of them or none."""

from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import ConfigurationError, OpExecError, OpPrereqError
from ganeti.master.units.instance.set_params import InstanceSetParams
from ganeti.model.config import Config
from ganeti.opcodes.instance import OpInstanceSetParams
from test.support.cluster import ClusterBuilder, a_cluster
from test.support.trial import Trial

DIRECTORY = "/srv/ganeti/file/web"


def cluster(**instance: Any) -> ClusterBuilder:
    defaults: dict[str, Any] = {"template": "file", "disks": 2, "nics": 2}
    return a_cluster().with_nodes("n1").with_instance("web", **{**defaults, **instance})


def a_trial(root: Path, cfg: Config | None = None, **request: Any) -> Trial:
    op = OpInstanceSetParams(instance_name="web", ignore_ipolicy=True, **request)
    trial = Trial(root, cfg or cluster().build(), InstanceSetParams, op)
    trial.nodes.says("n1", "instance_info", {})
    trial.nodes.accepts(
        *("bridges_exist", "blockdev_create", "blockdev_remove", "file_storage_dir_remove"),
        "instance_balloon_memory",
    )
    return trial


def removed(trial: Trial) -> list[str]:
    return [args[0]["uuid"] for _, call, args in trial.nodes.asked if call == "blockdev_remove"]


def test_disks_come_and_go_in_the_order_of_the_request(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, disks=[["remove", 0, {}], ["add", -1, {"size": 64}]])
    first, second = trial.cfg.instance("web").disks
    cfg = trial.run()
    kept, new = cfg.disks_of(cfg.instance("web"))
    assert (kept.uuid, kept.iv_name) == (second, "disk/0")
    assert (new.size, new.iv_name) == (64, "disk/1")
    assert new.logical_id[1].startswith(f"{DIRECTORY}/")
    assert removed(trial) == [first]
    assert first not in cfg.disks
    assert trial.result == [("disk/0", "remove"), ("disk/1", "add:size=64,mode=rw")]


def test_a_new_disk_that_goes_again_is_never_made(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, disks=[["add", 0, {"size": 64}], ["remove", 0, {}]])
    before = trial.cfg.instance("web").disks
    assert trial.run().instance("web").disks == before
    assert "n1 blockdev_create" not in trial.nodes.calls
    assert removed(trial) == []


def test_the_directory_goes_with_the_last_disk(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, disks=[["remove", 0, {}], ["remove", 0, {}]])
    trial.run()
    assert trial.nodes.asked[-1] == ("n1", "file_storage_dir_remove", [DIRECTORY])


def test_all_disks_can_be_replaced_at_once(tmp_path: Path) -> None:
    request = [["remove", 0, {}], ["remove", 0, {}], ["add", 0, {"size": 64}]]
    cfg = a_trial(tmp_path, disks=request).run()
    (new,) = cfg.disks_of(cfg.instance("web"))
    assert new.logical_id[1].startswith(f"{DIRECTORY}/")


def test_a_change_that_cannot_be_written_down_leaves_no_disk(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, disks=[["add", -1, {"size": 64}], ["remove", 0, {}]])
    trial.world.store.failure = "no space left on device"
    with pytest.raises(ConfigurationError):
        trial.run()
    (made,) = [args[0]["uuid"] for _, c, args in trial.nodes.asked if c == "blockdev_create"]
    assert removed(trial) == [made]


def test_memory_that_is_not_given_changes_nothing(tmp_path: Path) -> None:
    up = {"admin_state": "up", "beparams": {"minmem": 128, "maxmem": 512}}
    trial = a_trial(tmp_path, cluster(**up).build(), runtime_mem=256)
    trial.nodes.says("n1", "instance_info", {"memory": 512, "vcpus": 1, "state": 0, "time": 1})
    trial.nodes.fails("n1", "instance_balloon_memory", "no balloon")
    before = trial.cfg
    with pytest.raises(OpExecError, match="no balloon"):
        trial.run()
    assert trial.cfg is before


@pytest.mark.parametrize("offline", [True, False])
def test_what_is_meant_to_run_goes_neither_offline_nor_online(
    tmp_path: Path, offline: bool
) -> None:
    with pytest.raises(OpPrereqError, match="marked up"):
        a_trial(tmp_path, cluster(admin_state="up").build(), offline=offline).run()


def test_hooks_see_the_instance_as_it_will_be(tmp_path: Path) -> None:
    trial = a_trial(tmp_path, nics=[["remove", 1, {}]], beparams={"maxmem": 64, "minmem": 64})
    trial.check()
    env = trial.unit.hook_env()
    assert (env["INSTANCE_MEMORY"], env["INSTANCE_MINMEM"]) == (64, 64)
    assert env["INSTANCE_NIC_COUNT"] == 1
    assert not [name for name in env if name.startswith("INSTANCE_NIC1_")]


def test_a_nic_of_a_network_is_shown_and_checked_by_its_bridge(tmp_path: Path) -> None:
    cfg = cluster().with_network("lan", "10.3.0.0/24", groups=("default",)).build()
    trial = a_trial(tmp_path, cfg, nics=[["add", -1, {"network": "lan"}]])
    trial.run()
    assert trial.nodes.asked[0][1:] == ("bridges_exist", [["br-lan"]])
    ((where, what),) = trial.result
    assert where == "nic.2"
    assert "mode=bridged,link=br-lan" in what
