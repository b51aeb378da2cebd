# SPDX-License-Identifier: GPL-2.0-or-later
"""Parameters as they count in the end: each level's own values over those of the level above."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.model import ipolicy
from ganeti.model.group import NodeGroup
from ganeti.model.index import Claim
from ganeti.model.instance import Instance
from ganeti.model.nic import Nic
from ganeti.model.node import Node
from ganeti.model.params import disk
from ganeti.model.params.be import BeParams
from ganeti.model.params.hv import registry
from ganeti.model.params.nd import NdParams
from ganeti.model.params.nic import NicParams
from ganeti.model.root import Root

Params = dict[str, Any]


class Filled(Root):
    """A root that fills parameters."""

    def cluster_hvparams(self, hypervisor: str) -> Params:
        return {
            **registry.defaults(hypervisor),
            **self.cluster.hvparams.get(hypervisor, {}),
        }

    def default_hvparams(self, hypervisor: str, os_name: str) -> Params:
        """What a new instance of this OS starts with."""
        of_os = self.cluster.os_hvp.get(os_name, {}).get(hypervisor, {})
        return {**self.cluster_hvparams(hypervisor), **of_os}

    def hvparams(self, instance: Instance) -> Params:
        """Those for the whole cluster are there, but never from the instance."""
        only = registry.of(instance.hypervisor).cluster_only()
        own = {name: value for name, value in instance.hvparams.items() if name not in only}
        return {**self.default_hvparams(instance.hypervisor, instance.os), **own}

    def cluster_beparams(self) -> Params:
        return {**BeParams.defaults(), **self.cluster.beparams.get("default", {})}

    def beparams(self, instance: Instance) -> Params:
        return {**self.cluster_beparams(), **instance.beparams}

    def os_defaults(self, os_name: str) -> Params:
        """The cluster's parameters of an OS, private ones too."""
        return {
            **_of_os(self.cluster.osparams, os_name),
            **_of_os(self.cluster.osparams_private_cluster, os_name),
        }

    def osparams(self, instance: Instance) -> Params:
        """The public ones."""
        return {**_of_os(self.cluster.osparams, instance.os), **instance.osparams}

    def osparams_private(self, instance: Instance) -> Params:
        above = _of_os(self.cluster.osparams_private_cluster, instance.os)
        return {**above, **instance.osparams_private}

    def cluster_nicparams(self) -> Params:
        return {**NicParams.defaults(), **self.cluster.nicparams.get("default", {})}

    def nicparams(self, nic: Nic, group_uuid: str | None = None) -> Params:
        """`group_uuid` tells where a NIC is that no stored instance has."""
        group = self.groups.get(group_uuid or self._group_of(nic) or "")
        connection: Mapping[str, Any] = {}
        if nic.network and group is not None:
            connection = group.networks.get(nic.network, {})
        return {**self.cluster_nicparams(), **connection, **nic.nicparams}

    def _group_of(self, nic: Nic) -> str | None:
        uuid = self.index.owner(Claim.NIC_UUID, nic.uuid)
        node = self.nodes.get(self.instances[uuid].primary_node) if uuid else None
        return node.group if node else None

    def cluster_ndparams(self) -> Params:
        return {**NdParams.defaults(), **self.cluster.ndparams}

    def group_ndparams(self, group: NodeGroup) -> Params:
        return {**self.cluster_ndparams(), **group.ndparams}

    def ndparams(self, node: Node) -> Params:
        return {**self.group_ndparams(self.groups[node.group]), **node.ndparams}

    def cluster_diskparams(self, template: str) -> Params:
        return {**disk.of(template).defaults(), **self.cluster.diskparams.get(template, {})}

    def diskparams(self, group: NodeGroup, template: str) -> Params:
        return {**self.cluster_diskparams(template), **group.diskparams.get(template, {})}

    def ipolicy(self, group: NodeGroup) -> Params:
        return ipolicy.filled(group.ipolicy, ipolicy.filled(self.cluster.ipolicy))


def _of_os(params: Mapping[str, Mapping[str, Any]], os_name: str) -> Params:
    """The parameters of the OS, and over them those of the variant."""
    base = (os_name or "").partition("+")[0]
    return {**params.get(base, {}), **params.get(os_name, {})}
