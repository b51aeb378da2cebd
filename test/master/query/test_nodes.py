# SPDX-License-Identifier: GPL-2.0-or-later
"""What the fields of nodes, groups and networks say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganeti.master.query import engine, node_info
from test.support.cluster import ClusterBuilder, a_cluster
from test.support.master_world import MasterWorld

HYPERVISOR = {
    "memory_total": 4096,
    "memory_free": 1024,
    "memory_dom0": 512,
    "cpu_total": 8,
    "cpu_nodes": 1,
    "cpu_sockets": 2,
    "cpu_dom0": 8,
    "hv_version": [7, 2],
}
VOLUME_GROUP = {"type": "lvm-vg", "name": "xenvg", "storage_free": 700, "storage_size": 900}
SPINDLES = {"type": "lvm-pv", "name": "xenvg", "storage_free": 3, "storage_size": 5}
LIVE = ["bootid", "mtotal", "mfree", "mnode", "ctotal", "dtotal", "dfree", "sptotal", "spfree"]


def rows(world: MasterWorld, what: str, fields: list[str]) -> list[Any]:
    found: list[Any] = engine.query(world.services, what, fields, None)["data"]
    return found


def a_world(root: Path, builder: ClusterBuilder) -> MasterWorld:
    return MasterWorld(root, builder.build())


def test_live_fields(tmp_path: Path) -> None:
    world = a_world(tmp_path, a_cluster().with_cluster(enabled_disk_templates=("plain",)))
    world.nodes.says("n1", "node_info", ["boot", [VOLUME_GROUP, SPINDLES], [HYPERVISOR]])
    assert rows(world, "node", LIVE) == [
        [
            *((0, "boot"), (0, 4096), (0, 1024), (0, 512), (0, 8)),
            *((0, 900), (0, 700), (2, None), (2, None)),
        ]
    ]
    ((_, _, (units, specs)),) = world.nodes.asked
    assert units == [["lvm-vg", "xenvg", [False]], ["lvm-pv", "xenvg", [False]]]
    assert [hypervisor for hypervisor, _ in specs] == ["kvm"]


def test_spindles_count_with_exclusive_storage(tmp_path: Path) -> None:
    builder = a_cluster().with_cluster(
        enabled_disk_templates=("drbd",), ndparams={"exclusive_storage": True}
    )
    world = a_world(tmp_path, builder)
    world.nodes.says("n1", "node_info", ["boot", [VOLUME_GROUP, SPINDLES], [HYPERVISOR]])
    assert rows(world, "node", ["sptotal", "spfree"]) == [[(0, 5), (0, 3)]]


def test_why_a_node_tells_nothing(tmp_path: Path) -> None:
    builder = a_cluster().with_node("off", offline=True).with_node("plain", vm_capable=False)
    world = a_world(tmp_path, builder.with_node("silent").with_node("odd"))
    world.nodes.fails("silent", "node_info", "no route to host")
    world.nodes.says("odd", "node_info", ["boot", [None], [{"memory_total": "much"}]])
    assert rows(world, "node", ["name", "mtotal", "dfree"]) == [
        [(0, "odd"), (3, None), (3, None)],
        [(0, "off"), (4, None), (4, None)],
        [(0, "plain"), (3, None), (3, None)],
        [(0, "silent"), (2, None), (2, None)],
    ]
    assert {node for node, _, _ in world.nodes.asked} == {"silent", "odd"}


@pytest.mark.parametrize(
    ("templates", "units"),
    [
        (("file", "plain"), [("file", "/srv/files", [])]),
        (("sharedfile",), [("sharedfile", "/srv/shared", [])]),
        (("diskless",), []),
        (("rbd",), []),
        ((), []),
    ],
)
def test_the_first_disk_template_says_which_storage_counts(
    templates: tuple[str, ...], units: list[Any]
) -> None:
    cfg = (
        a_cluster()
        .with_cluster(
            enabled_disk_templates=templates,
            file_storage_dir="/srv/files",
            shared_file_storage_dir="/srv/shared",
        )
        .build()
    )
    assert node_info.storage_units(cfg, cfg.node("n1")) == units


def test_roles(tmp_path: Path) -> None:
    builder = a_cluster().with_nodes("m", "c").with_node("r", master_candidate=False)
    world = a_world(tmp_path, builder.with_node("d", drained=True).with_node("o", offline=True))
    found = {row[0][1]: row[1][1] for row in rows(world, "node", ["name", "role"])}
    assert found == {"m": "M", "c": "C", "r": "R", "d": "D", "o": "O"}


def test_instances_of_nodes_and_groups(tmp_path: Path) -> None:
    builder = a_cluster().with_nodes("n1", "n2").with_instance("a", template="drbd")
    world = a_world(tmp_path, builder.with_instance("b", template="plain"))
    fields = ["pinst_cnt", "pinst_list", "sinst_cnt", "sinst_list"]
    assert engine.old_style(world.services, "node", fields, []) == [
        [2, ["a", "b"], 0, []],
        [0, [], 1, ["a"]],
    ]
    fields = ["node_cnt", "node_list", "pinst_cnt", "pinst_list", "alloc_policy"]
    assert engine.old_style(world.services, "group", fields, []) == [
        [2, ["n1", "n2"], 2, ["a", "b"], "preferred"]
    ]


def test_power_is_known_only_with_a_program(tmp_path: Path) -> None:
    builder = a_cluster().with_node("n1").with_node("n2", ndparams={"oob_program": "/bin/oob"})
    world = a_world(tmp_path, builder)
    assert rows(world, "node", ["powered", "hv_state"]) == [
        [(3, None), (3, None)],
        [(0, True), (3, None)],
    ]


def test_networks(tmp_path: Path) -> None:
    builder = a_cluster().with_network(
        "lan",
        "192.0.2.0/29",
        groups=("default",),
        gateway="192.0.2.1",
        reservations="00100000",
        ext_reservations="11000001",
    )
    world = a_world(tmp_path, builder)
    fields = ["gateway", "gateway6", "map", "free_count", "reserved_count", "group_list"]
    assert rows(world, "network", [*fields, "external_reservations", "inst_cnt"]) == [
        [
            *((0, "192.0.2.1"), (3, None), (0, "XXX....X"), (0, 4), (0, 4)),
            (0, [["default", "bridged", "br-lan", ""]]),
            *((0, "192.0.2.0, 192.0.2.1, 192.0.2.7"), (0, 0)),
        ]
    ]
