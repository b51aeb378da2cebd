# SPDX-License-Identifier: GPL-2.0-or-later
"""What the cluster says about itself."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import simplejson

from ganeti.master.query import cluster_info, engine
from test.support.cluster import a_cluster
from test.support.master_world import MasterWorld

KEYS = """
    software_version protocol_version config_version os_api_version export_version vcs_version
    architecture name master default_hypervisor enabled_hypervisors hvparams os_hvp beparams osparams
    ipolicy nicparams ndparams diskparams candidate_pool_size max_running_jobs max_tracked_jobs
    mac_prefix master_netdev master_netmask use_external_mip_script volume_group_name
    drbd_usermode_helper file_storage_dir shared_file_storage_dir gluster_storage_dir
    maintain_node_health ctime mtime uuid tags uid_pool default_iallocator default_iallocator_params
    reserved_lvs primary_ip_version prealloc_wipe_disks hidden_os blacklisted_os
    enabled_disk_templates install_image instance_communication_network zeroing_image
    compression_tools enabled_user_shutdown enabled_data_collectors data_collector_interval
    modify_ssh_setup ssh_key_type ssh_key_bits
"""


@pytest.fixture
def world(tmp_path: Path) -> MasterWorld:
    builder = a_cluster().with_cluster(
        tags=("b", "a"),
        beparams={"default": {"maxmem": 256}},
        data_collectors={"drbd": {"active": False, "interval": 5_000_000}},
    )
    world = MasterWorld(tmp_path, builder.build())
    world.services.jobs = SimpleNamespace(is_drained=True)  # type: ignore[assignment]
    return world


def test_the_keys(world: MasterWorld) -> None:
    assert set(cluster_info.cluster_info(world.services)) == set(KEYS.split())


def test_some_values(world: MasterWorld) -> None:
    info = simplejson.loads(simplejson.dumps(cluster_info.cluster_info(world.services)))
    assert info["name"] == "cluster.example.com"
    assert info["master"] == "n1"
    assert info["default_hypervisor"] == "kvm"
    assert info["primary_ip_version"] == 4
    assert info["beparams"]["default"]["maxmem"] == 256
    assert info["beparams"]["default"]["vcpus"] == 1
    assert info["enabled_data_collectors"] == {"drbd": False}
    assert info["data_collector_interval"] == {"drbd": 5_000_000}
    assert info["diskparams"]["drbd"]["protocol"] == "C"
    assert info["ipolicy"]["minmax"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cluster_name", "cluster.example.com"),
        ("master_node", "n1"),
        ("drain_flag", True),
        ("watcher_pause", None),
        ("volume_group_name", "xenvg"),
        ("ssh_key_type", "rsa"),
        ("candidates_behind", {}),
        ("color", None),
    ],
)
def test_single_values(world: MasterWorld, name: str, value: Any) -> None:
    assert cluster_info.config_values(world.services, [name, name]) == [value, value]


@pytest.mark.parametrize(("content", "value"), [("1700000000\n", 1700000000), ("soon", None)])
def test_the_pause_of_the_watcher(world: MasterWorld, content: str, value: Any) -> None:
    Path(world.paths.watcher_pause).write_text(content)
    assert cluster_info.config_values(world.services, ["watcher_pause"]) == [value]


def test_the_cluster_can_be_queried(world: MasterWorld) -> None:
    fields = ["name", "drain_flag", "watcher_pause", "tags", "architecture"]
    answer = engine.query(world.services, "cluster", fields, None)
    assert answer["data"] == [
        [
            *((0, "cluster.example.com"), (0, True), (3, None), (0, ["b", "a"])),
            (0, world.services.architecture),
        ]
    ]
