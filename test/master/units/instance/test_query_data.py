# SPDX-License-Identifier: GPL-2.0-or-later
"""What `gnt-instance info` is told."""

from pathlib import Path

from ganeti.master.units.instance.query_data import InstanceQueryData
from ganeti.opcodes.instance import OpInstanceQueryData
from test.support.cluster import a_cluster
from test.support.master_world import MasterWorld


def test_parameters_of_the_whole_cluster_are_not_an_instances_own(tmp_path: Path) -> None:
    cfg = a_cluster().with_nodes("n1").with_instance("web", hvparams={"acpi": False}).build()
    world = MasterWorld(tmp_path, cfg)
    op = OpInstanceQueryData(instances=["web"], static=True)
    unit = InstanceQueryData(op, world.services, "job-1/0")
    unit.expand()
    unit.check()
    (data,) = unit.execute().values()
    assert data["hv_actual"]["acpi"] is False
    assert "kernel_path" in data["hv_actual"]
    assert "migration_mode" not in data["hv_actual"]
