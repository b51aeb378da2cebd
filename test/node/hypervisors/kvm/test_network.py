# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import HypervisorError
from ganeti.node.hypervisors.kvm import network
from ganeti.node.hypervisors.kvm.network import Connector, TapWish
from ganeti.paths import Paths
from test.node.hypervisors.kvm.guests import an_instance
from test.support.cluster import a_cluster
from test.support.network import namespaces, needs_root
from test.support.runner import FakeRunner

TREE = str(Path(__file__).parents[4])
VIRTIO = {"virtio_net_queues": 4, "vnet_hdr": True, "vhost_net": True}
WISHES = [
    ({"nic_type": "paravirtual"}, TapWish(1, offloads=True, vhost=False)),
    ({"nic_type": "paravirtual", **VIRTIO}, TapWish(4, offloads=True, vhost=True)),
    ({"nic_type": "paravirtual", "vnet_hdr": False}, TapWish(1, offloads=False, vhost=False)),
    ({"nic_type": "e1000", **VIRTIO}, TapWish(1, offloads=False, vhost=False)),
]


@pytest.mark.parametrize(("hv", "expected"), WISHES)
def test_only_virtio_has_queues_offloads_and_vhost(hv: dict[str, Any], expected: TapWish) -> None:
    assert TapWish.of({**an_instance().hvparams, **hv}) == expected


FLAGS = [
    (TapWish(1, offloads=False, vhost=False), 0x0002 | 0x1000 | 0x2000),
    (TapWish(1, offloads=True, vhost=False), 0x0002 | 0x1000 | 0x2000 | 0x4000),
    (TapWish(2, offloads=False, vhost=True), 0x0002 | 0x1000 | 0x0100),
]


@pytest.mark.parametrize(("wish", "expected"), FLAGS)
def test_flags(wish: TapWish, expected: int) -> None:
    assert wish.flags() == expected


OPEN_TAPS = """
import os
from ganeti.node.hypervisors.kvm.network import Taps, TapWish
taps = [Taps().open(TapWish(q, offloads=True, vhost=False)) for q in (1, 2)]
print([(tap.name, len(tap.fds)) for tap in taps])
for tap in taps:
    tap.close()
print(os.listdir("/sys/class/net"))
"""


@needs_root
def test_a_tap_lives_while_it_is_open() -> None:
    with namespaces(1) as (node,):
        result = node.try_run(sys.executable, "-c", OPEN_TAPS, env={"PYTHONPATH": TREE})
    assert not result.failed, result.error_text()
    first, second = result.stdout.splitlines()
    assert first == "[('tap0', 1), ('tap1', 2)]"
    assert second == "['lo']"


def test_a_bridged_interface_is_described() -> None:
    instance = an_instance(tags=("web", "blue"))
    nic = instance.nics[0].replace(name="eth0", ip="10.7.7.7")
    assert network.environment(instance, 1, nic, "tap3") == {
        "PATH": "/sbin:/bin:/usr/sbin:/usr/bin",
        "INSTANCE": "web",
        "MAC": nic.mac,
        "MODE": "bridged",
        "LINK": "xen-br0",
        "BRIDGE": "xen-br0",
        "VLAN": "",
        "IP": "10.7.7.7",
        "INTERFACE": "tap3",
        "INTERFACE_INDEX": "1",
        "INTERFACE_NAME": "eth0",
        "INTERFACE_UUID": nic.uuid,
        "TAGS": "web blue",
    }


def test_an_interface_in_a_network_is_described() -> None:
    cluster = a_cluster().with_network(
        "green", "10.7.7.0/24", gateway="10.7.7.1", groups=("default",), tags=("a", "b")
    )
    cfg = cluster.with_instance("web").build()
    (green,) = cfg.networks.values()
    instance = cfg.instance("web")
    nics = (instance.nics[0].replace(network=green.uuid),)
    carried = cfg.for_node(instance.replace(nics=nics))
    env = network.environment(carried, 0, carried.nics[0], "tap0")
    assert (env["MODE"], env["LINK"]) == ("bridged", "br-green")
    assert {name: value for name, value in env.items() if name.startswith("NETWORK")} == {
        "NETWORK_NAME": "green",
        "NETWORK_UUID": green.uuid,
        "NETWORK_SUBNET": "10.7.7.0/24",
        "NETWORK_GATEWAY": "10.7.7.1",
        "NETWORK_TAGS": "a b",
    }


def test_a_routed_interface_names_no_bridge() -> None:
    instance = an_instance()
    nic = instance.nics[0].replace(nicparams={"mode": "routed", "link": "100", "vlan": ""})
    env = network.environment(instance, 0, nic, "tap0")
    assert (env["MODE"], env["LINK"]) == ("routed", "100")
    assert not {"BRIDGE", "IP", "INTERFACE_NAME"} & env.keys()


@pytest.mark.parametrize(
    ("mode", "incoming", "expected"),
    [("routed", True, True), ("routed", False, False), ("bridged", True, False)],
)
def test_a_routed_address_waits_for_its_guest(mode: str, incoming: bool, expected: bool) -> None:
    nic = an_instance().nics[0].replace(nicparams={"mode": mode})
    assert network.must_wait(nic, incoming=incoming) is expected


def test_the_script_sees_nothing_else() -> None:
    runner, instance = FakeRunner(), an_instance()
    runner.on("/usr/lib/ganeti/kvm-ifup")
    Connector(Paths(), runner).connect(instance, 0, instance.nics[0], "tap0")
    (call,) = runner.calls
    assert call.reset_env
    assert (call.env or {})["INTERFACE"] == "tap0"


def test_what_the_script_says_is_told() -> None:
    runner, instance = FakeRunner(), an_instance()
    runner.on("/usr/lib/ganeti/kvm-ifup", returncode=1, stderr="there is no bridge br0")
    with pytest.raises(
        HypervisorError, match=r"NIC 0 of web cannot be connected: .* no bridge br0"
    ):
        Connector(Paths(), runner).connect(instance, 0, instance.nics[0], "tap0")
