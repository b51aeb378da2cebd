# SPDX-License-Identifier: GPL-2.0-or-later
"""What loading fills in, and what it leaves alone."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from ganeti.errors import ConfigurationError
from ganeti.model import configfile, upgrade, verify
from test.model.test_configfile import fresh
from test.support.cluster import a_cluster

NOW = 1700000000.0

# What `gnt-cluster init` of release 3.0 leaves out, to be filled at the first start.
LEFT_OUT_BY_INIT = {
    "cluster": (
        "blacklisted_os",
        "default_iallocator_params",
        "hidden_os",
        "instance_communication_network",
        "max_running_jobs",
        "max_tracked_jobs",
        "os_hvp",
        "reserved_lvs",
        "uid_pool",
    ),
    "nodegroups": ("alloc_policy", "ipolicy", "mtime", "ndparams", "networks", "serial_no"),
    "nodes": ("group", "master_capable", "ndparams", "powered", "vm_capable"),
}


def filled(raw: dict[str, Any]) -> dict[str, Any]:
    upgrade.fill(raw, lambda: "new-uuid", NOW)
    return raw


def test_a_whole_file_is_left_as_it_is() -> None:
    raw = fresh()
    assert filled(copy.deepcopy(raw)) == raw


def test_the_file_of_a_new_cluster_is_completed() -> None:
    raw = fresh()
    for key in LEFT_OUT_BY_INIT["cluster"]:
        del raw["cluster"][key]
    for section in ("nodegroups", "nodes"):
        (item,) = raw[section].values()
        for key in LEFT_OUT_BY_INIT[section]:
            del item[key]
    assert filled(raw) == fresh()


def test_parameters_that_later_releases_added_get_their_defaults() -> None:
    raw = fresh()
    del raw["cluster"]["hvparams"]["kvm"]["vnet_hdr"]
    del raw["cluster"]["hvparams"]["lxc"]
    del raw["cluster"]["beparams"]["default"]["vcpus"]
    del raw["cluster"]["diskparams"]["drbd"]["protocol"]
    del raw["cluster"]["ndparams"]["ssh_port"]
    del raw["cluster"]["ipolicy"]["vcpu-ratio"]
    assert filled(raw) == fresh()


def test_own_values_stay() -> None:
    raw = fresh()
    raw["cluster"]["hvparams"]["kvm"]["kernel_path"] = ""
    raw["cluster"]["max_running_jobs"] = 7
    before = copy.deepcopy(raw)
    assert filled(raw) == before


def test_old_words_of_the_cluster() -> None:
    raw = fresh()
    raw["cluster"] |= {"default_bridge": "br7", "default_hypervisor": "kvm"}
    raw["cluster"]["enabled_hypervisors"] = ["xen-pvm", "kvm"]
    del raw["cluster"]["nicparams"]
    cluster = filled(raw)["cluster"]
    assert cluster["nicparams"]["default"] == {"mode": "bridged", "link": "br7", "vlan": ""}
    assert cluster["enabled_hypervisors"] == ["kvm", "xen-pvm"]
    assert not {"default_bridge", "default_hypervisor"} & cluster.keys()


def test_enabled_templates_follow_from_what_is_used() -> None:
    cfg = a_cluster().with_nodes("n1").with_instance("web", template="file").build()
    raw = json.loads(configfile.encode(cfg))
    for key in ("enabled_disk_templates", "drbd_usermode_helper"):
        del raw["cluster"][key]
    cluster = filled(raw)["cluster"]
    assert cluster["enabled_disk_templates"] == ["drbd", "plain", "file"]
    assert cluster["drbd_usermode_helper"] == "/bin/true"


def test_the_netmask_depends_on_the_family() -> None:
    raw = fresh()
    del raw["cluster"]["master_netmask"]
    raw["cluster"]["primary_ip_family"] = 10
    assert filled(raw)["cluster"]["master_netmask"] == 128


def test_nodes_without_a_group_come_into_a_new_one() -> None:
    raw = fresh()
    raw["nodegroups"] = {}
    (node,) = raw["nodes"].values()
    node["group"] = ""
    filled(raw)
    assert raw["nodegroups"]["new-uuid"]["name"] == "default"
    assert node["group"] == "new-uuid"
    assert verify.problems(configfile.from_raw(raw)) == []


def test_old_words_of_instances_and_their_devices() -> None:
    cfg = a_cluster().with_nodes("n1").with_instance("web", template="plain").build()
    raw = json.loads(configfile.encode(cfg))
    (instance,) = raw["instances"].values()
    (disk,) = raw["disks"].values()
    for key in ("admin_state", "disks_active", "admin_state_source"):
        del instance[key]
    instance |= {"admin_up": True, "disk_template": "plain"}
    instance["hvparams"] = {"migration_port": 1, "acpi": False}
    instance["nics"] = [{"mac": "aa:00:00:00:00:01", "bridge": "br1", "pci": 3}]
    disk["physical_id"] = ["xenvg", "x"]
    filled(raw)
    assert (instance["admin_state"], instance["disks_active"]) == ("up", True)
    assert instance["hvparams"] == {"acpi": False}
    assert instance["nics"] == [
        {
            "mac": "aa:00:00:00:00:01",
            "nicparams": {"mode": "bridged", "link": "br1"},
            "uuid": "new-uuid",
        }
    ]
    assert not {"admin_up", "disk_template"} & instance.keys()
    assert "physical_id" not in disk


def test_parameters_for_the_whole_cluster_go_from_nodes() -> None:
    raw = fresh()
    (node,) = raw["nodes"].values()
    node["ndparams"] = {"exclusive_storage": True, "spindle_count": 3}
    filled(raw)
    assert node["ndparams"] == {"spindle_count": 3}


def test_a_forthcoming_instance_may_lack_most() -> None:
    raw = fresh()
    raw["instances"]["u"] = {"uuid": "u", "name": "later", "forthcoming": True}
    before = copy.deepcopy(raw)
    assert filled(raw) == before
    cfg = configfile.from_raw(raw)
    assert cfg.instances["u"].forthcoming
    assert verify.problems(cfg) == []


def test_damage_is_an_error_of_the_configuration() -> None:
    raw = fresh()
    raw["nodes"] = {"u": "nonsense"}
    with pytest.raises(ConfigurationError, match="is damaged"):
        upgrade.load(json.dumps(raw).encode(), lambda: "u", NOW)
