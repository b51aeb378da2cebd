# SPDX-License-Identifier: GPL-2.0-or-later
"""An instance is made whole, or leaves nothing behind."""

from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import ConfigurationError, OpExecError, OpPrereqError
from ganeti.master.locks.plan import Level
from ganeti.master.units.instance.create import InstanceCreate
from ganeti.model.config import Config
from ganeti.opcodes.instance import OpInstanceCreate
from test.support.cluster import ClusterBuilder, a_cluster
from test.support.trial import Trial

ASSEMBLED = ["/dev/x", "/link", None]
HV = [{"memory_free": 4096}]


def cluster(**more: Any) -> ClusterBuilder:
    directories = {"file_storage_dir": "/srv/file", "shared_file_storage_dir": "/srv/shared"}
    return a_cluster().with_cluster(**directories, **more).with_nodes("n1", "n2")


def a_trial(root: Path, cfg: Config | None = None, **more: Any) -> Trial:
    request: dict[str, Any] = {
        "instance_name": "web",
        "mode": "create",
        "disk_template": "file",
        "disks": [{"size": 1024}, {"size": 2048}],
        "nics": [{}],
        "os_type": "noop",
        "pnode": "n2",
        "hypervisor": "fake",
        "name_check": False,
        "ip_check": False,
    }
    op = OpInstanceCreate(**{**request, **more})
    trial = Trial(root, cfg or cluster().build(), InstanceCreate, op)
    trial.nodes.says("n2", "node_info", ["boot", None, HV])
    trial.nodes.says("n2", "blockdev_assemble", ASSEMBLED)
    trial.nodes.says("n2", "os_validate", True)
    trial.nodes.accepts(
        *("bridges_exist", "hypervisor_validate_params", "file_storage_dir_create"),
        *("file_storage_dir_remove", "blockdev_create", "blockdev_remove", "blockdev_shutdown"),
        *("instance_os_add", "instance_start"),
    )
    return trial


def changes(trial: Trial) -> list[str]:
    """The calls that change something."""
    looks = ("bridges_exist", "hypervisor_validate_params", "os_validate", "node_info")
    return [call for _, call, _ in trial.nodes.asked if call not in looks]


def test_the_steps(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    web = trial.run().instance("web")
    assert trial.result == ["n2"]
    assert (web.admin_state, web.disks_active, len(web.disks)) == ("up", True, 2)
    assert changes(trial) == [
        "file_storage_dir_create",
        *["blockdev_create"] * 2,
        *["blockdev_assemble"] * 2,
        "instance_os_add",
        *["blockdev_shutdown"] * 2,
        *["blockdev_assemble"] * 2,
        "instance_start",
    ]
    assert trial.locks.levels == [Level.NODE, Level.NODE_RES]


def test_a_disk_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    before = trial.cfg
    trial.nodes.says("n2", "blockdev_create", None, OSError("disk full"))
    with pytest.raises(OpExecError, match="disk full"):
        trial.run()
    assert trial.cfg is before
    assert changes(trial)[-3:] == [*["blockdev_remove"] * 2, "file_storage_dir_remove"]


def test_what_cannot_be_written_down_leaves_nothing(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    trial.world.store.failure = "no space left on device"
    with pytest.raises(ConfigurationError, match="no space left"):
        trial.run()
    assert changes(trial)[-3:] == [*["blockdev_remove"] * 2, "file_storage_dir_remove"]


def test_an_os_that_fails_leaves_the_instance_to_be_looked_at(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    trial.nodes.fails("n2", "instance_os_add", "exit code 7")
    with pytest.raises(OpExecError, match="exit code 7"):
        trial.run()
    assert trial.cfg.instance("web").admin_state == "down"
    assert changes(trial)[-2:] == ["blockdev_shutdown"] * 2


def test_a_guest_that_does_not_start_is_meant_to_run_all_the_same(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    trial.nodes.fails("n2", "instance_start", "no such device")
    with pytest.raises(OpExecError, match="no such device"):
        trial.run()
    assert trial.cfg.instance("web").admin_state == "up"
    assert changes(trial)[-2:] == ["blockdev_shutdown"] * 2


def test_scripts_see_what_was_checked(tmp_path: Path) -> None:
    """The word `default` is no value of a parameter."""
    cfg = cluster(osparams={"noop": {"a": "above", "b": "above"}}).build()
    given = {"osparams": {"a": "default", "b": "own"}, "osparams_secret": {"s": "x"}}
    trial = a_trial(tmp_path, cfg, **given)
    assert trial.run().instance("web").osparams == {"b": "own"}
    (checked,) = [args[3] for _, call, args in trial.nodes.asked if call == "os_validate"]
    (carried,) = [args[0] for _, call, args in trial.nodes.asked if call == "instance_os_add"]
    assert checked == carried["osparams"] == {"a": "above", "b": "own", "s": "x"}


def test_the_bridge_is_that_of_the_network(tmp_path: Path) -> None:
    cfg = cluster().with_network("lan", "10.3.0.0/24", groups=("default",)).build()
    trial = a_trial(tmp_path, cfg, nics=[{"network": "lan", "ip": "10.3.0.9"}])
    trial.check()
    asked = [args for _, call, args in trial.nodes.asked if call == "bridges_exist"]
    assert asked == [[["br-lan"]]]
    env = trial.unit.hook_env()
    assert env["INSTANCE_NIC0_BRIDGE"] == env["INSTANCE_NIC0_LINK"] == "br-lan"
    assert env["INSTANCE_NIC0_NETWORK_SUBNET"] == "10.3.0.0/24"


def test_an_address_of_a_network_is_for_its_nics(tmp_path: Path) -> None:
    cfg = cluster().with_network("lan", "10.3.0.0/24", groups=("default",)).build()
    with pytest.raises(OpPrereqError, match="belongs to network lan"):
        a_trial(tmp_path / "a", cfg, nics=[{"ip": "10.3.0.9"}]).check()
    a_trial(tmp_path / "b", cfg, nics=[{"ip": "10.3.0.9"}], conflicts_check=False).check()


def test_hooks_see_definitions_of_disks(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    trial.check()
    env = trial.unit.hook_env()
    assert (env["INSTANCE_STATUS"], env["ADD_MODE"]) == (True, "create")
    disk = {key for key in env if key.startswith("INSTANCE_DISK0_")}
    assert disk == {f"INSTANCE_DISK0_{name}" for name in ("UUID", "SIZE", "MODE")}


def test_a_dry_run_tells_the_nodes(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    trial.check()
    assert trial.unit.dry_run_result() == [trial.cfg.node("n2").uuid]
