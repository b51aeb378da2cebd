# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks come, go, come up and go down with what the nodes say about it."""

from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import OpExecError
from ganeti.master.disks import lifecycle
from ganeti.master.units.instance.disks_active import (
    InstanceActivateDisks,
    InstanceDeactivateDisks,
)
from ganeti.master.units.instance.remove import InstanceRemove
from ganeti.model.config import Config
from ganeti.opcodes.instance import (
    OpInstanceActivateDisks,
    OpInstanceDeactivateDisks,
    OpInstanceRemove,
)
from test.support.cluster import a_cluster
from test.support.trial import Trial

DIRECTORY = "/srv/ganeti/file/web"


def world(**node: Any) -> Config:
    cluster = a_cluster().with_nodes("n1").with_node("n2", **node)
    return cluster.with_instance("web", template="file", disks=2, on="n2").build()


def removal(root: Path, cfg: Config, **more: Any) -> Trial:
    op = OpInstanceRemove(instance_name="web", **more)
    trial = Trial(root, cfg, InstanceRemove, op)
    trial.nodes.accepts("instance_shutdown", "blockdev_remove", "file_storage_dir_remove")
    return trial


def create(trial: Trial) -> None:
    web = trial.cfg.instance("web")
    lifecycle.create(trial.unit, web, trial.cfg.disks_of(web), directory=DIRECTORY)


def test_what_a_lost_answer_may_have_made_is_removed_too(tmp_path: Path) -> None:
    trial = removal(tmp_path, world())
    trial.nodes.accepts("file_storage_dir_create")
    trial.nodes.says("n2", "blockdev_create", None, TimeoutError("timed out"))
    with pytest.raises(OpExecError, match="disk/1 of web on n2"):
        create(trial)
    removed = [args[0] for _, call, args in trial.nodes.asked if call == "blockdev_remove"]
    assert [disk["iv_name"] for disk in removed] == ["disk/1", "disk/0"]
    assert trial.nodes.asked[-1] == ("n2", "file_storage_dir_remove", [DIRECTORY])


def test_what_stays_behind_is_named(tmp_path: Path) -> None:
    trial = removal(tmp_path, world())
    trial.nodes.accepts("file_storage_dir_create")
    trial.nodes.fails("n2", "blockdev_create", "disk full")
    trial.nodes.fails("n2", "blockdev_remove", "busy")
    with pytest.raises(OpExecError, match="disk full"):
        create(trial)
    assert trial.warnings[0].startswith("cannot remove disk/0 of web on node n2: ")


def test_an_instance_goes_with_its_disks(tmp_path: Path) -> None:
    trial = removal(tmp_path, world())
    cfg = trial.run()
    assert (len(cfg.instances), len(cfg.disks)) == (0, 0)
    calls = ["instance_shutdown", *["blockdev_remove"] * 2, "file_storage_dir_remove"]
    assert trial.nodes.calls == [f"n2 {call}" for call in calls]


@pytest.mark.parametrize("call", ["instance_shutdown", "blockdev_remove"])
def test_it_stays_if_a_part_of_it_stays(tmp_path: Path, call: str) -> None:
    trial = removal(tmp_path, world())
    trial.nodes.fails("n2", call, "no")
    with pytest.raises(OpExecError, match="--ignore-failures"):
        trial.run()
    assert trial.cfg.instances


def test_it_stays_while_its_node_cannot_be_asked(tmp_path: Path) -> None:
    """It may still run there, and its disks are there."""
    trial = removal(tmp_path, world(offline=True))
    with pytest.raises(OpExecError, match=r"offline.*--ignore-failures"):
        trial.run()
    assert trial.cfg.instances


def test_unless_that_is_wanted(tmp_path: Path) -> None:
    trial = removal(tmp_path, world(offline=True), ignore_failures=True)
    assert not trial.run().instances
    assert len(trial.warnings) == 4


def test_disks_that_do_not_come_up_are_not_marked_so(tmp_path: Path) -> None:
    op = OpInstanceActivateDisks(instance_name="web")
    trial = Trial(tmp_path, world(), InstanceActivateDisks, op)
    trial.nodes.says("n2", "blockdev_assemble", ["/x", "/y", None], OSError("gone"))
    trial.nodes.accepts("blockdev_shutdown")
    with pytest.raises(OpExecError, match="did not come up"):
        trial.run()
    assert not trial.cfg.instance("web").disks_active
    assert trial.nodes.calls.count("n2 blockdev_shutdown") == 2


def test_disks_that_come_up_are(tmp_path: Path) -> None:
    op = OpInstanceActivateDisks(instance_name="web")
    trial = Trial(tmp_path, world(), InstanceActivateDisks, op)
    trial.nodes.says("n2", "blockdev_assemble", ["/x", "/y", None])
    assert trial.run().instance("web").disks_active
    assert trial.result == [("n2", "disk/0", "/x"), ("n2", "disk/1", "/x")]


def test_disks_of_a_node_that_cannot_be_asked_count_as_up(tmp_path: Path) -> None:
    op = OpInstanceDeactivateDisks(instance_name="web", force=True)
    trial = Trial(tmp_path, world(offline=True), InstanceDeactivateDisks, op)
    with pytest.raises(OpExecError, match="not all disks"):
        trial.run()
