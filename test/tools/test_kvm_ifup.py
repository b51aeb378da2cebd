# SPDX-License-Identifier: GPL-2.0-or-later
"""The script that connects a guest's interface, on real bridges in a namespace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ganeti.utils.process import Result
from test.support.network import PATH, Namespace, namespaces, needs_root

SCRIPT = str(Path(__file__).parents[2] / "tools/kvm-ifup")

pytestmark = needs_root


@pytest.fixture
def node() -> Iterator[Namespace]:
    """A host with a bridge that has an uplink, and the tap of a guest."""
    with namespaces(1) as (here,):
        here.run("ip", "link", "add", "br0", "mtu", "1400", "type", "bridge")
        here.run("ip", "link", "add", "up0", "mtu", "1400", "type", "veth", "peer", "name", "up1")
        here.run("ip", "link", "set", "up0", "master", "br0")
        here.run("ip", "tuntap", "add", "tap0", "mode", "tap")
        yield here


def script(node: Namespace, **variables: str) -> Result:
    env = {
        "PATH": PATH,
        "INSTANCE": "web",
        "MAC": "aa:00:00:01:02:03",
        "INTERFACE": "tap0",
        "LINK": "",
        "VLAN": "",
        **variables,
    }
    return node.try_run(SCRIPT, env=env)


def test_bridged(node: Namespace) -> None:
    result = script(node, MODE="bridged", LINK="br0")
    assert not result.failed, result.output
    shown = node.run("ip", "-o", "link", "show", "dev", "tap0")
    assert "master br0" in shown
    assert "mtu 1400" in shown
    assert "fe:00:00:01:02:03" in shown
    assert ",UP" in shown


def test_a_missing_bridge_is_named(node: Namespace) -> None:
    result = script(node, MODE="bridged", LINK="br9")
    assert result.failed
    assert "no bridge br9" in result.stderr


IN, OUT = "vlan add dev tap0 vid", "vlan add dev up0 vid"
VLANS = [
    ("10", [f"{IN} 10 pvid untagged", f"{OUT} 10"]),
    (".10", [f"{IN} 10 pvid untagged", f"{OUT} 10"]),
    (":20:30", [f"{IN} 20", f"{IN} 30", f"{OUT} 20", f"{OUT} 30"]),
    (".10:20", [f"{IN} 10 pvid untagged", f"{IN} 20", f"{OUT} 10", f"{OUT} 20"]),
]


@pytest.mark.parametrize(("vlan", "expected"), VLANS)
def test_vlans(node: Namespace, tmp_path: Path, vlan: str, expected: list[str]) -> None:
    """Not every kernel has bridges that filter: here only /sys says so, and programs take notes.

    The guest is taken out of the VLAN that every port begins in; taps of others get nothing.
    """
    told = programs(tmp_path, "ip", "bridge")
    files = {"bridge/vlan_filtering": "1", "bridge/default_pvid": "1", "mtu": "1400"}
    for name, text in {**files, "brif/up0": "", "brif/tap0": "", "brif/tap5": ""}.items():
        file = tmp_path / "net" / "br0" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
    node.run("mount", "--bind", str(tmp_path / "net"), "/sys/class/net")
    path = f"{tmp_path}:{PATH}"
    result = script(node, MODE="bridged", LINK="br0", VLAN=vlan, PATH=path)
    assert not result.failed, result.output
    lines = [line for line in told.read_text().splitlines() if line.startswith("vlan")]
    assert lines == ["vlan del dev tap0 vid 1", *expected]


def programs(directory: Path, *names: str) -> Path:
    """Programs that only note down what they are told; where they do."""
    told = directory / "told"
    for name in names:
        program = directory / name
        program.write_text(f'#!/bin/sh\necho "$*" >>{told}\n')
        program.chmod(0o755)
    return told


def test_a_vlan_needs_a_bridge_that_filters(node: Namespace) -> None:
    result = script(node, MODE="bridged", LINK="br0", VLAN="10")
    assert result.returncode == 1
    assert "does not filter VLANs" in result.stderr


def test_routed_by_a_table_of_its_own(node: Namespace) -> None:
    """Twice, as names of taps come round again."""
    for _ in range(2):
        result = script(node, MODE="routed", LINK="100", IP="10.7.7.7")
        assert not result.failed, result.output
    assert node.run("ip", "rule", "show").count("tap0") == 1
    assert "10.7.7.7 dev tap0 proto static" in node.run("ip", "route", "show", "table", "100")
    assert node.run("cat", "/proc/sys/net/ipv4/conf/tap0/proxy_arp").strip() == "1"


@pytest.mark.parametrize(("address", "family"), [("10.7.7.7", "-4"), ("fd00::7", "-6")])
def test_routed_by_the_main_table(node: Namespace, address: str, family: str) -> None:
    result = script(node, MODE="routed", IP=address)
    assert not result.failed, result.output
    assert f"{address} dev tap0 proto static" in node.run("ip", family, "route", "show")


def test_routed_needs_an_address(node: Namespace) -> None:
    result = script(node, MODE="routed", LINK="100")
    assert result.returncode == 1
    assert "has no IP address" in result.stderr


def test_openvswitch(node: Namespace, tmp_path: Path) -> None:
    """Its own program is called with the tags."""
    told = programs(tmp_path, "ovs-vsctl")
    result = script(
        node, MODE="openvswitch", LINK="switch1", VLAN=".10:20:30", PATH=f"{tmp_path}:{PATH}"
    )
    assert not result.failed, result.output
    assert told.read_text().splitlines()[-1] == "add-port switch1 tap0 tag=10 trunks=20,30"


def test_what_is_missing_is_named(node: Namespace) -> None:
    assert "MODE is not set" in script(node).stderr
    assert "unknown mode" in script(node, MODE="carrier-pigeon").stderr
