# SPDX-License-Identifier: GPL-2.0-or-later
"""An instance and its files have the same name, before and after."""

from pathlib import Path

import pytest

from ganeti.errors import ConfigurationError, OpExecError
from ganeti.master.units.instance.rename import InstanceRename
from ganeti.opcodes.instance import OpInstanceRename
from test.support.cluster import a_cluster
from test.support.trial import Trial

OLD, NEW = "/srv/ganeti/file/web", "/srv/ganeti/file/www"


def a_trial(root: Path) -> Trial:
    op = OpInstanceRename(instance_name="web", new_name="www", name_check=False, ip_check=False)
    cfg = a_cluster().with_nodes("n1").with_instance("web", template="file").build()
    trial = Trial(root, cfg, InstanceRename, op)
    trial.nodes.says("n1", "instance_info", {})
    trial.nodes.says("n1", "blockdev_assemble", ["/x", "/y", None])
    trial.nodes.accepts(
        *("file_storage_dir_rename", "blockdev_setinfo", "blockdev_shutdown"),
        "instance_run_rename",
    )
    return trial


def renamings(trial: Trial) -> list[list[str]]:
    return [args for _, call, args in trial.nodes.asked if call == "file_storage_dir_rename"]


def test_the_files_come_along(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    cfg = trial.run()
    (disk,) = cfg.disks_of(cfg.instance("www"))
    assert disk.logical_id[1].startswith(f"{NEW}/")
    assert renamings(trial) == [[OLD, NEW]]
    assert trial.nodes.asked[-2][1:2] == ("instance_run_rename",)


def test_files_go_back_if_the_name_cannot_be_written_down(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    trial.world.store.failure = "no space left on device"
    with pytest.raises(ConfigurationError):
        trial.run()
    assert renamings(trial) == [[OLD, NEW], [NEW, OLD]]


def test_files_that_stay_keep_the_name(tmp_path: Path) -> None:
    trial = a_trial(tmp_path)
    trial.nodes.fails("n1", "file_storage_dir_rename", "it is there already")
    with pytest.raises(OpExecError, match="there already"):
        trial.run()
    assert trial.cfg.instance("web").name == "web"


@pytest.mark.parametrize("call", ["blockdev_assemble", "blockdev_setinfo", "instance_run_rename"])
def test_what_the_new_name_is_not_told_to_is_warned_about(tmp_path: Path, call: str) -> None:
    trial = a_trial(tmp_path)
    trial.nodes.fails("n1", call, "out of order")
    assert trial.run().instance("www")
    assert trial.result == "www"
    assert "out of order" in " ".join(trial.warnings)
    assert trial.nodes.calls[-1] == "n1 blockdev_shutdown"
