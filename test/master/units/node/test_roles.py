# SPDX-License-Identifier: GPL-2.0-or-later
"""A node has one role at most, and the master's is not for sale."""

from typing import Any

import pytest

from ganeti.errors import Code, OpPrereqError
from ganeti.master.units.node import roles
from ganeti.model.node import Node
from test.support.cluster import a_cluster


def node(**flags: Any) -> Node:
    return a_cluster().with_node("n1").with_node("n2", **flags).build().node("n2")


@pytest.mark.parametrize("name", roles.EXCLUSIVE)
def test_a_role_that_is_asked_for_ends_the_others(name: str) -> None:
    flags = roles.after(node(master_candidate=True), {name: True})
    assert [n for n in roles.EXCLUSIVE if flags[n]] == [name]


def test_taking_a_role_away_leaves_a_regular_node() -> None:
    flags = roles.after(node(master_candidate=True), {"master_candidate": False})
    assert not any(flags[name] for name in roles.EXCLUSIVE)


def test_a_node_that_cannot_be_master_is_no_candidate() -> None:
    flags = roles.after(node(master_candidate=True), {"master_capable": False})
    assert not flags["master_candidate"]
    with pytest.raises(OpPrereqError) as caught:
        roles.after(node(master_candidate=False, master_capable=False), {"master_candidate": True})
    assert caught.value.code == Code.WRONG_STATE


def test_two_roles_at_once_are_refused() -> None:
    with pytest.raises(OpPrereqError):
        roles.check_request({"offline": True, "drained": True})
    roles.check_request({"offline": True, "drained": False})


@pytest.mark.parametrize("asked", [{"offline": True}, {"master_capable": False}])
def test_the_master_keeps_its_role(asked: dict[str, bool]) -> None:
    with pytest.raises(OpPrereqError) as caught:
        roles.check_master(node(), asked)
    assert "master-failover" in str(caught.value)
    roles.check_master(node(), {"vm_capable": True})


@pytest.mark.parametrize(
    ("before", "asked", "back"),
    [
        ({"offline": True, "master_candidate": False}, {"offline": False}, True),
        ({"drained": True, "master_candidate": False}, {"drained": False}, True),
        ({"offline": True, "master_candidate": False}, {"drained": True}, False),
        ({"master_candidate": False}, {"vm_capable": True}, False),
    ],
)
def test_who_comes_back(before: dict[str, bool], asked: dict[str, bool], back: bool) -> None:
    one = node(**before)
    assert roles.comes_back(one, roles.after(one, asked)) is back
