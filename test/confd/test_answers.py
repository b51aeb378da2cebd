# SPDX-License-Identifier: GPL-2.0-or-later
"""Every question with all its forms, and the answers to those that make no sense."""

from __future__ import annotations

from typing import Any

import pytest

from ganeti.confd.answers import ANSWERS
from ganeti.contracts.confd import RequestType
from ganeti.model.config import Config
from test.support.cluster import a_cluster
from test.support.confd import ConfdWorld, config, nic, with_nics

UNKNOWN, INTERNAL, ARGUMENT = (1, 0, 0), (1, 1, 0), (1, 2, 0)


@pytest.fixture(scope="module")
def world() -> ConfdWorld:
    return ConfdWorld()


def good(answer: Any, serial: int = 7) -> tuple[int, Any, int]:
    return 0, answer, serial


QUESTIONS: list[tuple[int, Any, tuple[int, Any, int] | None]] = [
    (0, None, good(3000000, 0)),
    (0, "whatever", good(3000000, 0)),
    (1, "master.lab", good(0)),
    (1, "candidate.lab", good(1)),
    (1, "offline.lab", good(2)),
    (1, "drained.lab", good(3)),
    (1, "regular.lab", good(4)),
    (1, "master", UNKNOWN),
    (1, "", UNKNOWN),
    (1, None, ARGUMENT),
    (1, {"1": "master.lab"}, ARGUMENT),
    (2, {"1": "192.0.2.1"}, good("10.0.0.3")),
    (2, {"1": "192.0.2.1", "0": "br0"}, good("10.0.0.3")),
    (2, {"1": "192.0.2.1", "0": None}, good("10.0.0.3")),
    (2, {"1": "192.0.2.1", "0": "br1"}, UNKNOWN),
    (2, {"1": "192.0.2.2"}, UNKNOWN),
    (2, {"1": "192.0.2.2", "0": "br1"}, good("10.0.0.6")),
    (2, {"1": "192.0.2.1", "0": "no-such-link"}, UNKNOWN),
    (2, {"2": ["192.0.2.9", "192.0.2.1"]}, good([[1, 0, 0], [0, "10.0.0.3", 7]])),
    (2, {"2": []}, good([])),
    (2, {"0": "br1"}, good([])),
    (2, {}, good([])),
    (2, {"1": "192.0.2.1", "2": ["192.0.2.1"]}, ARGUMENT),
    (2, {"1": 5}, ARGUMENT),
    (2, {"2": "192.0.2.1"}, ARGUMENT),
    (2, {"2": ["192.0.2.1", None]}, ARGUMENT),
    (2, {"1": "192.0.2.1", "0": 1}, ARGUMENT),
    (2, "192.0.2.1", ARGUMENT),
    (2, None, ARGUMENT),
    (3, None, good("master.lab")),
    (3, "", good("master.lab")),
    (3, "master.lab", ARGUMENT),
    (3, {"3": [2, 0, 1, 0]}, good(["10.0.0.2", "master.lab", "10.9.9.9", "master.lab"])),
    (3, {"3": []}, good([])),
    (3, {"3": [3]}, ARGUMENT),
    (3, {"3": [True]}, ARGUMENT),
    (3, {"3": [[0]]}, ARGUMENT),
    (3, {"3": 0}, None),
    (3, {"1": "192.0.2.1"}, None),
    (3, {}, None),
    (4, None, good([f"10.0.0.{n}" for n in range(2, 7)])),
    (4, {"1": 1}, good([f"10.0.0.{n}" for n in range(2, 7)])),
    (5, None, good(["10.0.0.3", "10.0.0.2"])),
    (5, "whatever", good(["10.0.0.3", "10.0.0.2"])),
    (6, None, good(["192.0.2.1"])),
    (6, "br1", good(["192.0.2.2"])),
    (6, "no-such-link", good([])),
    (6, {"0": "br1"}, ARGUMENT),
    (7, "regular.lab", good([], 1)),
    (7, "nobody.lab", UNKNOWN),
    (7, None, ARGUMENT),
    (8, "drained.lab", good([[], []], 1)),
    (8, "nobody.lab", UNKNOWN),
    (8, {}, ARGUMENT),
    (9, "db.lab", good([], 1)),
    (9, "nobody.lab", UNKNOWN),
    (9, None, ARGUMENT),
    (10, "/cluster/cluster_name", good("cluster.example.com")),
    (10, "/cluster/enabled_hypervisors/1", good("fake")),
    (10, "/cluster/enabled_hypervisors/2", ARGUMENT),
    (10, "/cluster/enabled_hypervisors/01", ARGUMENT),
    (10, "/cluster/enabled_hypervisors/-", ARGUMENT),
    (10, "/cluster/enabled_hypervisors/-1", ARGUMENT),
    (10, "/cluster/cluster_name/0", ARGUMENT),
    (10, "/version", good(3000000)),
    (10, "/serial_no", good(1)),
    (10, "/no_such_key", ARGUMENT),
    (10, "/", ARGUMENT),
    (10, "", ARGUMENT),
    (10, "cluster/cluster_name", ARGUMENT),
    (10, None, ARGUMENT),
    (11, None, good({"lv": {"active": True, "interval": 5_000_000.0}})),
    (12, None, None),
    (-1, None, None),
]


@pytest.mark.parametrize(("kind", "query", "reply"), QUESTIONS)
def test_questions(world: ConfdWorld, kind: int, query: Any, reply: Any) -> None:
    assert world.ask(kind, query) == reply
    assert world.ask(kind, query) == reply  # what is kept is the same


def test_every_type_is_answered_and_tried() -> None:
    assert set(ANSWERS) == set(RequestType) == {row[0] for row in QUESTIONS} - {12, -1}


def test_the_connection_of_a_network_decides_about_the_link() -> None:
    cfg = (
        a_cluster()
        .with_network("net", "192.0.2.0/24", groups=("default",))
        .with_instance("web.lab")
        .build()
    )
    network = next(iter(cfg.networks))
    world = ConfdWorld(with_nics(cfg, "web.lab", nic("192.0.2.5", network=network)))
    assert world.ask(6) == (0, [], 1)
    assert world.ask(6, "br-net") == (0, ["192.0.2.5"], 1)


def test_drbd_minors_of_both_sides(world: ConfdWorld) -> None:
    rows = [
        ["master.lab", 0, "web.lab", "disk/0", "primary", "candidate.lab"],
        ["master.lab", 1, "web.lab", "disk/1", "primary", "candidate.lab"],
    ]
    assert world.ask(7, "master.lab") == (0, rows, 1)
    others = [["candidate.lab", *row[1:4], "secondary", "master.lab"] for row in rows]
    assert world.ask(7, "candidate.lab") == (0, others, 5)


def test_instances_of_a_node_are_told_as_they_stand_in_the_file(world: ConfdWorld) -> None:
    web, db = (world.cfg.instance(name).raw() for name in ("web.lab", "db.lab"))
    assert world.ask(8, "master.lab") == (0, [[web], []], 1)
    assert world.ask(8, "candidate.lab") == (0, [[db], [web]], 5)


def test_disks_of_an_instance_by_name_and_uuid(world: ConfdWorld) -> None:
    web = world.cfg.instance("web.lab")
    disks = [world.cfg.disks[uuid].raw() for uuid in web.disks]
    assert len(disks) == 2
    assert world.ask(9, "web.lab") == world.ask(9, web.uuid) == (0, disks, 3)


def test_paths_reach_into_records_and_give_them_whole(world: ConfdWorld) -> None:
    node = world.cfg.node("drained.lab")
    assert world.ask(10, f"/nodes/{node.uuid}/name") == (0, "drained.lab", 7)
    assert world.ask(10, f"/nodes/{node.uuid}") == (0, node.raw(), 7)
    assert world.ask(10, "/nodes") == (0, {u: n.raw() for u, n in world.cfg.nodes.items()}, 7)
    assert world.ask(10, "/cluster") == (0, world.cfg.cluster.raw(), 7)


def test_paths_have_escapes() -> None:
    cfg = a_cluster().with_cluster(osparams={"a/b~c": {"~1": "deep"}}).build()
    assert ConfdWorld(cfg).ask(10, "/cluster/osparams/a~1b~0c/~01") == (0, "deep", 1)


def without_the_disks(cfg: Config) -> Config:
    return type(cfg).of(cfg.top, cfg.cluster, cfg.nodes.values(), cfg.instances.values())


def test_an_object_that_is_damaged_does_not_spoil_the_rest() -> None:
    world = ConfdWorld(without_the_disks(config()))
    assert world.ask(9, "web.lab") == INTERNAL
    assert world.ask(9, "db.lab") == good([], 1)
    assert world.ask(1, "master.lab") == good(0)


def test_what_no_json_can_tell_is_an_internal_error(caplog: pytest.LogCaptureFixture) -> None:
    """As 1e999 in the file is for newer libraries, which read it and refuse to write it."""
    world = ConfdWorld(a_cluster().with_cluster(osparams={"debian": {"a": 1}}).build())
    world.cfg.cluster.raw()["osparams"]["debian"]["a"] = object()
    assert world.ask(10, "/cluster/osparams/debian") == INTERNAL
    assert world.ask(10, "/cluster/cluster_name") == good("cluster.example.com", 1)
    assert "cannot stand in an answer" in caplog.text
