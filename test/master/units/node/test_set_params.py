# SPDX-License-Identifier: GPL-2.0-or-later
"""What a change of a node leaves in the configuration, and what the nodes are told."""

from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import OpPrereqError
from ganeti.master.units.node.set_params import NodeSetParams
from ganeti.opcodes.node import OpNodeSetParams
from test.support.cluster import ClusterBuilder, a_cluster
from test.support.master_world import MasterWorld


class Trial:
    """A request about node n2 of two, n1 is the master, with answers to give before it runs."""

    def __init__(self, root: Path, cluster: ClusterBuilder, **request: Any) -> None:
        self.world = MasterWorld(root, cluster.build())
        op = OpNodeSetParams(**{"node_name": "n2", **request})
        self.unit = NodeSetParams(op, self.world.services, "job-1/0")

    def run(self) -> Any:
        self.unit.expand()
        self.unit.check()
        return self.unit.execute()


def test_sets_of_parameters_are_stored(tmp_path: Path) -> None:
    trial = Trial(
        tmp_path,
        a_cluster().with_nodes("n1", "n2"),
        ndparams={"spindle_count": "4"},
        hv_state={"kvm": {"mem_node": 512}},
        disk_state={"plain": {"xenvg": {"disk_reserved": 7}}},
    )
    assert trial.run() == [("ndparams/spindle_count", 4)]
    node = trial.world.store.current.node("n2")
    assert node.ndparams == {"spindle_count": 4}
    assert node.hv_state_static["kvm"]["mem_node"] == 512
    assert node.disk_state_static["plain"]["xenvg"]["disk_reserved"] == 7


def test_the_master_stays_able_to_be_master(tmp_path: Path) -> None:
    trial = Trial(
        tmp_path, a_cluster().with_nodes("n1", "n2"), node_name="n1", master_capable=False
    )
    with pytest.raises(OpPrereqError, match="master-failover"):
        trial.run()


@pytest.mark.parametrize(
    ("before", "call", "flags"),
    [
        # from authorized_keys, from and clear public keys
        (True, "node_ssh_key_remove", {4: True, 5: False, 7: True}),
        # to authorized_keys, to and get public keys
        (False, "node_ssh_key_add", {3: False, 4: True, 5: True}),
    ],
)
def test_keys_follow_what_a_node_can_become(
    tmp_path: Path, before: bool, call: str, flags: dict[int, bool]
) -> None:
    cluster = a_cluster().with_cluster(candidate_pool_size=1).with_node("n1")
    cluster.with_node("n2", master_candidate=False, master_capable=before)
    trial = Trial(tmp_path, cluster, master_capable=not before)
    trial.world.nodes.says("n1", call, [])
    assert trial.run() == [("master_capable", str(not before))]
    ((node, asked, arguments),) = trial.world.nodes.asked
    assert (node, asked) == ("n1", call)
    assert {index: arguments[index] for index in flags} == flags
