# SPDX-License-Identifier: GPL-2.0-or-later
"""What speaks against new settings of the cluster."""

from typing import Any

import pytest

from ganeti.errors import OpPrereqError
from ganeti.master.units.cluster import set_params_conflicts, set_params_plan
from ganeti.master.units.cluster.set_params_conflicts import Change
from ganeti.model import ipolicy
from ganeti.opcodes.cluster import OpClusterSetParams
from test.support.cluster import ClusterBuilder, a_cluster

POLICY = {**ipolicy.defaults(), "disk-templates": ["diskless", "file"]}


def builder(**attributes: Any) -> ClusterBuilder:
    usual = {
        "enabled_disk_templates": ("diskless", "file"),
        "file_storage_dir": "/srv/file",
        "volume_group_name": None,
        "ipolicy": POLICY,
    }
    return a_cluster().with_nodes("n1").with_cluster(**(usual | attributes))


def change(world: ClusterBuilder, **request: Any) -> Change:
    cfg = world.build()
    return Change(cfg, set_params_plan.config_after(cfg, OpClusterSetParams(**request)))


def allowing(*templates: str) -> dict[str, Any]:
    return {"enabled_disk_templates": list(templates), "ipolicy": {"disk-templates": [*templates]}}


@pytest.mark.parametrize(
    ("attributes", "request_"),
    [
        ({}, {}),
        ({}, {"vg_name": "vg0"}),
        ({}, {"drbd_helper": "/bin/true"}),
        ({}, {"enabled_hypervisors": ["kvm"]}),
        ({}, allowing("file", "diskless", "rbd")),
        ({}, allowing("diskless")),
        (
            {"enabled_disk_templates": ("plain",), "volume_group_name": "a"},
            {"mac_prefix": "aa:0b:c0"},
        ),
        ({"enabled_disk_templates": ("plain",)}, {"candidate_pool_size": 3}),
        ({"enabled_disk_templates": ("diskless",)}, {"candidate_pool_size": 3}),
    ],
)
def test_nothing_speaks_against_it(attributes: dict[str, Any], request_: dict[str, Any]) -> None:
    set_params_conflicts.check(change(builder(**attributes), **request_))


@pytest.mark.parametrize(
    ("attributes", "request_", "why"),
    [
        ({}, allowing("diskless", "sharedfile"), "shared_file_storage_dir"),
        ({}, {"file_storage_dir": ""}, "needs a directory"),
        ({}, allowing("diskless", "plain"), "need a volume group"),
        ({}, {**allowing("diskless", "plain"), "vg_name": "vg0"}, "cannot look for a volume"),
        (
            {"enabled_disk_templates": ("plain", "diskless"), "volume_group_name": "a"},
            {"vg_name": "b"},
            "cannot look for a volume",
        ),
        (
            {"enabled_disk_templates": ("plain", "diskless"), "volume_group_name": "a"},
            {"vg_name": ""},
            "need a volume group",
        ),
        (
            {"enabled_disk_templates": ("drbd",), "volume_group_name": "a"},
            {"drbd_helper": "/bin/false"},
            "DRBD helper",
        ),
        ({}, {"enabled_disk_templates": ["diskless"]}, "of the cluster allows.*file"),
        ({}, {"ipolicy": {"disk-templates": ["rbd"]}}, "of the cluster allows.*rbd"),
        ({}, {"hvparams": {"kvm": {"disk_type": "drum"}}}, "disk_type"),
        ({}, {"hvparams": {"xen-pvm": {"kernel_path": "relative"}}}, "kernel_path"),
        ({}, {"os_hvp": {"deb": {"kvm": {"disk_type": "drum"}}}}, "disk_type"),
    ],
)
def test_what_cannot_be(attributes: dict[str, Any], request_: dict[str, Any], why: str) -> None:
    with pytest.raises(Exception, match=why):
        set_params_conflicts.check(change(builder(**attributes), **request_))


def test_a_group_must_not_allow_what_is_not_enabled() -> None:
    world = builder().with_group("g2", ipolicy={"disk-templates": ["file"]})
    with pytest.raises(OpPrereqError, match="group g2"):
        set_params_conflicts.check(change(world, **allowing("diskless")))


def test_what_an_instance_uses_stays_enabled() -> None:
    world = builder().with_instance("web", template="file")
    with pytest.raises(OpPrereqError, match=r"hypervisor kvm cannot be disabled.*web"):
        set_params_conflicts.check(change(world, enabled_hypervisors=["fake"]))
    with pytest.raises(OpPrereqError, match=r"disk template file cannot be disabled.*web"):
        set_params_conflicts.check(change(world, **allowing("diskless")))


def test_a_nic_without_address_cannot_be_routed() -> None:
    world = builder().with_instance("web")
    with pytest.raises(OpPrereqError, match=r"instance web, NIC 0.*routed"):
        set_params_conflicts.check(change(world, nicparams={"mode": "routed"}))


def test_instances_that_violate_a_new_policy_are_named() -> None:
    world = builder().with_instance("big", beparams={"vcpus": 4}).with_instance("small")
    bounds = ipolicy.defaults()["minmax"][0]
    narrow = {**bounds, "max": {**bounds["max"], "cpu-count": 2}}
    found = list(set_params_conflicts.warnings(change(world, ipolicy={"minmax": [narrow]})))
    assert len(found) == 1
    assert found[0].endswith("policy: big")


def test_a_directory_that_nobody_uses_is_told() -> None:
    found = list(set_params_conflicts.warnings(change(builder(), shared_file_storage_dir="/srv/s")))
    assert found == [
        "shared_file_storage_dir is set, but the disk template sharedfile is not enabled"
    ]
