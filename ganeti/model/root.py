# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole configuration as one value: immutable, so readers need no lock.

A change makes another root that shares everything that stayed the same. What a change could break,
references and uniqueness of what it touches, is checked when it is made.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from ganeti import version
from ganeti.errors import ConfigurationError
from ganeti.model import index, templates
from ganeti.model.cluster import Cluster
from ganeti.model.disk import Disk
from ganeti.model.filter import FilterRule
from ganeti.model.group import NodeGroup
from ganeti.model.index import Claim, Entry, Index, Member, Reference
from ganeti.model.instance import Instance
from ganeti.model.network import Network
from ganeti.model.node import Node

SECTIONS: dict[str, tuple[str, type[Member]]] = {
    "nodes": ("nodes", Node),
    "nodegroups": ("groups", NodeGroup),
    "instances": ("instances", Instance),
    "networks": ("networks", Network),
    "disks": ("disks", Disk),
    "filters": ("filters", FilterRule),
}
"""Key in the file → attribute of the root and kind of its records, which are keyed by UUID."""

_ATTRIBUTE: dict[type, str] = {kind: attribute for attribute, kind in SECTIONS.values()}
_by_name = operator.attrgetter("name")


@dataclass(frozen=True, eq=False, repr=False)
class Root:
    """`top` has all keys of the file's object in their order; those that stand here are None."""

    cluster: Cluster
    nodes: Mapping[str, Node]
    groups: Mapping[str, NodeGroup]
    instances: Mapping[str, Instance]
    networks: Mapping[str, Network]
    disks: Mapping[str, Disk]
    filters: Mapping[str, FilterRule]
    top: Mapping[str, Any]
    index: Index

    @classmethod
    def new(
        cls,
        *,
        cluster: Cluster,
        nodes: Iterable[Node],
        groups: Iterable[NodeGroup],
        now: float,
    ) -> Self:
        """The first configuration of a cluster."""
        stamps = {"version": version.CONFIG, "serial_no": 1, "ctime": now, "mtime": now}
        return cls.of(
            {"cluster": None, **dict.fromkeys(SECTIONS), **stamps}, cluster, nodes, groups
        )

    @classmethod
    def of(cls, top: Mapping[str, Any], cluster: Cluster, *members: Iterable[Member]) -> Self:
        """A root of records in any order. Nothing is checked: see `verify`."""
        sections: dict[str, Any] = {attribute: {} for attribute in _ATTRIBUTE.values()}
        for group in members:
            for member in group:
                sections[_ATTRIBUTE[type(member)]][member.uuid] = member
        entries = [cluster, *(m for section in sections.values() for m in section.values())]
        return cls(cluster=cluster, top=dict(top), index=Index.of(entries), **sections)

    @property
    def version(self) -> int:
        return int(self.top["version"])

    @property
    def serial_no(self) -> int:
        return int(self.top["serial_no"])

    @property
    def ctime(self) -> float:
        return float(self.top.get("ctime", 0))

    @property
    def mtime(self) -> float:
        return float(self.top.get("mtime", 0))

    def section_of(self, kind: type[Member]) -> Mapping[str, Member]:
        """All records of a kind, by UUID."""
        found: Mapping[str, Member] = getattr(self, _ATTRIBUTE[kind])
        return found

    def entries(self) -> Iterator[Entry]:
        """Every record, the cluster first."""
        yield self.cluster
        for attribute in _ATTRIBUTE.values():
            yield from getattr(self, attribute).values()

    def stored(self, entry: Entry) -> Entry | None:
        """The record of the same kind and UUID that is here."""
        if isinstance(entry, Cluster):
            return self.cluster
        return self.section_of(type(entry)).get(entry.uuid)

    def stamped(self, serial_no: int, now: float) -> Self:
        """The same content as another generation of the file."""
        return dataclasses.replace(self, top={**self.top, "serial_no": serial_no, "mtime": now})

    def changed(self, put: Iterable[Entry], removed: Iterable[Member] = ()) -> Self:
        """The root with records added or replaced, and others gone.

        Raises ConfigurationError for what would be ambiguous or would point to nothing.
        """
        new, gone = list(put), list(removed)
        before = [old for old in map(self.stored, [*new, *gone]) if old is not None]
        root = dataclasses.replace(
            self, index=self.index.changed(before, new), **self._changed_sections(new, gone)
        )
        root._check_references(new, gone)
        return root

    def _changed_sections(self, new: list[Entry], gone: list[Member]) -> dict[str, Any]:
        changes: dict[str, Any] = {}
        for entry in new:
            if isinstance(entry, Cluster):
                changes["cluster"] = entry
            else:
                self._copied(changes, type(entry))[entry.uuid] = entry
        for member in gone:
            section = self._copied(changes, type(member))
            if section.pop(member.uuid, None) is None:
                raise ConfigurationError(f"{member!r} is not in the configuration")
        return changes

    def _copied(self, changes: dict[str, Any], kind: type[Member]) -> dict[str, Any]:
        attribute = _ATTRIBUTE[kind]
        if attribute not in changes:
            changes[attribute] = dict(self.section_of(kind))
        copied: dict[str, Any] = changes[attribute]
        return copied

    def _check_references(self, new: list[Entry], gone: list[Member]) -> None:
        for entry in new:
            for kind, target in index.references(entry):
                if target not in self.section_of(index.TARGETS[kind]):
                    raise ConfigurationError(f"{kind} of {entry!r}: there is no object {target}")
        for member in gone:
            for kind, wanted in index.TARGETS.items():
                users = self.index.referrers(kind, member.uuid)
                if wanted is type(member) and users:
                    raise ConfigurationError(
                        f"{member!r} is still {kind} {', '.join(sorted(users))}"
                    )

    # What the indexes know.

    @property
    def master(self) -> Node:
        return self.nodes[self.cluster.master_node]

    def online_nodes(self) -> tuple[Node, ...]:
        """Sorted by name, as all that follow."""
        return _sorted(node for node in self.nodes.values() if not node.offline)

    def candidates(self) -> tuple[Node, ...]:
        """The master candidates, the master among them."""
        return _sorted(node for node in self.nodes.values() if node.master_candidate)

    def members(self, group_uuid: str) -> tuple[Node, ...]:
        uuids = self.index.referrers(Reference.GROUP, group_uuid)
        return _sorted(self.nodes[uuid] for uuid in uuids)

    def instances_on(self, node_uuid: str) -> tuple[Instance, ...]:
        """Those that have the node as primary."""
        uuids = self.index.referrers(Reference.PRIMARY, node_uuid)
        return _sorted(self.instances[uuid] for uuid in uuids)

    def secondaries_on(self, node_uuid: str) -> tuple[Instance, ...]:
        """Those that have the node as secondary."""
        disks = (self.disks[uuid] for uuid in self.index.referrers(Reference.DISK_NODE, node_uuid))
        owners = {self.owner_of(disk) for disk in disks if _is_internally_mirrored(disk)}
        found = (self.instances[uuid] for uuid in owners if uuid is not None)
        return _sorted(i for i in found if i.primary_node != node_uuid)

    def owner_of(self, disk: Disk) -> str | None:
        """UUID of the instance that has the disk."""
        return self.index.owner(Claim.DISK_OWNER, disk.uuid)

    def disks_of(self, instance: Instance) -> tuple[Disk, ...]:
        return tuple(self.disks[uuid] for uuid in instance.disks)

    def disk_template(self, instance: Instance) -> str:
        """Derived from the disks: a template, ``diskless`` or ``mixed``."""
        return templates.template_of(self.disks_of(instance))

    def nodes_of(self, instance: Instance) -> list[str]:
        """UUIDs of the instance's nodes, the primary first."""
        mirrored = filter(_is_internally_mirrored, self.disks_of(instance))
        uuids = [instance.primary_node, *(uuid for disk in mirrored for uuid in disk.nodes)]
        return list(dict.fromkeys(uuids))


def _is_internally_mirrored(disk: Disk) -> bool:
    template = templates.TEMPLATES.get(disk.dev_type)
    return template is not None and template.internally_mirrored


N = TypeVar("N", Node, Instance)


def _sorted(found: Iterable[N]) -> tuple[N, ...]:
    return tuple(sorted(found, key=_by_name))
