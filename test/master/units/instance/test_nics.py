# SPDX-License-Identifier: GPL-2.0-or-later
"""NICs that are asked for: what is stored of them, and what is refused."""

import os
from typing import Any

import pytest

from ganeti.errors import Code, ConfigurationError, OpPrereqError
from ganeti.master.config.reserve import ReservationTable
from ganeti.master.units.instance.nics import NicBuilder
from ganeti.model.nic import Nic
from test.support.cluster import a_cluster

CFG = a_cluster().with_nodes("n1").with_instance("web").build()
TAKEN = CFG.instance("web").nics[0].mac


def builder() -> NicBuilder:
    table = ReservationTable(lambda: CFG, os.urandom)
    (group,) = CFG.groups
    return NicBuilder(CFG, table.of("job-1/0"), group)


@pytest.mark.parametrize(
    ("request_", "own"),
    [
        ({}, {}),
        ({"link": "br1", "vlan": "5"}, {"link": "br1", "vlan": ".5"}),
        ({"mode": "default", "vlan": "default", "link": "br1"}, {"link": "br1"}),
    ],
)
def test_only_what_is_its_own_is_stored(request_: dict[str, Any], own: dict[str, Any]) -> None:
    assert builder().new(request_).nicparams == own


def test_default_takes_an_own_value_away() -> None:
    nic = builder().new({"link": "br1", "vlan": "5"})
    assert builder().changed(nic, {"vlan": "default"}).nicparams == {"link": "br1"}


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'tunnelled'"):
        builder().new({"mode": "tunnelled"})


def test_an_address_that_another_nic_has_is_refused() -> None:
    with pytest.raises(OpPrereqError, match=TAKEN) as caught:
        builder().new({"mac": TAKEN})
    assert caught.value.code == Code.NOT_UNIQUE


NETWORKS = (
    a_cluster()
    .with_nodes("n1")
    .with_network("lan", "10.3.0.0/29", groups=("default",), mac_prefix="aa:bb:cc")
    .with_network("dmz", "10.4.0.0/29", groups=("default",))
    .build()
)


def in_lan(**more: Any) -> tuple[NicBuilder, Nic]:
    """A NIC with an address of a network, as it is stored, and who changes it."""
    lan = NETWORKS.network("lan")
    nic = Nic(uuid="u", mac="aa:bb:cc:00:00:01", ip="10.3.0.2", network=lan.uuid)
    instance = a_cluster().with_instance("web", nics=0).build().instance("web")
    node = NETWORKS.node("n1")
    cfg = NETWORKS.changed([instance.replace(primary_node=node.uuid, nics=(nic,))])
    table = ReservationTable(lambda: cfg, os.urandom)
    return NicBuilder(cfg, table.of("job-1/0"), node.group, **more), nic


def test_what_a_nic_has_it_can_be_given_again() -> None:
    build, nic = in_lan()
    assert build.changed(nic, {"ip": nic.ip, "mac": nic.mac.upper()}) == nic


def test_the_connection_of_a_nic_in_a_network_is_not_its_own() -> None:
    build, nic = in_lan()
    with pytest.raises(OpPrereqError, match="leave out link"):
        build.changed(nic, {"link": "br9"})


def test_an_address_does_not_go_along_into_another_network() -> None:
    build, nic = in_lan()
    with pytest.raises(OpPrereqError, match=r"10\.3\.0\.2"):
        build.changed(nic, {"network": "none"})
    assert build.changed(nic, {"network": "none", "ip": "none"}).ip is None


def test_in_a_network_with_another_prefix_it_gets_another_mac() -> None:
    build, nic = in_lan()
    moved = build.changed(nic, {"network": "dmz", "ip": "none"})
    assert moved.mac.startswith("aa:00:00:")
    assert build.changed(nic, {"ip": "none"}).mac == nic.mac


def test_the_address_of_the_name_is_taken_from_the_network_too() -> None:
    build, _ = in_lan(name_address="10.3.0.2")
    with pytest.raises(OpPrereqError) as caught:
        build.new({"network": "lan", "ip": "auto"})
    assert caught.value.code == Code.NOT_UNIQUE
