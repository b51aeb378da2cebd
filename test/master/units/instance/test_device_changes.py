# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes of NICs and disks, worked out before anything happens."""

from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import OpExecError, OpPrereqError
from ganeti.master.units.instance import device_changes
from ganeti.master.units.instance.set_params import InstanceSetParams
from ganeti.opcodes.instance import OpInstanceSetParams
from test.support.cluster import a_cluster
from test.support.master_world import MasterWorld

CFG = (
    a_cluster()
    .with_nodes("n1")
    .with_instance("web", template="file", disks=2, nics=2, admin_state="down")
    .build()
)
WEB = CFG.instance("web")


@pytest.fixture
def world(tmp_path: Path) -> MasterWorld:
    return MasterWorld(tmp_path, CFG)


def unit(world: MasterWorld) -> InstanceSetParams:
    op = OpInstanceSetParams(instance_name="web", beparams={"vcpus": 1})
    made = InstanceSetParams(op, world.services, "job-1/0")
    made.expand()
    return made


@pytest.mark.parametrize(("where", "index"), [(0, 0), ("1", 1), (2, 2), (-1, 2), ("-1", 2)])
def test_where_a_new_device_comes(where: Any, index: int) -> None:
    assert device_changes.place(WEB.nics, where, "NIC") == index


def test_where_no_device_can_come() -> None:
    with pytest.raises(OpExecError, match="9"):
        device_changes.place(WEB.nics, 9, "NIC")
    with pytest.raises(OpPrereqError, match="'first'"):
        device_changes.place(WEB.nics, "first", "NIC")


def test_a_new_disk_is_named_by_its_index(world: MasterWorld) -> None:
    world.nodes.says("n1", "instance_info", {})
    plan = device_changes.disks_plan(unit(world), WEB, [("add", -1, {"size": 1024})])
    assert plan.created[0].iv_name == "disk/2"
    assert plan.created[0].logical_id[1].endswith(".disk2")


@pytest.mark.parametrize(
    "change",
    [
        ("add", -1, {"size": 1024, "mode": "wo"}),
        ("add", -1, {"size": "much"}),
        ("modify", 0, {"mode": "wo"}),
        ("modify", 0, {"size": 2048}),
    ],
)
def test_settings_that_make_no_sense_are_refused(world: MasterWorld, change: Any) -> None:
    with pytest.raises(OpPrereqError):
        device_changes.disks_plan(unit(world), WEB, [change])


def test_only_the_bridges_of_changed_nics_are_looked_for(world: MasterWorld) -> None:
    world.nodes.says("n1", "bridges_exist", None)
    device_changes.nics_plan(unit(world), WEB, [("modify", 0, {"link": "br7"})])
    device_changes.nics_plan(unit(world), WEB, [("remove", 0, {})])
    assert world.nodes.asked == [("n1", "bridges_exist", [["br7"]])]
