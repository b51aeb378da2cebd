# SPDX-License-Identifier: GPL-2.0-or-later
"""How many master candidates there should be, and who is promoted."""

from ganeti.master.units.node import pool
from ganeti.model.config import Config
from test.support.cluster import a_cluster


def names(cfg: Config, *without: str) -> list[str]:
    return [n.name for n in pool.promotions(cfg, {cfg.node(w).uuid for w in without})]


def test_a_small_pool_leaves_nodes_regular() -> None:
    cfg = (
        a_cluster()
        .with_cluster(candidate_pool_size=2)
        .with_nodes("n1", "n2")
        .with_node("n3", master_candidate=False)
        .build()
    )
    assert (pool.current(cfg), pool.target(cfg)) == (2, 2)
    assert names(cfg) == []
    assert names(cfg, "n2") == ["n3"]
    assert not pool.has_room(cfg, newcomers=1)


def test_nodes_that_cannot_be_candidates_do_not_count() -> None:
    cfg = (
        a_cluster()
        .with_node("n1")
        .with_node("n2", offline=True)
        .with_node("n3", drained=True)
        .with_node("n4", master_candidate=False, master_capable=False)
        .build()
    )
    assert pool.target(cfg) == 1
    assert names(cfg) == []


def test_a_new_node_joins_a_pool_with_room() -> None:
    cfg = a_cluster().with_nodes("n1").build()
    assert pool.has_room(cfg, newcomers=1)
