# SPDX-License-Identifier: GPL-2.0-or-later
"""The configuration as everyone reads it: by name, filled, and in the form that calls to nodes carry.

The forms of disks and instances in calls are those of the node daemon ("Argument encodings").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from ganeti.errors import Code, OpPrereqError
from ganeti.model.disk import Disk
from ganeti.model.filled import Filled
from ganeti.model.group import NodeGroup
from ganeti.model.index import Claim
from ganeti.model.instance import Instance
from ganeti.model.network import Network
from ganeti.model.nic import Nic
from ganeti.model.node import Node
from ganeti.model.params import disk as disk_params
from ganeti.utils import text

R = TypeVar("R")
Params = Mapping[str, Any]


class Config(Filled):
    """An immutable configuration."""

    def node(self, name: str) -> Node:
        """By UUID, name, or the start of a name up to a dot; raises OpPrereqError."""
        return self._found("node", self.nodes, Claim.NODE_NAME, name)

    def instance(self, name: str) -> Instance:
        """By UUID, name, or the start of a name up to a dot; raises OpPrereqError."""
        return self._found("instance", self.instances, Claim.INSTANCE_NAME, name)

    def group(self, name: str) -> NodeGroup:
        """By UUID or name; raises OpPrereqError."""
        return self._found("group", self.groups, Claim.GROUP_NAME, name, short=False)

    def network(self, name: str) -> Network:
        """By UUID or name; raises OpPrereqError."""
        return self._found("network", self.networks, Claim.NETWORK_NAME, name, short=False)

    def _found(
        self, what: str, section: Mapping[str, R], names: Claim, name: str, *, short: bool = True
    ) -> R:
        if name in section:
            return section[name]
        uuid = self.index.owner(names, name)
        if uuid is None and short:
            uuid = self.index.owner(names, self._full_name(what, names, name))
        if uuid is None:
            raise OpPrereqError(f"there is no {what} '{name}'", Code.UNKNOWN_ENTITY)
        return section[uuid]

    def _full_name(self, what: str, names: Claim, short: str) -> str | None:
        found = text.matching_names(short, map(str, self.index.owned(names)))
        if len(found) > 1:
            several = ", ".join(text.nice_sort(found))
            raise OpPrereqError(
                f"{what} '{short}' may be {several}; give the full name", Code.UNKNOWN_ENTITY
            )
        return found[0] if found else None

    def for_node(
        self,
        instance: Instance,
        node_uuid: str | None = None,
        *,
        hvparams: Params | None = None,
        beparams: Params | None = None,
        osparams: Params | None = None,
    ) -> Instance:
        """The instance as calls carry it to a node, by default its primary.

        Overrides of `osparams` come with all that the OS gets, private and secret ones too.
        """
        node = node_uuid or instance.primary_node
        public, private = self.osparams(instance), self.osparams_private(instance)
        return instance.replace(
            hvparams={**self.hvparams(instance), **(hvparams or {})},
            beparams={**self.beparams(instance), **(beparams or {})},
            osparams=public if osparams is None else {**public, **private, **osparams},
            osparams_private=private,
            nics=tuple(self._carried_nic(nic, instance) for nic in instance.nics),
            disks_info=tuple(self.annotated(d, instance, node) for d in self.disks_of(instance)),
            secondary_nodes=tuple(self.nodes_of(instance)[1:]),
            node_names={uuid: self.nodes[uuid].name for uuid in self.nodes_of(instance)},
        )

    def _carried_nic(self, nic: Nic, instance: Instance) -> Nic:
        network = self.networks[nic.network].raw() if nic.network else None
        params = self.nicparams(nic, self.nodes[instance.primary_node].group)
        return nic.replace(nicparams=params, netinfo=network)

    def annotated(self, disk: Disk, instance: Instance, node_uuid: str) -> Disk:
        """The disk as calls carry it to a node: parameters filled, and the node's view of DRBD."""
        group = self.groups[self.nodes[instance.primary_node].group]
        return self._annotated(disk, group, node_uuid)

    def _annotated(self, disk: Disk, group: NodeGroup, node_uuid: str) -> Disk:
        declared = disk_params.of(disk.dev_type)
        filled = self.diskparams(group, disk.dev_type)
        of_children = declared.for_children(filled) or [{} for _ in disk.children]
        return disk.replace(
            params={**declared.for_device(filled), **disk.params},
            children=tuple(map(_with_params, disk.children, of_children)),
            dynamic_params=self._dynamic(disk, node_uuid),
        )

    def _dynamic(self, disk: Disk, node_uuid: str) -> dict[str, Any] | None:
        """Addresses and minors of a mirrored disk as seen from one of its two nodes."""
        drbd = disk.drbd
        if drbd is None:
            return None
        ends = [(drbd.node_a, drbd.minor_a), (drbd.node_b, drbd.minor_b)]
        if node_uuid == drbd.node_b:
            ends.reverse()
        (local, local_minor), (remote, remote_minor) = ends
        if local != node_uuid:
            return None
        return {
            "local-ip": self.nodes[local].secondary_ip,
            "remote-ip": self.nodes[remote].secondary_ip,
            "local-minor": local_minor,
            "remote-minor": remote_minor,
        }


def _with_params(disk: Disk, filled: Params) -> Disk:
    return disk.replace(params={**filled, **disk.params})
