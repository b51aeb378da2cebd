# SPDX-License-Identifier: GPL-2.0-or-later
"""Providers of external storage, put together from what the nodes have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganeti.master.query import engine
from test.support.cluster import a_cluster
from test.support.master_world import MasterWorld

FIELDS = ["name", "nodegroup_status", "parameters"]


def provider(name: str, *parameters: str, good: bool = True, place: str = "srv") -> list[Any]:
    message = "" if good else "the attach script is missing"
    texts = [[one, f"About {one}"] for one in parameters]
    return [name, f"/{place}/ganeti/extstorage/{name}", good, message, texts]


def a_world(root: Path, **answers: list[Any]) -> MasterWorld:
    builder = a_cluster().with_nodes(*answers).with_node("off", offline=True)
    world = MasterWorld(root, builder.with_node("none", vm_capable=False).build())
    for node, rows in answers.items():
        world.nodes.says(node, "extstorage_diagnose", rows)
    return world


def test_what_nodes_have_in_common(tmp_path: Path) -> None:
    world = a_world(
        tmp_path,
        n1=[provider("rbd", "pool", "size"), provider("san")],
        n2=[provider("rbd", "size", "colour"), provider("san", good=False)],
    )
    assert engine.plain_rows(world.services, "extstorage", FIELDS, None) == [
        ["rbd", {"default": True}, [("size", "About size")]],
        ["san", {"default": False}, []],
    ]


def test_what_a_node_lacks_is_not_good_in_its_group(tmp_path: Path) -> None:
    world = a_world(tmp_path, n1=[provider("rbd", "pool")], n2=[])
    fields = [*FIELDS, "node_status"]
    ((name, groups, parameters, nodes),) = engine.plain_rows(
        world.services, "extstorage", fields, ["==", "name", "rbd"]
    )
    assert (name, groups, parameters) == ("rbd", {"default": False}, [("pool", "About pool")])
    row = ["/srv/ganeti/extstorage/rbd", True, "", [("pool", "About pool")]]
    assert nodes == {"n1": [row], "n2": []}


def test_the_first_in_the_search_path_counts(tmp_path: Path) -> None:
    rows = [provider("rbd", "a"), provider("rbd", "b", good=False, place="usr")]
    world = a_world(tmp_path, n1=rows)
    assert engine.plain_rows(world.services, "extstorage", FIELDS, None) == [
        ["rbd", {"default": True}, [("a", "About a")]]
    ]


def test_nodes_that_do_not_tell_do_not_count(tmp_path: Path) -> None:
    world = a_world(tmp_path, n1=[provider("rbd")], n2=[])
    world.nodes.fails("n2", "extstorage_diagnose", "this release does not have it")
    assert engine.plain_rows(world.services, "extstorage", FIELDS, None) == [
        ["rbd", {"default": True}, []]
    ]


def test_unknown_names_have_no_row(tmp_path: Path) -> None:
    world = a_world(tmp_path, n1=[provider("rbd")])
    assert engine.query(world.services, "extstorage", ["name"], ["==", "name", "san"])["data"] == []
