# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings of the cluster are changed, and what hangs on them follows."""

from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import OpExecError, OpPrereqError
from ganeti.master.unit import JobLog
from ganeti.master.units.cluster.set_params import ClusterSetParams
from ganeti.model.config import Config
from ganeti.opcodes.cluster import OpClusterSetParams
from test.support.cluster import a_cluster
from test.support.master_world import MasterWorld


class Trial:
    """A unit with a world of its own; `lines` is what the user is told."""

    def __init__(self, root: Path, cfg: Config, **request: Any) -> None:
        self.world, self.lines = MasterWorld(root, cfg), list[str]()
        self.unit = ClusterSetParams(OpClusterSetParams(**request), self.world.services, "job-1/0")
        self.unit.log = JobLog(lambda _kind, text: self.lines.append(text))

    def run(self) -> Config:
        self.unit.expand()
        self.unit.check()
        self.unit.execute()
        return self.world.store.current

    @property
    def asked(self) -> list[str]:
        return [f"{node} {call}" for node, call, _ in self.world.nodes.asked]


def world(**attributes: Any) -> Config:
    return a_cluster().with_cluster(**attributes).with_nodes("n1", "n2").build()


def test_settings_are_written_without_a_call(tmp_path: Path) -> None:
    trial = Trial(tmp_path, world(), max_running_jobs=7, hidden_os=[("add", "old")])
    cluster = trial.run().cluster
    assert (cluster.max_running_jobs, cluster.hidden_os) == (7, ("old",))
    assert trial.asked == []


def test_the_address_moves_to_the_new_interface(tmp_path: Path) -> None:
    trial = Trial(tmp_path, world(), master_netdev="br0", master_netmask=24)
    trial.world.nodes.says("n1", "node_deactivate_master_ip", None)
    trial.world.nodes.says("n1", "node_activate_master_ip", None)
    trial.run()
    (_, down, [old, _]), (_, up, [new, _]) = trial.world.nodes.asked
    assert (down, old["netdev"], old["netmask"]) == ("node_deactivate_master_ip", "eth0", 32)
    assert (up, new["netdev"], new["netmask"]) == ("node_activate_master_ip", "br0", 24)


def test_an_address_that_stays_up_keeps_the_interface(tmp_path: Path) -> None:
    trial = Trial(tmp_path, world(), master_netdev="br0")
    trial.world.nodes.fails("n1", "node_deactivate_master_ip", "busy")
    trial.world.nodes.says("n1", "node_activate_master_ip", None)
    with pytest.raises(OpExecError, match="force"):
        trial.run()
    assert trial.world.store.current.cluster.master_netdev == "eth0"


def test_the_netmask_alone_changes_in_place(tmp_path: Path) -> None:
    trial = Trial(tmp_path, world(), master_netmask=24)
    trial.world.nodes.says("n1", "node_change_master_netmask", None)
    trial.run()
    assert trial.world.nodes.asked == [
        ("n1", "node_change_master_netmask", [32, 24, "10.9.9.9", "eth0"])
    ]


def test_nodes_get_a_new_directory(tmp_path: Path) -> None:
    trial = Trial(tmp_path, world(file_storage_dir="/srv/a"), file_storage_dir="/srv/b")
    trial.world.nodes.says("n1", "file_storage_dir_create", None)
    trial.world.nodes.fails("n2", "file_storage_dir_create", "not allowed")
    assert trial.run().cluster.file_storage_dir == "/srv/b"
    assert [row[2] for row in trial.world.nodes.asked] == [["/srv/b"]] * 2
    (line,) = trial.lines
    assert line.startswith(" - WARNING: /srv/b on node n2: ")


def test_a_larger_pool_takes_nodes_in(tmp_path: Path) -> None:
    cfg = (
        a_cluster()
        .with_cluster(candidate_pool_size=1, modify_ssh_setup=False)
        .with_node("n1")
        .with_node("n2", master_candidate=False)
        .build()
    )
    trial = Trial(tmp_path, cfg, candidate_pool_size=2)
    trial.world.nodes.says("n2", "node_crypto_tokens", [["ssl", "aa:bb"]])
    trial.world.nodes.says("n2", "node_ensure_daemon", True)
    after = trial.run()
    node = after.node("n2")
    assert node.master_candidate
    assert after.cluster.candidate_certs[node.uuid] == "aa:bb"
    assert trial.lines == [" - INFO: node n2 becomes master candidate"]


def test_a_node_can_refuse_parameters(tmp_path: Path) -> None:
    trial = Trial(tmp_path, world(), hvparams={"kvm": {"kernel_path": "/boot/k"}})
    trial.world.nodes.says("n1", "hypervisor_validate_params", None)
    trial.world.nodes.fails("n2", "hypervisor_validate_params", "no such file")
    with pytest.raises(OpExecError, match="n2"):
        trial.run()
    assert trial.world.store.current.cluster.hvparams["kvm"]["kernel_path"] != "/boot/k"


def test_nodes_check_parameters_of_an_os_that_need_not_be_there(tmp_path: Path) -> None:
    trial = Trial(tmp_path, world(), osparams={"deb": {"size": "9"}})
    for node in ("n1", "n2"):
        trial.world.nodes.says(node, "os_validate", False)
    assert trial.run().cluster.osparams == {"deb": {"size": "9"}}
    assert trial.world.nodes.asked[0][2] == [False, "deb", ["parameters"], {"size": "9"}, False]


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"instance_communication_network": "talk"}, "this release"),
        ({"default_iallocator": "nobody"}, "nobody"),
        ({"default_iallocator": "../sh"}, "sh"),
    ],
)
def test_what_is_not_there_is_refused(tmp_path: Path, request_: dict[str, Any], why: str) -> None:
    with pytest.raises(OpPrereqError, match=why):
        Trial(tmp_path, world(), **request_).run()
