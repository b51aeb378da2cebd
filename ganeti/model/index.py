# SPDX-License-Identifier: GPL-2.0-or-later
"""What records claim for themselves alone, and which other records they refer to.

`claims` and `references` say it once for each kind of record; the indexes, the checks of a change and
the full check are derived from them. An index is never changed: `changed` makes another that shares
all that stayed the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from enum import StrEnum
from typing import Any

from ganeti.errors import ConfigurationError
from ganeti.model.cluster import Cluster
from ganeti.model.disk import Disk
from ganeti.model.filter import FilterRule
from ganeti.model.group import NodeGroup
from ganeti.model.instance import Instance
from ganeti.model.network import Network
from ganeti.model.node import Node

Member = Node | NodeGroup | Instance | Disk | Network | FilterRule
Entry = Cluster | Member


class Claim(StrEnum):
    """Of each kind, a key has one owner."""

    NODE_NAME = "node name"
    NODE_ADDRESS = "address of a node"
    GROUP_NAME = "group name"
    INSTANCE_NAME = "instance name"
    NETWORK_NAME = "network name"
    MAC = "MAC address"
    ADDRESS = "address in a network (network, address)"
    NIC_UUID = "UUID of a NIC"
    PORT = "TCP port"
    MINOR = "DRBD minor (node, number)"
    VOLUME = "logical volume (node, group, name)"
    DISK_OWNER = "disk of an instance"


class Reference(StrEnum):
    """Of each kind, a record may be referred to by many."""

    MASTER = "master node"
    GROUP = "group of a node"
    CONNECTION = "network of a group"
    PRIMARY = "primary node of an instance"
    DISK_NODE = "node of a disk"
    NIC_NETWORK = "network of a NIC"
    DISK = "disk of an instance"


Claims = Iterator[tuple[Claim, Hashable]]
References = Iterator[tuple[Reference, str]]


def _node_claims(node: Node) -> Claims:
    yield Claim.NODE_NAME, node.name
    yield Claim.NODE_ADDRESS, node.primary_ip
    if node.secondary_ip != node.primary_ip:
        yield Claim.NODE_ADDRESS, node.secondary_ip


def _instance_claims(instance: Instance) -> Claims:
    raw = instance.raw()
    if raw.get("name"):
        yield Claim.INSTANCE_NAME, raw["name"]
    if raw.get("network_port") is not None:
        yield Claim.PORT, raw["network_port"]
    for nic in raw.get("nics", ()):
        yield Claim.MAC, nic["mac"].lower()
        if nic.get("uuid"):
            yield Claim.NIC_UUID, nic["uuid"]
        if nic.get("network") and nic.get("ip"):
            yield Claim.ADDRESS, (nic["network"], nic["ip"])
    for uuid in raw.get("disks", ()):
        yield Claim.DISK_OWNER, uuid


def _disk_claims(disk: Disk) -> Claims:
    drbd = disk.drbd
    if drbd is not None:
        if drbd.port is not None:
            yield Claim.PORT, drbd.port
        yield Claim.MINOR, (drbd.node_a, drbd.minor_a)
        yield Claim.MINOR, (drbd.node_b, drbd.minor_b)
    for volume in disk.volumes():
        for node in disk.raw().get("nodes", ()):
            yield Claim.VOLUME, (node, *volume)


_CLAIMS: dict[type, Callable[[Any], Claims]] = {
    Cluster: lambda _: iter(()),
    Node: _node_claims,
    NodeGroup: lambda group: iter([(Claim.GROUP_NAME, group.name)]),
    Instance: _instance_claims,
    Disk: _disk_claims,
    Network: lambda network: iter([(Claim.NETWORK_NAME, network.name)]),
    FilterRule: lambda _: iter(()),
}


def claims(entry: Entry) -> Claims:
    """What the record has for itself alone."""
    return _CLAIMS[type(entry)](entry)


def _instance_references(instance: Instance) -> References:
    raw = instance.raw()
    if raw.get("primary_node"):
        yield Reference.PRIMARY, raw["primary_node"]
    for nic in raw.get("nics", ()):
        if nic.get("network"):
            yield Reference.NIC_NETWORK, nic["network"]
    for uuid in raw.get("disks", ()):
        yield Reference.DISK, uuid


_REFERENCES: dict[type, Callable[[Any], References]] = {
    Cluster: lambda cluster: iter([(Reference.MASTER, cluster.master_node)]),
    Node: lambda node: iter([(Reference.GROUP, node.group)]),
    NodeGroup: lambda group: iter([(Reference.CONNECTION, uuid) for uuid in group.networks]),
    Instance: _instance_references,
    Disk: lambda disk: iter([(Reference.DISK_NODE, uuid) for uuid in disk.raw().get("nodes", ())]),
    Network: lambda _: iter(()),
    FilterRule: lambda _: iter(()),
}

TARGETS: dict[Reference, type[Member]] = {
    Reference.MASTER: Node,
    Reference.GROUP: NodeGroup,
    Reference.CONNECTION: Network,
    Reference.PRIMARY: Node,
    Reference.DISK_NODE: Node,
    Reference.NIC_NETWORK: Network,
    Reference.DISK: Disk,
}
"""The kind of record a reference points to."""


def references(entry: Entry) -> References:
    """The UUIDs that the record refers to."""
    return _REFERENCES[type(entry)](entry)


_NOBODY: frozenset[str] = frozenset()


class Index:
    """Who owns what, and who refers to whom."""

    __slots__ = ("_owners", "_referrers")

    def __init__(
        self,
        owners: dict[Claim, dict[Hashable, str]],
        referrers: dict[Reference, dict[str, frozenset[str]]],
    ) -> None:
        self._owners, self._referrers = owners, referrers

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Index:
        """An index of everything. Of two that claim the same the first has it (`verify` tells)."""
        owners: dict[Claim, dict[Hashable, str]] = {kind: {} for kind in Claim}
        referrers: dict[Reference, dict[str, set[str]]] = {kind: {} for kind in Reference}
        for entry in entries:
            uuid = entry.uuid
            for claim, key in claims(entry):
                owners[claim].setdefault(key, uuid)
            for reference, target in references(entry):
                referrers[reference].setdefault(target, set()).add(uuid)
        frozen = {k: {t: frozenset(s) for t, s in m.items()} for k, m in referrers.items()}
        return cls(owners, frozen)

    def owner(self, kind: Claim, key: Hashable) -> str | None:
        """UUID of the record that has the key."""
        return self._owners[kind].get(key)

    def owned(self, kind: Claim) -> dict[Hashable, str]:
        """All keys of a kind; not to be written into."""
        return self._owners[kind]

    def referrers(self, kind: Reference, target: str) -> frozenset[str]:
        """UUIDs of the records that refer to one."""
        return self._referrers[kind].get(target, _NOBODY)

    def changed(self, gone: Iterable[Entry], new: Iterable[Entry]) -> Index:
        """The index without some records and with others; raises ConfigurationError.

        A key that goes and comes with the same owner costs nothing.
        """
        removed, added = _sets(gone), _sets(new)
        editing = Index(dict(self._owners), dict(self._referrers))
        editing._edit_owners(removed[0] - added[0], added[0] - removed[0])
        editing._edit_referrers(removed[1] - added[1], added[1] - removed[1])
        return editing

    def _edit_owners(self, removed: set[Any], added: set[Any]) -> None:
        for kind in {row[0] for row in removed | added}:
            self._owners[kind] = dict(self._owners[kind])
        for kind, key, uuid in removed:
            if self._owners[kind].get(key) == uuid:
                del self._owners[kind][key]
        for kind, key, uuid in added:
            owner = self._owners[kind].setdefault(key, uuid)
            if owner != uuid:
                raise ConfigurationError(f"{kind} {key} is taken by object {owner} already")

    def _edit_referrers(self, removed: set[Any], added: set[Any]) -> None:
        for kind in {row[0] for row in removed | added}:
            self._referrers[kind] = dict(self._referrers[kind])
        for kind, target, uuid in removed:
            left = self._referrers[kind].get(target, _NOBODY) - {uuid}
            self._referrers[kind][target] = left
            if not left:
                del self._referrers[kind][target]
        for kind, target, uuid in added:
            self._referrers[kind][target] = self._referrers[kind].get(target, _NOBODY) | {uuid}


def _sets(entries: Iterable[Entry]) -> tuple[set[Any], set[Any]]:
    """Claims and references of records as rows that can be compared."""
    owned, referred = set(), set()
    for entry in entries:
        uuid = entry.uuid
        owned |= {(kind, key, uuid) for kind, key in claims(entry)}
        referred |= {(kind, target, uuid) for kind, target in references(entry)}
    return owned, referred
