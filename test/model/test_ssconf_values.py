# SPDX-License-Identifier: GPL-2.0-or-later
"""The values of ssconf, as scripts read them."""

from __future__ import annotations

from typing import Any

import pytest

from ganeti.model import ssconf_values
from ganeti.model.config import Config
from ganeti.model.ssconf_values import Values
from test.support.cluster import a_cluster, a_uuid


def a_config() -> Config:
    return (
        a_cluster()
        .with_cluster(
            tags=("b", "a"),
            uid_pool=((10, 20), (30, 30)),
            enabled_hypervisors=("xen-pvm", "kvm"),
            candidate_certs={"uuid-b": "BB:00", "uuid-a": "AA:00"},
            file_storage_dir="/srv/file",
            maintain_node_health=True,
        )
        .with_group("far", ndparams={"ssh_port": 2222})
        .with_node("node10")
        .with_node("node2", group="far")
        .with_node("node1", offline=True)
        .with_network("net", "192.0.2.0/24")
        .with_instance("web10")
        .with_instance("web2")
        .build()
    )


CFG = a_config()


def test_formats_and_orders() -> None:
    values = ssconf_values.ssconf_values(CFG)
    hvparams = {k: values.pop(k) for k in list(values) if k.startswith("hvparams_")}
    assert values == {
        "cluster_name": "cluster.example.com",
        "cluster_tags": "a\nb",
        "enabled_user_shutdown": "False",
        "file_storage_dir": "/srv/file",
        "gluster_storage_dir": "",
        "hypervisor_list": "xen-pvm\nkvm",
        "instance_list": "web2\nweb10",
        "maintain_node_health": "True",
        "master_candidates": "node10\nnode2",
        "master_candidates_certs": "uuid-a=AA:00\nuuid-b=BB:00",
        "master_candidates_ips": "10.0.0.2\n10.0.0.3",
        "master_ip": "10.9.9.9",
        "master_netdev": "eth0",
        "master_netmask": "32",
        "master_node": "node10",
        "networks": f"{a_uuid(7)} net",
        "node_list": "node1\nnode10\nnode2",
        "node_primary_ips": "node1 10.0.0.4\nnode10 10.0.0.2\nnode2 10.0.0.3",
        "node_secondary_ips": "node1 10.1.0.4\nnode10 10.1.0.2\nnode2 10.1.0.3",
        "node_vm_capable": "node1=True\nnode10=True\nnode2=True",
        "nodegroups": f"{a_uuid(2)} default\n{a_uuid(3)} far",
        "offline_nodes": "node1",
        "online_nodes": "node10\nnode2",
        "primary_ip_family": "2",
        "release_version": "3.0.2",
        "shared_file_storage_dir": "",
        "ssh_ports": "node1=22\nnode10=22\nnode2=2222",
        "uid_pool": "10-20\n30",
    }
    assert hvparams.keys() == {
        f"hvparams_{name}" for name in ("chroot", "fake", "kvm", "lxc", "xen-hvm", "xen-pvm")
    }


def test_hypervisor_parameters_are_lines_sorted_by_name() -> None:
    lines = ssconf_values.ssconf_values(CFG)["hvparams_kvm"].split("\n")
    assert lines == sorted(lines)
    assert {"acpi=True", "cpu_cores=0", "cdrom_image_path=", "migration_port=8102"} <= set(lines)


def test_a_fresh_cluster_has_empty_values() -> None:
    values = ssconf_values.ssconf_values(a_cluster().build())
    empty = ("offline_nodes", "uid_pool", "cluster_tags", "instance_list", "networks")
    assert [values[key] for key in empty] == [""] * len(empty)


WEB = CFG.instance("web2")


@pytest.mark.parametrize(
    ("put", "removed", "keys"),
    [
        ([CFG.cluster.replace(tags=("c",))], [], {"cluster_tags"}),
        ([CFG.cluster.replace(serial_no=77)], [], set()),
        ([WEB.replace(admin_state="up")], [], set()),
        ([WEB.replace(name="web3")], [], {"instance_list"}),
        ([], [WEB], {"instance_list"}),
        ([CFG.group("far").replace(ndparams={})], [], {"ssh_ports"}),
        ([CFG.group("far").replace(name="near")], [], {"nodegroups"}),
        ([], [CFG.network("net")], {"networks"}),
        ([CFG.node("node2").replace(powered=False)], [], set()),
        (
            [CFG.node("node2").replace(master_candidate=False, vm_capable=False)],
            [],
            {"master_candidates", "master_candidates_ips", "node_vm_capable"},
        ),
    ],
)
def test_what_a_change_changes(put: Any, removed: Any, keys: set[str]) -> None:
    after = CFG.changed(put, removed)
    assert ssconf_values.changed(CFG, after) is bool(keys)
    values = Values(CFG)
    old, new = values.of(CFG), values.of(after)
    assert {key for key in new if new[key] != old[key]} == keys
    assert new == ssconf_values.ssconf_values(after)
    assert (new is old) is not bool(keys)
