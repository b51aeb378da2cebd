# SPDX-License-Identifier: GPL-2.0-or-later
"""What a change of a node leaves in the configuration."""

from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import OpPrereqError
from ganeti.master.units.node.set_params import NodeSetParams
from ganeti.opcodes.node import OpNodeSetParams
from test.support.cluster import a_cluster
from test.support.master_world import MasterWorld


def change(root: Path, name: str, **request: Any) -> tuple[Any, Any]:
    """The result, and the node as it is then."""
    world = MasterWorld(root, a_cluster().with_nodes("n1", "n2").build())
    unit = NodeSetParams(OpNodeSetParams(node_name=name, **request), world.services, "job-1/0")
    unit.expand()
    unit.check()
    return unit.execute(), world.store.current.node(name)


def test_sets_of_parameters_are_stored(tmp_path: Path) -> None:
    result, node = change(
        tmp_path,
        "n2",
        ndparams={"spindle_count": "4"},
        hv_state={"kvm": {"mem_node": 512}},
        disk_state={"plain": {"xenvg": {"disk_reserved": 7}}},
    )
    assert result == [("ndparams/spindle_count", 4)]
    assert node.ndparams == {"spindle_count": 4}
    assert node.hv_state_static["kvm"]["mem_node"] == 512
    assert node.disk_state_static["plain"]["xenvg"]["disk_reserved"] == 7


def test_the_master_stays_able_to_be_master(tmp_path: Path) -> None:
    with pytest.raises(OpPrereqError, match="master-failover"):
        change(tmp_path, "n1", master_capable=False)
