# SPDX-License-Identifier: GPL-2.0-or-later
"""Exports, as the nodes list them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import Code, OpPrereqError
from ganeti.master.query import engine
from test.support.cluster import a_cluster
from test.support.master_world import MasterWorld

FIELDS = ("node", "export")


@pytest.fixture
def world(tmp_path: Path) -> MasterWorld:
    builder = a_cluster().with_nodes("n1.example.com", "n10.example.com", "n2.example.com")
    builder.with_node("n3.example.com", offline=True)
    world = MasterWorld(tmp_path, builder.build())
    world.nodes.says("n1.example.com", "export_list", ["web10", "web2"])
    world.nodes.says("n10.example.com", "export_list", [])
    world.nodes.fails("n2.example.com", "export_list", "no route to host")
    return world


def cells(world: MasterWorld, qfilter: Any = None) -> list[tuple[str, Any]]:
    rows = engine.query(world.services, "export", FIELDS, qfilter)["data"]
    return [(node[1], export) for node, export in rows]


def test_each_export_has_a_row_and_so_has_a_node_that_does_not_tell(world: MasterWorld) -> None:
    assert cells(world) == [
        ("n1.example.com", (0, "web2")),
        ("n1.example.com", (0, "web10")),
        ("n2.example.com", (2, None)),
        ("n3.example.com", (4, None)),
    ]


def test_only_the_nodes_that_are_named_are_asked(world: MasterWorld) -> None:
    wanted = ["|", ["==", "node", "n2"], ["==", "node", "n10"], ["==", "node", "n2.example.com"]]
    assert cells(world, wanted) == [("n2.example.com", (2, None))]
    assert sorted(world.nodes.calls) == [
        "n10.example.com export_list",
        "n2.example.com export_list",
    ]


def test_a_filter_looks_at_exports(world: MasterWorld) -> None:
    assert cells(world, ["==", "export", "web2"]) == [("n1.example.com", (0, "web2"))]


def test_an_unknown_node(world: MasterWorld) -> None:
    with pytest.raises(OpPrereqError) as caught:
        cells(world, ["==", "node", "n9"])
    assert caught.value.code == Code.UNKNOWN_ENTITY
    rows = engine.old_style(world.services, "export", FIELDS, ["n9", "n1"])
    assert rows == [["n1.example.com", "web2"], ["n1.example.com", "web10"]]
