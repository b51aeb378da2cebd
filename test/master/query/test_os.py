# SPDX-License-Identifier: GPL-2.0-or-later
"""OS definitions, put together from what the nodes have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganeti.master.query import engine, fields_os
from test.support.cluster import a_cluster
from test.support.master_world import MasterWorld


def definition(name: str, *, good: bool = True, variants: list[str] | None = None) -> list[Any]:
    message = "" if good else "the create script is missing"
    parameters = [["size", "Size of it"]]
    return [name, f"/srv/ganeti/os/{name}", good, message, variants or [], parameters, [20], True]


def a_world(root: Path, **answers: list[Any]) -> MasterWorld:
    builder = a_cluster().with_cluster(hidden_os=("secret",), blacklisted_os=("old",))
    world = MasterWorld(root, builder.with_nodes(*answers).with_node("off", offline=True).build())
    for node, rows in answers.items():
        world.nodes.says(node, "os_diagnose", rows)
    return world


def names(world: MasterWorld, *wanted: str, fields: tuple[str, ...] = ()) -> list[str]:
    qfilter = fields_os.shown(wanted, fields)
    return [row[0] for row in engine.plain_rows(world.services, "os", ["name", *fields], qfilter)]


def test_what_nodes_have_in_common(tmp_path: Path) -> None:
    both = definition("debian", variants=["b", "a", "c"]), definition("debian", variants=["c", "b"])
    world = a_world(tmp_path, n1=[both[0]], n2=[both[1]])
    fields = ["name", "valid", "variants", "api_versions", "parameters", "trusted"]
    assert engine.query(world.services, "os", fields, None)["data"] == [
        [
            *((0, "debian"), (0, True), (0, ["b", "c"]), (0, [20])),
            *((0, [("size", "Size of it")]), (0, True)),
        ]
    ]


def test_what_a_node_lacks_or_has_broken_is_not_valid(tmp_path: Path) -> None:
    world = a_world(
        tmp_path,
        n1=[definition("debian"), definition("noop"), definition("alpine")],
        n2=[definition("debian"), definition("alpine", good=False)],
    )
    rows = engine.plain_rows(world.services, "os", ["name", "valid", "api_versions"], None)
    assert rows == [["alpine", False, []], ["debian", True, [20]], ["noop", False, []]]


def test_each_node_is_told(tmp_path: Path) -> None:
    world = a_world(tmp_path, n1=[definition("noop")], n2=[])
    ((status,),) = engine.plain_rows(world.services, "os", ["node_status"], None)
    parameters = [("size", "Size of it")]
    assert status == {
        "n1": [["/srv/ganeti/os/noop", True, "", [], parameters, [20], True]],
        "n2": [],
    }


def test_a_silent_node_does_not_count(tmp_path: Path) -> None:
    world = a_world(tmp_path, n1=[definition("noop")], n2=[])
    world.nodes.fails("n2", "os_diagnose", "no route to host")
    assert engine.plain_rows(world.services, "os", ["name", "valid"], None) == [["noop", True]]


def test_lists_leave_out_what_is_hidden_unless_they_say_so(tmp_path: Path) -> None:
    good, broken = ("secret", "old", "debian"), definition("bad", good=False)
    world = a_world(tmp_path, n1=[*map(definition, good), broken])
    assert names(world) == ["debian"]
    assert names(world, fields=("hidden",)) == ["debian", "secret"]
    assert names(world, fields=("hidden", "blacklisted", "valid")) == [
        *("bad", "debian", "old", "secret")
    ]
    assert names(world, "debian", "nothing") == ["debian"]
