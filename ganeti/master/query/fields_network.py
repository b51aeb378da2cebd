# SPDX-License-Identifier: GPL-2.0-or-later
"""The query fields of networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.master.query.field import (
    ConfigResource,
    Field,
    Kind,
    Sources,
    attribute,
    by_name,
    stamps,
)
from ganeti.model import pool
from ganeti.model.config import Config
from ganeti.model.index import Reference
from ganeti.model.network import Network
from ganeti.utils import text

TEXT, NUMBER, OTHER = Kind.TEXT, Kind.NUMBER, Kind.OTHER


def _groups(network: Network, sources: Sources) -> list[list[Any]]:
    """Rows of group, mode, link, VLAN."""
    groups = sources.cfg.groups
    uuids = sources.cfg.index.referrers(Reference.CONNECTION, network.uuid)
    rows = ((groups[uuid].name, groups[uuid].networks[network.uuid]) for uuid in uuids)
    return sorted([name, p.get("mode"), p.get("link"), p.get("vlan", "")] for name, p in rows)


def _instances(network: Network, sources: Sources) -> list[str]:
    uuids = sources.cfg.index.referrers(Reference.NIC_NETWORK, network.uuid)
    return text.nice_sort(sources.cfg.instances[uuid].name for uuid in uuids)


_FIELDS = [
    attribute("name", TEXT, "Network", "Name"),
    attribute("network", TEXT, "Subnet", "IPv4 network"),
    attribute("gateway", OTHER, "Gateway", "IPv4 gateway"),
    attribute("network6", OTHER, "IPv6Subnet", "IPv6 network"),
    attribute("gateway6", OTHER, "IPv6Gateway", "IPv6 gateway"),
    attribute("mac_prefix", OTHER, "MacPrefix", "First half of its MAC addresses"),
    Field(
        "free_count",
        NUMBER,
        "FreeCount",
        "Number of free addresses",
        lambda n, _: pool.marks(n).count(pool.FREE),
    ),
    Field(
        "reserved_count",
        NUMBER,
        "ReservedCount",
        "Number of addresses that are not free",
        lambda n, _: pool.marks(n).count(pool.TAKEN),
    ),
    Field(
        "map", TEXT, "Map", "X or a dot for each address, taken or free", lambda n, _: pool.marks(n)
    ),
    Field(
        "external_reservations",
        TEXT,
        "ExternalReservations",
        "Addresses kept from instances",
        lambda n, _: ", ".join(pool.kept(n)),
    ),
    Field(
        "group_cnt",
        NUMBER,
        "NodeGroups",
        "Number of connected groups",
        lambda n, s: len(_groups(n, s)),
    ),
    Field("group_list", OTHER, "GroupList", "Connected groups with mode, link and VLAN", _groups),
    Field(
        "inst_cnt",
        NUMBER,
        "Instances",
        "Number of instances with a NIC in it",
        lambda n, s: len(_instances(n, s)),
    ),
    Field("inst_list", OTHER, "InstanceList", "Instances with a NIC in it", _instances),
]


class NetworkResource(ConfigResource):
    NAME = "network"
    FIELDS = by_name(_FIELDS, stamps())

    def section(self, cfg: Config) -> Mapping[str, Any]:
        return cfg.networks

    def find(self, cfg: Config, name: str) -> Any:
        return cfg.network(name)
