# SPDX-License-Identifier: GPL-2.0-or-later
"""Address pools and the pool of TCP ports."""

from __future__ import annotations

import pytest

from ganeti.errors import AddressPoolError, ConfigurationError
from ganeti.model import pool, ports
from ganeti.model.cluster import Cluster
from ganeti.model.network import Network
from test.support.cluster import a_cluster


def a_network() -> Network:
    used, kept = pool.new_bits("192.0.2.0/29", "192.0.2.1")
    return Network(
        uuid="u", name="net", network="192.0.2.0/29", reservations=used, ext_reservations=kept
    )


def test_first_last_and_gateway_are_kept() -> None:
    network = a_network()
    assert (network.reservations, network.ext_reservations) == ("00000000", "11000001")
    assert pool.is_kept(network, "192.0.2.1")
    assert pool.marks(network) == "XX.....X"
    assert pool.kept(network) == ["192.0.2.0", "192.0.2.1", "192.0.2.7"]


def test_addresses_are_taken_and_given_back() -> None:
    network = pool.with_used(a_network(), ["192.0.2.2", "10.0.0.1"], used=True)
    assert pool.is_used(network, "192.0.2.2")
    assert pool.free_address(network) == "192.0.2.3"
    assert pool.free_address(network, ["192.0.2.3"]) == "192.0.2.4"
    assert pool.with_used(network, ["192.0.2.2"], used=False) == a_network()


def test_addresses_can_be_kept_from_instances() -> None:
    network = pool.with_kept(a_network(), ["192.0.2.2"], kept=True)
    assert pool.free_address(network) == "192.0.2.3"
    assert pool.with_kept(network, ["192.0.2.2"], kept=False) == a_network()


def test_a_full_pool() -> None:
    network = pool.with_used(a_network(), [f"192.0.2.{n}" for n in range(2, 7)], used=True)
    with pytest.raises(AddressPoolError, match="no free address"):
        pool.free_address(network)


@pytest.mark.parametrize(
    ("network", "gateway", "text"),
    [
        ("192.0.2.0/31", None, "not between /16 and /30"),
        ("10.0.0.0/8", None, "not between /16 and /30"),
        ("192.0.2.1/24", None, "is not an IPv4 network"),
        ("192.0.2.0/24", "10.0.0.1", "is not in network"),
        ("192.0.2.0/24", "x", "is not an IPv4 address"),
    ],
)
def test_what_cannot_be_a_pool(network: str, gateway: str | None, text: str) -> None:
    with pytest.raises(AddressPoolError, match=text):
        pool.new_bits(network, gateway)


def a_cluster_with(highest: int, free: tuple[int, ...]) -> Cluster:
    cfg = a_cluster().with_cluster(highest_used_port=highest, tcpudp_port_pool=free).build()
    return cfg.cluster


def test_freed_ports_come_first() -> None:
    cluster = a_cluster_with(11005, (11002, 11003))
    assert ports.free_port(cluster, ()) == 11002
    assert ports.free_port(cluster, {11002, 11003, 11006}) == 11007


def test_used_ports_leave_the_pool_and_skipped_ones_join_it() -> None:
    cluster = ports.with_used(a_cluster_with(11005, (11002, 11003)), {11003, 11008})
    assert cluster.highest_used_port == 11008
    assert cluster.tcpudp_port_pool == (11002, 11006, 11007)
    freed = ports.with_free(cluster, {11003, 11002})
    assert freed.tcpudp_port_pool == (11002, 11006, 11007, 11003)


def test_the_last_port() -> None:
    assert ports.free_port(a_cluster_with(14997, ()), ()) == 14998
    with pytest.raises(ConfigurationError, match="are in use"):
        ports.free_port(a_cluster_with(14998, ()), ())
