# SPDX-License-Identifier: GPL-2.0-or-later
"""Reservations: nobody gets what another has reserved, or what is in the configuration."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from ganeti.errors import AddressPoolError, ReservationError
from ganeti.master.config.reserve import ReservationTable
from ganeti.model import pool
from ganeti.model.config import Config
from test.support.cluster import a_cluster


def a_config() -> Config:
    used, kept = pool.new_bits("192.0.2.0/29", "192.0.2.1")
    return (
        a_cluster()
        .with_nodes("n1", "n2", "n3")
        .with_network(
            "net", "192.0.2.0/29", mac_prefix="bb:00:00", reservations=used, ext_reservations=kept
        )
        .with_instance("web", template="drbd")
        .with_instance("db", template="drbd")
        .build()
    )


CFG = a_config()
NET = CFG.network("net").uuid
N1, N2, N3 = (CFG.node(name).uuid for name in ("n1", "n2", "n3"))


def counting() -> Callable[[int], bytes]:
    numbers = itertools.count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


@pytest.fixture
def table() -> ReservationTable:
    return ReservationTable(lambda: CFG, counting())


def test_a_mac_has_the_prefix_of_its_network(table: ReservationTable) -> None:
    first = table.of("a").generate_mac()
    assert first.startswith("aa:00:00:")
    assert table.of("a").generate_mac(NET).startswith("bb:00:00:")
    assert table.of("b").generate_mac() != first


def test_a_mac_that_is_taken_is_passed_over(table: ReservationTable) -> None:
    table.of("a").mac("AA:00:00:00:00:01")
    assert table.of("b").generate_mac() == "aa:00:00:00:00:02"
    used = CFG.instance("web").nics[0].mac
    always_used = ReservationTable(lambda: CFG, lambda _: bytes.fromhex(used[9:].replace(":", "")))
    with pytest.raises(ReservationError, match="no free MAC address"):
        always_used.of("a").generate_mac()


def test_a_mac_can_be_reserved_once(table: ReservationTable) -> None:
    table.of("a").mac("aa:00:00:11:11:11")
    with pytest.raises(ReservationError, match="is reserved by another job"):
        table.of("b").mac("AA:00:00:11:11:11")
    with pytest.raises(ReservationError, match="is in use already"):
        table.of("b").mac(CFG.instance("web").nics[0].mac)


def test_reservations_end_with_their_context(table: ReservationTable) -> None:
    table.of("a").mac("aa:00:00:11:11:11")
    table.release("b")
    with pytest.raises(ReservationError):
        table.of("b").mac("aa:00:00:11:11:11")
    table.release("a")
    table.of("b").mac("aa:00:00:11:11:11")


def test_addresses_of_a_network(table: ReservationTable) -> None:
    assert table.of("a").free_network_ip(NET) == "192.0.2.2"
    table.of("b").network_ip(NET, "192.0.2.3")
    assert table.of("b").free_network_ip(NET) == "192.0.2.4"
    with pytest.raises(ReservationError, match="of network net is reserved"):
        table.of("b").network_ip(NET, "192.0.2.2")
    with pytest.raises(ReservationError, match="is kept from instances"):
        table.of("b").network_ip(NET, "192.0.2.1")
    table.of("b").network_ip(NET, "192.0.2.1", even_kept=True)
    for _ in range(2):
        table.of("c").free_network_ip(NET)
    with pytest.raises(AddressPoolError, match="no free address"):
        table.of("c").free_network_ip(NET)


def test_minors_are_the_smallest_free_ones(table: ReservationTable) -> None:
    assert [table.of("a").minor(N1), table.of("b").minor(N1)] == [2, 3]
    assert table.of("a").minor(N3) == 0
    table.release("a")
    assert table.of("c").minor(N1) == 2


def test_ports(table: ReservationTable) -> None:
    assert CFG.cluster.highest_used_port == 11001
    assert [table.of("a").port(), table.of("b").port()] == [11002, 11003]


def test_what_a_drbd_disk_needs(table: ReservationTable) -> None:
    numbers = table.of("a").drbd((N2, N3))
    assert (numbers.port, numbers.minors) == (11002, (2, 0))
    assert len(numbers.secret) == 40


def test_volumes(table: ReservationTable) -> None:
    disk = CFG.disks_of(CFG.instance("web"))[0]
    with pytest.raises(ReservationError, match="is in use already"):
        table.of("a").volume(N1, *disk.volumes()[0])
    table.of("a").volume(N3, *disk.volumes()[0])
    with pytest.raises(ReservationError, match="is reserved by another job"):
        table.of("b").volume(N3, *disk.volumes()[0])


def test_uuids_are_random_and_canonical(table: ReservationTable) -> None:
    assert table.of("a").uuid() == "00000000-0000-4000-8000-000000000001"
    assert table.of("a").uuid() != table.of("a").uuid()
