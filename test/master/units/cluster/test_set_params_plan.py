# SPDX-License-Identifier: GPL-2.0-or-later
"""The cluster as a request wants it."""

from typing import Any

import pytest

from ganeti.errors import GenericError, OpPrereqError, TypeEnforcementError
from ganeti.master.units.cluster import set_params_plan
from ganeti.model.cluster import Cluster
from ganeti.opcodes.cluster import OpClusterSetParams
from test.support.cluster import a_cluster


def after(request: dict[str, Any], **stored: Any) -> Cluster:
    cluster = a_cluster().with_cluster(**stored).build().cluster
    return set_params_plan.cluster_after(cluster, OpClusterSetParams(**request))


def test_what_is_absent_stays() -> None:
    cluster = a_cluster().build().cluster
    assert set_params_plan.cluster_after(cluster, OpClusterSetParams(force=True)) == cluster


@pytest.mark.parametrize(
    ("request_", "stored", "attribute", "value"),
    [
        ({"candidate_pool_size": 3}, {}, "candidate_pool_size", 3),
        (
            {"maintain_node_health": False},
            {"maintain_node_health": True},
            "maintain_node_health",
            0,
        ),
        ({"vg_name": ""}, {"volume_group_name": "vg0"}, "volume_group_name", None),
        ({"mac_prefix": "AA:BB:01"}, {}, "mac_prefix", "aa:bb:01"),
        ({"master_netmask": 24}, {}, "master_netmask", 24),
        ({"file_storage_dir": "/srv/disks"}, {}, "file_storage_dir", "/srv/disks"),
        ({"file_storage_dir": ""}, {"file_storage_dir": "/srv"}, "file_storage_dir", ""),
        ({"install_image": "https://example.org/i"}, {}, "install_image", "https://example.org/i"),
        ({"reserved_lvs": []}, {"reserved_lvs": ("a",)}, "reserved_lvs", ()),
        ({"uid_pool": [(30, 40), (1, 2)]}, {}, "uid_pool", ((1, 2), (30, 40))),
        ({"add_uids": [(3, 4)]}, {"uid_pool": ((5, 6),)}, "uid_pool", ((3, 4), (5, 6))),
        ({"remove_uids": [(5, 6)]}, {"uid_pool": ((5, 6), (8, 8))}, "uid_pool", ((8, 8),)),
        ({"hidden_os": [("add", "b")]}, {"hidden_os": ("a",)}, "hidden_os", ("a", "b")),
        ({"hidden_os": [("add", "a")]}, {"hidden_os": ("a",)}, "hidden_os", ("a",)),
        ({"blacklisted_os": [("remove", "a")]}, {"blacklisted_os": ("a",)}, "blacklisted_os", ()),
        (
            {"disk_state": {"plain": {"vg": {"disk_total": "10"}}}},
            {},
            "disk_state_static",
            {"plain": {"vg": {"disk_overhead": 0, "disk_reserved": 0, "disk_total": 10}}},
        ),
        (
            {"os_hvp": {"deb": {"kvm": {"kernel_path": "default", "acpi": "false"}}}},
            {"os_hvp": {"deb": {"kvm": {"kernel_path": "/boot/k"}}}},
            "os_hvp",
            {"deb": {"kvm": {"acpi": False}}},
        ),
        (
            {"os_hvp": {"deb": {"kvm": {"kernel_path": "default"}}}},
            {"os_hvp": {"deb": {"kvm": {"kernel_path": "/boot/k"}}}},
            "os_hvp",
            {},
        ),
        (
            {"osparams": {"deb": {"size": "9", "root": "default", "home": None}}},
            {"osparams": {"deb": {"root": "x", "user": "u", "home": "h"}}},
            "osparams",
            {"deb": {"user": "u", "size": "9"}},
        ),
        (
            {"enabled_data_collectors": {"lv": False}, "data_collector_interval": {"lv": 7}},
            {},
            "data_collectors",
            {"lv": {"active": False, "interval": 7}},
        ),
    ],
)
def test_values_as_they_are_stored(
    request_: dict[str, Any], stored: dict[str, Any], attribute: str, value: Any
) -> None:
    found = getattr(after(request_, **stored), attribute)
    assert (tuple(found) if isinstance(value, tuple) else found) == value


def test_parameters_are_merged_and_typed() -> None:
    cluster = after(
        {
            "hvparams": {"kvm": {"acpi": "false"}},
            "beparams": {"memory": "1g"},
            "nicparams": {"link": "br0", "vlan": "5"},
            "ndparams": {"spindle_count": "4"},
            "diskparams": {"rbd": {"pool": "fast"}},
            "ipolicy": {"vcpu-ratio": "2", "std": {"cpu-count": 2}},
        }
    )
    assert cluster.hvparams["kvm"]["acpi"] is False
    assert cluster.hvparams["kvm"]["disk_type"] == "paravirtual"
    assert (cluster.beparams["default"]["minmem"], cluster.beparams["default"]["vcpus"]) == (
        1024,
        1,
    )
    assert cluster.nicparams["default"] == {"link": "br0", "mode": "bridged", "vlan": ".5"}
    assert cluster.ndparams["spindle_count"] == 4
    assert cluster.diskparams["rbd"] == {"access": "kernelspace", "pool": "fast"}
    assert cluster.ipolicy["vcpu-ratio"] == 2.0
    assert (cluster.ipolicy["std"]["cpu-count"], cluster.ipolicy["std"]["memory-size"]) == (2, 128)


def test_the_word_default_restores_the_built_in_value() -> None:
    hvparams = after({"hvparams": {"kvm": {"acpi": "default"}}}, hvparams={"kvm": {"acpi": False}})
    assert hvparams.hvparams["kvm"]["acpi"] is True
    stored = {"default": {"maxmem": 512, "minmem": 512, "vcpus": 7}}
    new = after({"beparams": {"vcpus": "default"}}, beparams=stored).beparams["default"]
    assert (new["vcpus"], new["maxmem"]) == (1, 512)


@pytest.mark.parametrize(
    "request_",
    [
        {"enabled_hypervisors": []},
        {"enabled_disk_templates": []},
        {"mac_prefix": "aa:00"},
        {"master_netmask": 0},
        {"master_netmask": 33},
        {"master_netdev": ""},
        {"file_storage_dir": "srv"},
        {"shared_file_storage_dir": "/srv/../etc"},
        {"zeroing_image": "image.qcow"},
        {"reserved_lvs": ["("]},
        {"compression_tools": ["gzip -9"]},
        {"uid_pool": [(5, 4)]},
        {"add_uids": [(0, 2**32)]},
        {"remove_uids": [(5, 5)]},
        {"hidden_os": [("attach", "a")]},
        {"enabled_data_collectors": {"weather": True}},
        {"data_collector_interval": {"lv": 0}},
        {"beparams": {"minmem": 9999}},
        {"ipolicy": {"vcpu-ratio": "default"}},
        {"ipolicy": {"disk-templates": []}},
        {"disk_state": {"file": {}}},
        {"hv_state": {"vmware": {}}},
        {"hvparams": {"kvm": {"acip": True}}},
        {"nicparams": {"mac": "aa:00:00:00:00:01"}},
        {"nicparams": {"mode": "bent"}},
        {"diskparams": {"drbd": {"disk-barriers": "x"}}},
    ],
)
def test_what_makes_no_sense_is_refused(request_: dict[str, Any]) -> None:
    with pytest.raises(GenericError):
        after(request_)


def test_ipv6_takes_longer_prefixes() -> None:
    assert after({"master_netmask": 64}, primary_ip_family=10).master_netmask == 64


def test_an_unknown_parameter_is_an_error_of_types() -> None:
    with pytest.raises(TypeEnforcementError, match="colour"):
        after({"beparams": {"colour": "red"}})


def test_marks_that_are_there_are_told() -> None:
    cluster = a_cluster().with_cluster(hidden_os=("a",)).build().cluster
    op = OpClusterSetParams(
        hidden_os=[("add", "a"), ("add", "b")], blacklisted_os=[("remove", "a")]
    )
    assert set_params_plan.already_marked(cluster, op) == [
        "OS a is hidden already",
        "OS a is not blacklisted already",
    ]


@pytest.mark.parametrize(
    ("request_", "asked"),
    [
        ({}, []),
        ({"hvparams": {"kvm": {"acpi": True}}}, ["kvm"]),
        ({"hvparams": {"lxc": {"devices": ""}}}, []),
        ({"enabled_hypervisors": ["kvm", "xen-pvm"]}, ["xen-pvm"]),
        ({"os_hvp": {"deb": {"kvm": {"acpi": False}}}}, ["kvm"]),
    ],
)
def test_nodes_confirm_what_is_new_and_enabled(request_: dict[str, Any], asked: list[str]) -> None:
    cfg, op = a_cluster().build(), OpClusterSetParams(**request_)
    new = set_params_plan.config_after(cfg, op)
    assert [hv for hv, _ in set_params_plan.hvparams_to_confirm(cfg, new, op)] == asked


def test_an_interface_needs_a_name() -> None:
    with pytest.raises(OpPrereqError, match="interface"):
        after({"master_netdev": ""})
