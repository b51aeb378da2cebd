# SPDX-License-Identifier: GPL-2.0-or-later
"""Queries of a cluster whose nodes answer as told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import OpPrereqError, ParameterError
from ganeti.master.query import engine
from test.support.cluster import ClusterBuilder, a_cluster
from test.support.master_world import MasterWorld

RUNS = {"memory": 512, "vcpus": 1, "state": 0, "time": 1.0}


def a_builder() -> ClusterBuilder:
    return (
        a_cluster()
        .with_node("n1.example.com")
        .with_node("n2.example.com")
        .with_node("n10.example.com", offline=True)
        .with_instance("db10.example.com", template="drbd", size=2048, admin_state="up")
        .with_instance("db2.example.com", tags=("prod",))
        .with_instance("web.example.com", on="n10.example.com", nics=2)
    )


@pytest.fixture
def world(tmp_path: Path) -> MasterWorld:
    made = MasterWorld(tmp_path, a_builder().build())
    for node in ("n1.example.com", "n2.example.com"):
        made.nodes.says(node, "all_instances_info", {})
    return made


def rows(world: MasterWorld, what: str, fields: list[str], qfilter: Any = None) -> list[Any]:
    found: list[Any] = engine.query(world.services, what, fields, qfilter)["data"]
    return found


def names(world: MasterWorld, what: str, qfilter: Any) -> list[str]:
    return [row[0][1] for row in rows(world, what, ["name"], qfilter)]


def test_an_answer_has_definitions_and_cells(world: MasterWorld) -> None:
    answer = engine.query(world.services, "instance", ["name", "network_port"], None)
    assert answer["fields"][0] == {
        "name": "name",
        "title": "Instance",
        "kind": "text",
        "doc": "Name",
    }
    assert answer["data"][0] == [(0, "db2.example.com"), (3, None)]


def test_rows_are_in_nice_order(world: MasterWorld) -> None:
    found = names(world, "instance", None)
    assert found == ["db2.example.com", "db10.example.com", "web.example.com"]
    assert names(world, "node", None) == ["n1.example.com", "n2.example.com", "n10.example.com"]


def test_the_order_follows_the_configuration(world: MasterWorld, tmp_path: Path) -> None:
    names(world, "instance", None)
    other = MasterWorld(tmp_path / "other", a_builder().with_instance("a1").build())
    assert names(other, "instance", None)[0] == "a1"
    assert len(names(world, "instance", None)) == 3


def test_named_objects_come_in_the_order_of_the_request(world: MasterWorld) -> None:
    wanted = ["|", ["==", "name", "web"], ["==", "name", "db2"], ["==", "name", "web.example.com"]]
    assert names(world, "instance", wanted) == ["web.example.com", "db2.example.com"]


@pytest.mark.parametrize(
    ("what", "known"),
    [("instance", ["web"]), ("node", ["n1", "n2"]), ("group", ["default"]), ("network", [])],
)
def test_an_unknown_name_is_an_error(world: MasterWorld, what: str, known: list[str]) -> None:
    with pytest.raises(OpPrereqError, match="'nobody'") as caught:
        rows(world, what, ["name"], ["|", *(["==", "name", n] for n in (*known, "nobody"))])
    assert caught.value.code == "unknown_entity"


def test_other_filters_just_find_nothing(world: MasterWorld) -> None:
    assert rows(world, "instance", ["name"], ["=~", "name", "nobody"]) == []
    assert names(world, "instance", ["=[]", "tags", "prod"]) == ["db2.example.com"]
    assert names(world, "instance", ["==", "pnode", "n10"]) == ["web.example.com"]


def test_unknown_fields_do_not_fail_a_query(world: MasterWorld) -> None:
    answer = engine.query(world.services, "group", ["name", "color"], None)
    assert answer["fields"][1] == {
        "name": "color",
        "title": "color",
        "kind": "unknown",
        "doc": "Unknown field 'color'",
    }
    assert answer["data"] == [[(0, "default"), (1, None)]]


def test_unknown_fields_in_a_filter_do(world: MasterWorld) -> None:
    with pytest.raises(ParameterError, match="color"):
        rows(world, "group", ["name"], ["?", "color"])


def test_what_cannot_be_queried_is_refused(world: MasterWorld) -> None:
    with pytest.raises(OpPrereqError, match="cannot be queried"):
        rows(world, "disk", ["name"])


def test_fields_of_the_configuration_ask_no_node(world: MasterWorld) -> None:
    rows(world, "instance", ["name", "pnode", "be/memory", "hvparams", "disk.sizes"])
    rows(world, "node", ["name", "pinst_cnt", "ndparams"])
    assert world.nodes.asked == []


def test_only_nodes_of_the_objects_that_pass_are_asked(world: MasterWorld) -> None:
    rows(world, "instance", ["status"], ["=[]", "tags", "prod"])
    assert [(node, call) for node, call, _ in world.nodes.asked] == [
        ("n1.example.com", "all_instances_info")
    ]


def test_a_filter_may_look_at_what_nodes_say(world: MasterWorld) -> None:
    world.nodes.says("n1.example.com", "all_instances_info", {"db2.example.com": RUNS})
    assert names(world, "instance", ["?", "oper_state"]) == ["db2.example.com"]
    assert names(world, "instance", [">", "oper_ram", 511]) == ["db2.example.com"]
    assert names(world, "instance", ["==", "status", "ERROR_down"]) == ["db10.example.com"]


def test_old_style_rows_have_plain_values(world: MasterWorld) -> None:
    fields = ["name", "network_port", "status"]
    assert engine.old_style(world.services, "instance", fields, ["web", "nobody", "db2"]) == [
        ["web.example.com", None, "ERROR_nodeoffline"],
        ["db2.example.com", None, "ADMIN_down"],
    ]
    assert len(engine.old_style(world.services, "instance", ["name"], [])) == 3


def test_old_style_calls_refuse_unknown_fields(world: MasterWorld) -> None:
    with pytest.raises(OpPrereqError, match="color"):
        engine.old_style(world.services, "instance", ["name", "color"], [])


def test_fields_are_listed_in_nice_order() -> None:
    found = [field["name"] for field in engine.query_fields("instance", None)["fields"]]
    assert found.index("disk.size/2") < found.index("disk.size/10")
    assert [f["kind"] for f in engine.query_fields("node", ["mfree", "color"])["fields"]] == [
        "unit",
        "unknown",
    ]
