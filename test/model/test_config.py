# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading: names, filled parameters, and the forms that calls to nodes carry."""

from __future__ import annotations

from typing import Any

import pytest

from ganeti.errors import Code, OpPrereqError
from ganeti.model import configfile
from ganeti.model.nic import Nic
from test.support.cluster import a_cluster

CFG = (
    a_cluster()
    .with_group("far", ndparams={"spindle_count": 4}, diskparams={"drbd": {"resync-rate": 1}})
    .with_nodes("n1.example.com", "n2.example.com")
    .with_node("n3.example.org", group="far", ndparams={"oob_program": "/bin/oob"})
    .with_node("n4.example.org", group="far")
    .with_network("net", "192.0.2.0/28", groups=("default",))
    .with_instance("web.example.com", template="drbd", on="n1.example.com")
    .with_instance("web.example.org", on="n1.example.com", os="deb+min")
    .with_instance(
        "far.example.org", template="drbd", on="n3.example.org", secondary="n4.example.org"
    )
    .build()
)


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("n1", "n1.example.com"),
        ("N1.Example", "n1.example.com"),
        ("n3.example.org", "n3.example.org"),
        (CFG.master.uuid, "n1.example.com"),
    ],
)
def test_names_are_completed_up_to_a_dot(name: str, full: str) -> None:
    assert CFG.node(name).name == full


@pytest.mark.parametrize("name", ["n", "n1.exam", "nope", "", CFG.instance("far").uuid])
def test_other_names_are_unknown(name: str) -> None:
    with pytest.raises(OpPrereqError, match="there is no node") as caught:
        CFG.node(name)
    assert caught.value.code == Code.UNKNOWN_ENTITY


def test_a_short_name_that_fits_two_is_refused() -> None:
    with pytest.raises(OpPrereqError, match=r"'web' may be web\.example\.com, web\.example\.org"):
        CFG.instance("web")
    assert CFG.instance("web.example.com").name == "web.example.com"


def test_groups_and_networks_have_no_short_names() -> None:
    assert CFG.group("far").name == "far"
    assert CFG.network(CFG.network("net").uuid).name == "net"
    with pytest.raises(OpPrereqError):
        CFG.group("FAR")


def changed_cluster(**changes: Any) -> Any:
    return CFG.changed([CFG.cluster.replace(**changes)])


def test_hypervisor_parameters_are_filled_from_cluster_and_os() -> None:
    cfg = changed_cluster(
        hvparams={"kvm": {"acpi": False, "vga": "std", "migration_port": 9000}},
        os_hvp={"deb+min": {"kvm": {"vga": "qxl", "keymap": "de"}}, "deb": {"kvm": {"vga": "x"}}},
    )
    instance = cfg.instance("web.example.org")
    instance = instance.replace(hvparams={"keymap": "fr", "migration_port": 1})
    filled = cfg.hvparams(instance)
    assert (filled["acpi"], filled["vga"], filled["keymap"]) == (False, "qxl", "fr")
    assert filled["migration_port"] == 9000
    assert filled["boot_order"] == "disk"
    assert cfg.default_hvparams("kvm", "other")["vga"] == "std"


def test_backend_parameters_are_filled() -> None:
    cfg = changed_cluster(beparams={"default": {"maxmem": 512}})
    instance = cfg.instance("far").replace(beparams={"vcpus": 4})
    filled = cfg.beparams(instance)
    assert (filled["maxmem"], filled["minmem"], filled["vcpus"]) == (512, 128, 4)


def test_os_parameters_are_filled_from_os_and_variant() -> None:
    cfg = changed_cluster(
        osparams={"deb": {"a": "1", "b": "1"}, "deb+min": {"b": "2"}},
        osparams_private_cluster={"deb": {"key": "k"}},
    )
    instance = cfg.instance("web.example.org").replace(osparams={"c": "3"})
    assert cfg.osparams(instance) == {"a": "1", "b": "2", "c": "3"}
    assert cfg.osparams_private(instance) == {"key": "k"}
    assert cfg.os_defaults("deb+min") == {"a": "1", "b": "2", "key": "k"}


def test_node_parameters_are_filled_from_the_group() -> None:
    filled = CFG.ndparams(CFG.node("n3"))
    assert (filled["spindle_count"], filled["oob_program"]) == (4, "/bin/oob")
    assert (filled["ssh_port"], filled["exclusive_storage"]) == (22, False)


def test_a_nic_in_a_network_takes_the_connection_of_its_group() -> None:
    nic = Nic(uuid="u", mac="aa:00:00:11:22:33", network=CFG.network("net").uuid)
    default = CFG.group("default").uuid
    assert CFG.nicparams(nic, default)["link"] == "br-net"
    assert CFG.nicparams(nic)["link"] == "xen-br0"
    cfg = CFG.changed([CFG.instance("web.example.com").replace(nics=(nic,))])
    assert cfg.nicparams(nic)["link"] == "br-net"
    own = nic.replace(nicparams={"link": "mine"})
    assert cfg.nicparams(own)["link"] == "mine"


def test_the_policy_of_a_group_is_filled_from_the_cluster() -> None:
    group = CFG.group("far").replace(ipolicy={"vcpu-ratio": 2.0})
    filled = CFG.ipolicy(group)
    assert filled["vcpu-ratio"] == 2.0
    assert filled["std"]["memory-size"] == 128


def test_calls_carry_an_instance_with_everything() -> None:
    instance = CFG.instance("web.example.com")
    carried = CFG.for_node(
        instance, hvparams={"acpi": False}, beparams={"maxmem": 99}, osparams={"secret": "s"}
    )
    assert carried.hvparams["acpi"] is False
    assert carried.beparams["maxmem"] == 99
    assert carried.osparams == {"secret": "s"}
    assert carried.secondary_nodes == (CFG.node("n2").uuid,)
    assert carried.nics[0].nicparams == {"mode": "bridged", "link": "xen-br0", "vlan": ""}
    assert carried.disks_info is not None
    assert [disk.uuid for disk in carried.disks_info] == list(instance.disks)
    assert carried.stored().raw().keys() == instance.raw().keys()
    assert configfile.load(configfile.encode(CFG)).for_node(instance) == CFG.for_node(instance)


def test_calls_carry_the_network_of_a_nic() -> None:
    network = CFG.network("net")
    nic = Nic(uuid="u", mac="aa:00:00:11:22:33", network=network.uuid, ip="192.0.2.5")
    cfg = CFG.changed([CFG.instance("web.example.com").replace(nics=(nic,))])
    carried = cfg.for_node(cfg.instance("web.example.com")).nics[0]
    assert carried.netinfo == network.raw()
    assert carried.nicparams["link"] == "br-net"


def test_each_node_gets_its_own_view_of_a_drbd_disk() -> None:
    instance = CFG.instance("far")
    disk = CFG.disks_of(instance)[0]
    n3, n4 = CFG.node("n3"), CFG.node("n4")
    on_primary = CFG.annotated(disk, instance, n3.uuid)
    assert on_primary.dynamic_params == {
        "local-ip": n3.secondary_ip,
        "remote-ip": n4.secondary_ip,
        "local-minor": 0,
        "remote-minor": 0,
    }
    on_secondary = CFG.annotated(disk, instance, n4.uuid)
    assert on_secondary.dynamic_params is not None
    assert on_secondary.dynamic_params["local-ip"] == n4.secondary_ip
    assert CFG.annotated(disk, instance, CFG.master.uuid).dynamic_params is None


def test_drbd_parameters_are_split_over_the_devices() -> None:
    instance = CFG.instance("far")
    disk = CFG.annotated(CFG.disks_of(instance)[0], instance, instance.primary_node)
    assert disk.params == {
        "resync-rate": 1,
        "disabled-barriers": "n",
        "disable-meta-flush": False,
        "default-metavg": "xenvg",
        "disk-custom": "",
        "net-custom": "",
        "protocol": "C",
        "dynamic-resync": False,
        "c-plan-ahead": 20,
        "c-fill-target": 0,
        "c-delay-target": 1,
        "c-max-rate": 61440,
        "c-min-rate": 4096,
    }
    assert [child.params for child in disk.children] == [{"stripes": 1}, {"stripes": 1}]
