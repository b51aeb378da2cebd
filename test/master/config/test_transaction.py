# SPDX-License-Identifier: GPL-2.0-or-later
"""What a transaction refuses, and what follows from a change without anybody asking."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ganeti.errors import ConfigurationError
from ganeti.master.config.transaction import Transaction
from ganeti.model import pool
from ganeti.model.config import Config
from ganeti.model.filter import FilterRule
from ganeti.model.instance import Instance
from ganeti.model.nic import Nic
from test.support.cluster import a_cluster, a_uuid

LATER = 1800000000.0


def a_config() -> Config:
    used, kept = pool.new_bits("192.0.2.0/29", None)
    return (
        a_cluster()
        .with_nodes("n1", "n2")
        .with_network("net", "192.0.2.0/29", reservations=used, ext_reservations=kept)
        .with_instance("web", template="drbd", network_port=11001)
        .with_cluster(highest_used_port=11003, tcpudp_port_pool=(11002, 11003))
        .build()
    )


CFG = a_config()
WEB = CFG.instance("web")


def after(edit: Callable[[Transaction], object], base: Config = CFG) -> Config:
    transaction = Transaction(base, LATER)
    edit(transaction)
    return transaction.finished()


def a_nic(address: str) -> Nic:
    uuid = a_uuid(950)
    return Nic(uuid=uuid, mac="aa:00:00:00:99:99", ip=address, network=CFG.network("net").uuid)


def test_a_new_record_begins_to_count() -> None:
    new = Instance(
        uuid=a_uuid(900), name="new", primary_node=WEB.primary_node, os="o", hypervisor="kvm"
    )
    stored = after(lambda t: t.put(new)).instance("new")
    assert (stored.serial_no, stored.ctime, stored.mtime) == (1, LATER, LATER)


def test_a_changed_record_counts_on_once_a_transaction() -> None:
    def edit(transaction: Transaction) -> None:
        first = transaction.put(WEB.replace(admin_state="up"))
        transaction.put(first.replace(disks_active=True))

    stored = after(edit).instance("web")
    assert (stored.serial_no, stored.ctime, stored.mtime) == (2, WEB.ctime, LATER)
    assert (stored.admin_state, stored.disks_active) == ("up", True)


def test_what_others_changed_is_not_overwritten() -> None:
    newer = after(lambda t: t.put(WEB.replace(admin_state="up")))
    with pytest.raises(ConfigurationError, match=r"web.* was changed after it was read"):
        after(lambda t: t.put(WEB.replace(disks_active=True)), newer)


def test_the_same_old_copy_cannot_be_put_twice() -> None:
    def edit(transaction: Transaction) -> None:
        transaction.put(WEB.replace(admin_state="up"))
        transaction.put(WEB.replace(disks_active=True))

    with pytest.raises(ConfigurationError, match="was changed after it was read"):
        after(edit)


def test_what_only_calls_carry_is_not_stored() -> None:
    stored = after(lambda t: t.put(WEB.replace(secondary_nodes=("x",)))).instance("web")
    assert stored.secondary_nodes is None


def test_records_without_a_number_are_stored_as_they_are() -> None:
    rule = FilterRule(
        uuid=a_uuid(901), watermark=1, priority=0, predicates=(), action="ACCEPT", reason_trail=()
    )
    assert after(lambda t: t.put(rule)).filters[rule.uuid] == rule


def test_the_block_sees_its_own_changes() -> None:
    transaction = Transaction(CFG, LATER)
    transaction.put(WEB.replace(name="www"))
    assert transaction.root.instance("www").uuid == WEB.uuid
    assert not transaction.is_empty


def test_a_record_that_comes_and_goes_leaves_nothing() -> None:
    def edit(transaction: Transaction) -> None:
        new = transaction.put(
            WEB.replace(uuid=a_uuid(902), name="x", disks=(), nics=(), network_port=None)
        )
        transaction.remove(new)

    transaction = Transaction(CFG, LATER)
    edit(transaction)
    assert transaction.is_empty
    assert transaction.finished() is CFG


def test_removing_what_was_changed_before() -> None:
    def edit(transaction: Transaction) -> None:
        changed = transaction.put(WEB.replace(admin_state="up"))
        transaction.remove(changed)
        for disk in CFG.disks_of(WEB):
            transaction.remove(disk)

    assert after(edit).instances == {}


def test_ports_go_back_to_the_pool() -> None:
    def edit(transaction: Transaction) -> None:
        transaction.remove(WEB)
        for disk in CFG.disks_of(WEB):
            transaction.remove(disk)

    cluster = after(edit).cluster
    assert cluster.tcpudp_port_pool == (11002, 11003, 11000, 11001)
    assert cluster.serial_no == CFG.cluster.serial_no + 1


def test_ports_leave_the_pool() -> None:
    cluster = after(lambda t: t.put(WEB.replace(network_port=11006))).cluster
    assert cluster.highest_used_port == 11006
    assert cluster.tcpudp_port_pool == (11002, 11003, 11004, 11005, 11001)


def test_addresses_are_marked_in_their_network() -> None:
    taken = after(lambda t: t.put(WEB.replace(nics=(a_nic("192.0.2.2"),))))
    assert taken.network("net").reservations == "00100000"
    moved = after(lambda t: t.put(taken.instance("web").replace(nics=(a_nic("192.0.2.3"),))), taken)
    assert moved.network("net").reservations == "00010000"
    freed = after(lambda t: t.put(moved.instance("web").replace(nics=())), moved)
    assert freed.network("net").reservations == "00000000"
    assert freed.network("net").serial_no == 4


def test_the_cluster_counts_what_shows_in_ssconf() -> None:
    serial = CFG.cluster.serial_no
    assert after(lambda t: t.put(WEB.replace(admin_state="up"))).cluster.serial_no == serial
    assert after(lambda t: t.put(WEB.replace(name="www"))).cluster.serial_no == serial + 1
    node = CFG.node("n2").replace(tags=("a",))
    assert after(lambda t: t.put(node)).cluster.serial_no == serial


def test_what_cannot_be_is_refused_when_the_block_ends() -> None:
    with pytest.raises(ConfigurationError, match="is still"):
        after(lambda t: t.remove(CFG.node("n2")))
