# SPDX-License-Identifier: GPL-2.0-or-later
"""Each rule finds what breaks it, and a sound configuration breaks none."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ganeti.model import configfile, verify
from ganeti.model.config import Config
from ganeti.model.nic import Nic
from test.support.cluster import a_cluster, a_uuid

NET_NIC = Nic(uuid=a_uuid(901), mac="aa:00:00:99:00:01", ip="192.0.2.5", network=a_uuid(3))
LINK_NIC = Nic(uuid=a_uuid(902), mac="aa:00:00:99:00:02", ip="198.51.100.1")


def a_config() -> Config:
    used = "0" * 5 + "1" + "0" * 10
    kept = "1" + "0" * 14 + "1"
    return (
        a_cluster()
        .with_network(
            "net", "192.0.2.0/28", groups=("default",), reservations=used, ext_reservations=kept
        )
        .with_nodes("n1", "n2")
        .with_instance("web", template="drbd", nics=0)
        .with_instance("db", template="plain", on="n2", network_port=11001)
        .with_cluster(highest_used_port=11005, tcpudp_port_pool=(11004,))
        .build()
    )


CFG = a_config()
WEB, DB = CFG.instance("web").uuid, CFG.instance("db").uuid
DISK = CFG.instance("web").disks[0]
N1, N2 = CFG.node("n1").uuid, CFG.node("n2").uuid


def test_a_sound_configuration() -> None:
    with_nics = [
        CFG.instance("web").replace(nics=(NET_NIC,)),
        CFG.instance("db").replace(nics=(LINK_NIC,)),
    ]
    assert verify.problems(CFG.changed(with_nics)) == []


def broken(change: Callable[[dict[str, Any]], object]) -> list[str]:
    raw = json.loads(configfile.encode(CFG))
    change(raw)
    return verify.problems(configfile.from_raw(raw))


def sets(*path: str, **values: Any) -> Callable[[dict[str, Any]], object]:
    def change(raw: dict[str, Any]) -> None:
        for key in path:
            raw = raw[key]
        raw.update(values)

    return change


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (sets("instances", DB, name="web"), "instance name web belongs to both"),
        (sets("instances", DB, network_port=11000), "TCP port 11000 belongs to both"),
        (
            sets("instances", DB, nics=[NET_NIC.raw(), NET_NIC.raw()]),
            "instance db has MAC address aa:00:00:99:00:01 twice",
        ),
        (sets("instances", DB, nics=[NET_NIC.raw() | {"uuid": WEB}]), f"UUID {WEB} is there 2"),
        (sets("instances", DB, primary_node="x"), "there is no object x"),
        (sets("nodes", N2, group="x"), "there is no object x"),
        (sets("instances", DB, hypervisor="fake2"), "hypervisor fake2 is not enabled"),
        (sets("instances", DB, hvparams={"acpi": "perhaps"}), "'perhaps' is not true or false"),
        (sets("instances", DB, hvparams={"migration_port": 5}), "only be set for the whole"),
        (sets("instances", DB, beparams={"maxmem": "big"}), "'big' is not a size"),
        (
            sets("instances", DB, nics=[NET_NIC.raw() | {"nicparams": {"x": 1}}]),
            "unknown NIC parameter 'x'",
        ),
        (sets("nodes", N2, ndparams={"ssh_port": "x"}), "'x' is not a whole number"),
        (sets("nodes", N2, ndparams={"exclusive_storage": True}), "which is for groups"),
        (sets("nodes", N2, drained=True), "is master_candidate and drained at the same time"),
        (sets("nodes", N1, master_candidate=False), "the master n1 is no master candidate"),
        (sets("nodes", N2, master_candidate=False), "1 master candidates, there should be 2"),
        (sets("nodegroups", a_uuid(2), name=WEB), "looks like a UUID"),
        (sets("nodegroups", a_uuid(2), ipolicy={"std": {}}), "unknown key 'std'"),
        (sets("disks", DISK, iv_name="disk/7"), "disk 0 is named disk/7, not disk/0"),
        (sets("disks", DISK, nodes=[N1]), "replicated between other nodes"),
        (sets("disks", DISK, dev_type="floppy"), "unknown template floppy"),
        (sets("cluster", enabled_hypervisors=[]), "no hypervisor is enabled"),
        (sets("cluster", enabled_disk_templates=["floppy"]), "unknown disk template floppy"),
        (sets("cluster", "beparams", "default", vcpus="x"), "'x' is not a whole number"),
        (sets("cluster", "ipolicy", extra=1), "unknown key 'extra'"),
        (sets("cluster", highest_used_port=11000), "TCP port 11001 is used, but the highest"),
        (sets("cluster", tcpudp_port_pool=[11000]), "TCP port 11000 is used and in the free"),
        (sets("cluster", tcpudp_port_pool=[11004, 11004]), "11004 is twice in the free pool"),
        (sets("instances", DB, network_port=80), "TCP port 80 is not from 11000 to 14998"),
        (
            sets("instances", DB, nics=[NET_NIC.replace(ip="192.0.2.6").raw()]),
            "instance db uses 192.0.2.6 of network net, which is marked free",
        ),
    ],
)
def test_what_is_broken_is_found(change: Any, text: str) -> None:
    assert any(text in found for found in broken(change)), broken(change)


def test_an_address_is_used_once_on_a_link() -> None:
    def change(raw: dict[str, Any]) -> None:
        raw["instances"][WEB]["nics"] = [LINK_NIC.raw()]
        other = LINK_NIC.raw() | {"uuid": a_uuid(903), "mac": "aa:00:00:99:00:03"}
        raw["instances"][DB]["nics"] = [other]

    assert broken(change) == ["address 198.51.100.1 (bridged xen-br0) belongs to both web and db"]


def test_minors_and_volumes_are_claimed_on_a_node() -> None:
    def change(raw: dict[str, Any]) -> None:
        copy = json.loads(json.dumps(raw["disks"][DISK])) | {"uuid": a_uuid(904)}
        copy["logical_id"][2] = 11003
        raw["disks"][a_uuid(904)] = copy

    found = "\n".join(broken(change))
    assert f"DRBD minor (node, number) ('{N1}', 0) belongs to both" in found
    assert "logical volume (node, group, name)" in found
