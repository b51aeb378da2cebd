# SPDX-License-Identifier: GPL-2.0-or-later
"""SSH keys that the master distributes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import simplejson

from ganeti.errors import GenericError
from ganeti.node.handlers.ssh import SshHandlers
from ganeti.ssh_keys import PublicKeyFile
from test.support import pki
from test.support.node_host import NodeHost

NODES = ["n1", "n2", "n3"]
"""The first is the master."""


def key(name: str) -> str:
    return f"ssh-rsa {name.upper()} root@{name}"


@pytest.fixture
def calls(node: NodeHost) -> SshHandlers:
    node.ssconf(
        cluster_name="c.example.com",
        master_node="n1",
        online_nodes="\n".join(NODES),
        primary_ip_family="2",
    )
    pki.cluster().save(Path(node.paths.server_pem))
    node.write(node.paths.ganeti_pub_keys, f"u1 {key('n1')}\nu2 {key('n2')}\nn3 {key('n3')}\n")
    node.write(f"{node.paths.root_ssh_dir}/authorized_keys", key("n1") + "\n" + key("n2") + "\n")
    node.runner.on("ssh")
    return SshHandlers(node.host)


def sent(node: NodeHost) -> dict[str, Any]:
    """What each node was told to change, by its name."""
    found = {}
    for call in node.runner.calls:
        *_, target, program = call.argv
        assert program == f"{node.paths.lib_dir}/ssh-update"
        data = simplejson.loads(call.input or "")
        assert data.pop("cluster_name") == "c.example.com"
        assert "PRIVATE KEY" not in data.pop("node_daemon_certificate")
        found[target.removeprefix("root@")] = data
    return found


def table(node: NodeHost) -> dict[str, list[str]]:
    return PublicKeyFile(node.paths.ganeti_pub_keys, node.host.disk).read()


def authorized(node: NodeHost) -> str:
    return Path(node.paths.root_ssh_dir, "authorized_keys").read_text()


def test_the_key_of_a_new_candidate(node: NodeHost, calls: SshHandlers) -> None:
    """It joined under its name; from now on it is known by its UUID."""
    assert calls.node_ssh_key_add("u3", "n3", NODES, True, True, True) == []
    new = {"u3": [key("n3")]}
    everything = {"u1": [key("n1")], "u2": [key("n2")], **new}
    assert sent(node) == {
        "n2": {"authorized_keys": ["add", new], "public_keys": ["replace_or_add", new]},
        "n3": {"authorized_keys": ["add", new], "public_keys": ["override", everything]},
    }
    assert table(node) == everything
    assert key("n3") in authorized(node)


def test_the_key_of_a_regular_node(node: NodeHost, calls: SshHandlers) -> None:
    assert calls.node_ssh_key_add("u3", "n3", ["n1", "n2"], False, False, False) == []
    assert sent(node) == {}
    assert key("n3") not in authorized(node)


def test_an_unknown_key(calls: SshHandlers) -> None:
    with pytest.raises(GenericError, match="has no key of node n9"):
        calls.node_ssh_key_add("u9", "n9", NODES, True, True, True)


def test_a_candidate_is_demoted(node: NodeHost, calls: SshHandlers) -> None:
    arguments = (["u1"], NODES, True, False, False, False, False)
    assert calls.node_ssh_key_remove("u2", "n2", *arguments) == []
    gone = {"authorized_keys": ["remove", {"u2": [key("n2")]}]}
    assert sent(node) == {"n2": gone, "n3": gone}
    assert key("n2") not in authorized(node)
    assert "u2" in table(node)


def test_a_node_leaves(node: NodeHost, calls: SshHandlers) -> None:
    arguments = (["u1"], NODES, True, True, True, True, False)
    assert calls.node_ssh_key_remove("u2", "n2", *arguments) == []
    known = {"u2": [key("n2")], "u1": [key("n1")]}
    assert sent(node) == {
        "n2": {"authorized_keys": ["remove", known], "public_keys": ["clear", {}]},
        "n3": {
            "authorized_keys": ["remove", {"u2": [key("n2")]}],
            "public_keys": ["remove", {"u2": []}],
        },
    }
    assert "u2" not in table(node)


def test_a_node_that_is_not_reached_is_named(node: NodeHost, calls: SshHandlers) -> None:
    def reach(call: Any) -> str:
        return "" if "root@n2" in call.argv else "host key verification failed"

    node.runner.on("ssh", do=reach, returncode=255)
    problems = calls.node_ssh_key_add("u3", "n3", NODES, True, True, True)
    assert problems == [("n2", "exited with code 255"), ("n3", "host key verification failed")]
    assert len(node.runner.calls) == 2 * 3
