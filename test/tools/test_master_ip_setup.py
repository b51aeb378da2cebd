# SPDX-License-Identifier: GPL-2.0-or-later
"""The script of the cluster's address, on real interfaces in namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ganeti.utils.process import Result
from test.support.network import Namespace, namespaces, needs_root

SCRIPT = str(Path(__file__).parents[2] / "tools/master-ip-setup")
MINE, TAKEN = "10.9.9.9", "10.9.9.2"
MINE6, TAKEN6 = "fd00::9", "fd00::2"

pytestmark = needs_root


@pytest.fixture
def node() -> Iterator[Namespace]:
    """A host on a wire; at the other end somebody has the two taken addresses."""
    with namespaces(2) as (here, there):
        here.run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
        here.run("ip", "link", "set", "v1", "netns", str(there.pid))
        here.run("ip", "link", "set", "v0", "up")
        there.run("ip", "address", "add", f"{TAKEN}/24", "dev", "v1")
        there.run("ip", "link", "set", "v1", "up")
        there.run("ip", "address", "add", f"{TAKEN6}/64", "dev", "v1", "nodad")
        yield here


def script(node: Namespace, word: str, address: str, *, netmask: int = 24) -> Result:
    """With the environment that the node daemon gives: not even a PATH."""
    env = {
        "MASTER_NETDEV": "v0",
        "MASTER_IP": address,
        "MASTER_NETMASK": str(netmask),
        "CLUSTER_IP_VERSION": "6" if ":" in address else "4",
    }
    inside = ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in env.items())]
    return node.try_run(*inside, SCRIPT, word)


def addresses(node: Namespace) -> str:
    return node.run("ip", "-o", "address", "show", "dev", "v0")


def test_ipv4(node: Namespace) -> None:
    """Both words may be said twice; it is taken away whatever its prefix."""
    for word, shown in (("start", True), ("start", True), ("stop", False), ("stop", False)):
        assert not script(node, word, MINE, netmask=24 if word == "start" else 32).failed
        assert (f"{MINE}/24" in addresses(node)) is shown
        assert ("v0:0" in addresses(node)) is shown


def test_ipv6(node: Namespace) -> None:
    assert not script(node, "start", MINE6, netmask=64).failed
    assert f"{MINE6}/64" in addresses(node)
    assert not script(node, "stop", MINE6, netmask=64).failed
    assert MINE6 not in addresses(node)


@pytest.mark.parametrize("address", [TAKEN, TAKEN6])
def test_an_address_of_another_host_is_refused(node: Namespace, address: str) -> None:
    result = script(node, "start", address)
    assert result.returncode == 1
    assert "another host has the address" in result.stderr
    assert address not in addresses(node)


def test_an_address_on_another_interface_stays(node: Namespace) -> None:
    node.run("ip", "address", "add", f"{MINE}/32", "dev", "lo")
    result = script(node, "stop", MINE)
    assert result.returncode == 1
    assert "lo has the address" in result.stderr
    assert MINE in node.run("ip", "-o", "address", "show", "dev", "lo")


def test_an_unknown_word_is_refused(node: Namespace) -> None:
    assert script(node, "restart", MINE).returncode == 1
