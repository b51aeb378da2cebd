# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import pytest

from test.lab import network
from test.lab.network import Cut


def test_every_name_has_an_address_of_its_own() -> None:
    text = network.hosts_file([f"node{i}" for i in range(1, network.MAX_HOSTS + 1)])
    addresses = [line.split("\t")[0] for line in text.splitlines()]
    assert len(addresses) == len(set(addresses))
    assert "10.78.0.1\tnode1.lab node1" in text.splitlines()
    assert "fd00:78::c8\tcluster.lab cluster" in text.splitlines()


@pytest.mark.parametrize(
    ("cuts", "expected"),
    [
        ([], []),
        ([Cut("node1")], ["add element bridge lab hosts { node1, node1-r }"]),
        (
            [Cut("node1", "node3")],
            [
                "add element bridge lab pairs { node1 . node3, node3 . node1,"
                " node1-r . node3-r, node3-r . node1-r }"
            ],
        ),
        (
            [Cut("node1"), Cut("node2")],
            [
                "add element bridge lab hosts { node1, node1-r }",
                "add element bridge lab hosts { node2, node2-r }",
            ],
        ),
    ],
)
def test_cuts_are_both_ways_and_on_both_networks(cuts: list[Cut], expected: list[str]) -> None:
    lines = network.cuts_script(cuts).splitlines()
    emptied = lines.index("flush set bridge lab pairs")
    assert lines[emptied + 1 :] == expected


def test_a_cut_touches_both_its_ends() -> None:
    cut = Cut("node1", "node3")
    assert [cut.touches(f"node{i}") for i in (1, 2, 3)] == [True, False, True]


def test_the_guests_bridge_has_a_fixed_address_and_the_hosts() -> None:
    lines = network.host_batch("node7").splitlines()
    assert "addr add 10.78.0.7/24 dev gbr" in lines
    assert "addr add 10.79.0.7/24 dev eth1" in lines
    assert any(line.startswith("link add gbr address 02:00:00:4e:02:07 type") for line in lines)


def test_names_of_ports_fit_the_kernel() -> None:
    assert len(network.replication_port(f"node{network.MAX_HOSTS}")) < 16
