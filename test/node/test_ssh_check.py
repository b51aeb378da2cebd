# SPDX-License-Identifier: GPL-2.0-or-later
"""SSH keys on a node, as tables."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganeti.node import ssh_check
from ganeti.node.ssh_check import Member, SshFiles
from test.support.node_host import NodeHost


def key(name: str) -> str:
    return f"ssh-rsa {name.upper()} root@{name}"


MEMBERS = [
    Member("u1", "n1", is_candidate=True, may_become_one=True, is_online=True),
    Member("u2", "n2", is_candidate=False, may_become_one=True, is_online=True),
    Member("u3", "n3", is_candidate=False, may_become_one=False, is_online=True),
]
PUBLIC = {"u1": [key("n1")], "u2": [key("n2")]}
GOOD = SshFiles(key("n1"), [key("n1"), "ssh-rsa ADMIN admin@desk"], PUBLIC)

CASES = [
    ("n1", GOOD, []),
    ("n2", GOOD._replace(own=key("n2")), []),
    ("n3", SshFiles(key("n3"), [key("n1")], {}), []),
    ("n9", GOOD, ["this node calls itself n9, which is no node of the cluster"]),
    ("n1", GOOD._replace(own=""), ["root has no SSH key of the cluster's type"]),
    (
        "n3",
        GOOD._replace(own=key("n3")),
        ["it knows public keys, though it cannot become a candidate"],
    ),
    ("n1", GOOD._replace(public={"u1": [key("n1")]}), ["the public key of n2 is missing"]),
    ("n1", GOOD._replace(public={**PUBLIC, "u9": [key("x")]}), ["a public key of u9 is left over"]),
    ("n1", GOOD._replace(public={**PUBLIC, "u3": [key("n3")]}), []),
    ("n1", GOOD._replace(own=key("new")), ["root's own key is not the one that the cluster knows"]),
    ("n1", GOOD._replace(authorized=[]), ["root of the candidate n1 may not log in"]),
    (
        "n1",
        GOOD._replace(authorized=[key("n1"), key("n2")]),
        ["root of n2, which is no candidate, may log in"],
    ),
]


@pytest.mark.parametrize(("me", "found", "problems"), CASES)
def test_setup(me: str, found: SshFiles, problems: list[str]) -> None:
    assert ssh_check.setup_problems(me, MEMBERS, found) == problems


def test_clutter() -> None:
    lines = [key("n1"), "ssh-rsa OTHER root@n1", key("n2"), "# a comment", ""]
    (problem,) = ssh_check.clutter(lines, "n1")
    assert "2 keys of root@n1" in problem


def test_files_are_read(node: NodeHost) -> None:
    assert ssh_check.read(node.paths, "rsa") == SshFiles("", [], {})
    os.makedirs(node.paths.root_ssh_dir)
    Path(node.paths.root_ssh_dir, "id_rsa.pub").write_text(key("n1") + "\n")
    Path(node.paths.root_ssh_dir, "authorized_keys").write_text(key("n1") + "\n")
    Path(node.paths.ganeti_pub_keys).write_text(f"u1 {key('n1')}\n")
    found = ssh_check.read(node.paths, "rsa")
    assert found == SshFiles(key("n1"), [key("n1")], {"u1": [key("n1")]})
    assert ssh_check.read(node.paths, "dsa").own == ""
