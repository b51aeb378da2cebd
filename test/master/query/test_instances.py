# SPDX-License-Identifier: GPL-2.0-or-later
"""What the fields of instances say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganeti.master.query import engine, running
from ganeti.master.query.running import InstanceView, Running
from ganeti.model.nic import Nic
from test.support.cluster import a_cluster, a_uuid
from test.support.master_world import MasterWorld

RUNS = {"memory": 512, "vcpus": 2, "state": 0}
SHUT_DOWN = {"memory": 512, "vcpus": 2, "state": 1}
HOME, OTHER = "n1", "n2"


def a_view(world: MasterWorld, live: Running) -> InstanceView:
    return InstanceView(world.store.current, world.paths, live)


@pytest.mark.parametrize(
    ("admin", "user_shutdown", "live", "status"),
    [
        ("up", False, {HOME: RUNS}, "running"),
        ("up", False, {HOME: None}, "ERROR_down"),
        ("up", False, {HOME: None, OTHER: RUNS}, "ERROR_wrongnode"),
        ("up", False, {HOME: RUNS, OTHER: RUNS}, "ERROR_wrongnode"),
        ("up", True, {HOME: SHUT_DOWN}, "USER_down"),
        ("up", False, {HOME: SHUT_DOWN}, "ERROR_down"),
        ("down", True, {HOME: SHUT_DOWN}, "ADMIN_down"),
        ("down", False, {HOME: RUNS}, "ERROR_up"),
        ("offline", False, {HOME: RUNS}, "ERROR_up"),
        ("down", False, {HOME: None}, "ADMIN_down"),
        ("offline", False, {HOME: None}, "ADMIN_offline"),
        ("up", False, {}, "ERROR_nodedown"),
        ("down", False, {}, "ERROR_nodedown"),
    ],
)
def test_status(
    tmp_path: Path, admin: str, user_shutdown: bool, live: dict[str, Any], status: str
) -> None:
    cfg = (
        a_cluster()
        .with_nodes(HOME, OTHER)
        .with_cluster(enabled_user_shutdown=user_shutdown)
        .with_instance("web", admin_state=admin, hvparams={"user_shutdown": user_shutdown})
        .build()
    )
    world, uuids = MasterWorld(tmp_path, cfg), {n.name: n.uuid for n in cfg.nodes.values()}
    answers = {uuids[n]: {"web": info} if info else {} for n, info in live.items()}
    found = running.sorted_out({"web": uuids[HOME]}, {uuids[HOME]}, answers)
    assert running.status(cfg.instance("web"), a_view(world, found)) == status


@pytest.mark.parametrize(
    ("admin", "source", "status"),
    [("down", "user", "USER_down"), ("up", "user", "ERROR_down"), ("down", "admin", "ADMIN_down")],
)
def test_status_of_what_its_user_has_stopped(
    tmp_path: Path, admin: str, source: str, status: str
) -> None:
    cfg = a_cluster().with_instance("web", admin_state=admin, admin_state_source=source).build()
    view = a_view(MasterWorld(tmp_path, cfg), Running(frozenset(), {}, {}))
    assert running.status(cfg.instance("web"), view) == status


def test_status_on_an_offline_node(tmp_path: Path) -> None:
    cfg = a_cluster().with_nodes("n1").with_node("n2", offline=True).with_instance("web", on="n2")
    world = MasterWorld(tmp_path, cfg.build())
    fields = ["status", "oper_state", "oper_ram", "oper_vcpus"]
    answer = engine.query(world.services, "instance", fields, None)
    assert answer["data"] == [[(0, "ERROR_nodeoffline"), (2, None), (2, None), (2, None)]]
    assert world.nodes.asked == []


def test_live_fields(tmp_path: Path) -> None:
    builder = a_cluster().with_instance("on").with_instance("off")
    world = MasterWorld(tmp_path, builder.build())
    world.nodes.says("n1", "all_instances_info", {"on": RUNS, "stranger": RUNS})
    fields = ["name", "oper_state", "oper_ram", "oper_vcpus"]
    assert engine.query(world.services, "instance", fields, None)["data"] == [
        [(0, "off"), (0, False), (3, None), (3, None)],
        [(0, "on"), (0, True), (0, 512), (0, 2)],
    ]
    world.nodes.fails("n1", "all_instances_info", "no route to host")
    assert engine.query(world.services, "instance", fields, None)["data"] == [
        [(0, "off"), (2, None), (2, None), (2, None)],
        [(0, "on"), (2, None), (2, None), (2, None)],
    ]


def test_nodes_are_asked_with_the_parameters_of_all_hypervisors(tmp_path: Path) -> None:
    world = MasterWorld(tmp_path, a_cluster().with_instance("web").build())
    world.nodes.says("n1", "all_instances_info", {})
    engine.query(world.services, "instance", ["status"], None)
    ((_, _, (hypervisors, params)),) = world.nodes.asked
    assert hypervisors == ["kvm", "fake"]
    assert params["kvm"]["migration_port"] == 8102


def test_only_what_runs_has_a_console(tmp_path: Path) -> None:
    world = MasterWorld(tmp_path, a_cluster().with_instance("on").with_instance("off").build())
    world.nodes.says("n1", "all_instances_info", {"on": RUNS})
    off, on = engine.query(world.services, "instance", ["console"], None)["data"]
    assert off == [(3, None)]
    assert on[0][1]["instance"] == "on"


def one(world: MasterWorld, *fields: str) -> list[Any]:
    (row,) = engine.old_style(world.services, "instance", fields, [])
    return row


def test_disks(tmp_path: Path) -> None:
    builder = a_cluster().with_nodes("n1", "n2")
    cfg = builder.with_instance("web", template="drbd", disks=2, size=1024).build()
    world = MasterWorld(tmp_path, cfg)
    assert one(world, "disk.count", "disk.sizes", "disk_template", "disk_usage", "snodes") == [
        *(2, [1024, 1024], "drbd", 2 * (1024 + 128), ["n2"])
    ]
    assert one(world, "disk.size/1", "disk.size/2", "sda_size", "disk.name/0") == [
        *(1024, None, 1024, None)
    ]


def test_nics(tmp_path: Path) -> None:
    bridged = Nic(uuid=a_uuid(901), mac="aa:00:00:00:00:01", ip="192.0.2.7")
    switched = Nic(
        uuid=a_uuid(902),
        mac="aa:00:00:00:00:02",
        nicparams={"mode": "openvswitch", "link": "ovs0", "vlan": ".7"},
    )
    builder = a_cluster().with_network("lan", "192.0.2.0/24", groups=("default",))
    world = MasterWorld(tmp_path, builder.with_instance("web", nics=2).build())
    cfg = world.store.current
    world.store.current = cfg.changed([cfg.instance("web").replace(nics=(bridged, switched))])
    assert one(world, "nic.count", "nic.modes", "nic.bridges", "nic.vlans", "nic.ips") == [
        *(2, ["bridged", "openvswitch"], ["xen-br0", None], ["", ".7"], ["192.0.2.7", None])
    ]
    assert one(world, "nic.vlan/0", "nic.vlan/1", "nic.bridge/1", "nic.link/1", "nic.mac/7") == [
        *(None, ".7", None, "ovs0", None)
    ]
    assert one(world, "mac", "ip", "bridge", "nic_network") == [
        *("aa:00:00:00:00:01", "192.0.2.7", "xen-br0", None)
    ]


def test_parameters(tmp_path: Path) -> None:
    builder = a_cluster().with_instance(
        "web", beparams={"maxmem": 512}, hvparams={"kernel_path": "", "serial_console": True}
    )
    world = MasterWorld(tmp_path, builder.build())
    assert one(world, "be/memory", "be/minmem", "hv/kernel_path", "hv/cpu_cap") == [
        *(512, 128, "", None)
    ]
    hvparams, custom = one(world, "hvparams", "custom_hvparams")
    assert "migration_port" not in hvparams
    assert custom == {"kernel_path": "", "serial_console": True}


def test_a_reservation_has_what_is_known(tmp_path: Path) -> None:
    world = MasterWorld(tmp_path, a_cluster().with_instance("web").build())
    cfg = world.store.current
    bare = {"uuid": a_uuid(900), "forthcoming": True, "nics": [], "disks": []}
    draft = type(cfg.instance("web")).from_raw(bare)
    world.store.current = cfg.changed([draft], [cfg.instance("web")])
    every = list(engine.RESOURCES["instance"].FIELDS)
    row = dict(zip(every, one(world, *every), strict=True))
    assert (row["name"], row["forthcoming"], row["pnode"]) == (None, True, None)
