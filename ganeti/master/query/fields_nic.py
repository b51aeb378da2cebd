# SPDX-License-Identifier: GPL-2.0-or-later
"""The query fields of instances that are about their NICs: of all of them, and of each by number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ganeti.master.query.field import Field, Kind
from ganeti.model.config import Config
from ganeti.model.instance import Instance
from ganeti.model.nic import Nic

NICS = 8

OfNic = Callable[[Nic, Instance, Config], Any]


def _params(nic: Nic, instance: Instance, cfg: Config) -> dict[str, Any]:
    node = cfg.nodes.get(instance.primary_node)
    return cfg.nicparams(nic, node.group if node else None)


def _mode(nic: Nic, instance: Instance, cfg: Config) -> Any:
    return _params(nic, instance, cfg)["mode"]


def _link(nic: Nic, instance: Instance, cfg: Config) -> Any:
    return _params(nic, instance, cfg)["link"]


def _bridge(nic: Nic, instance: Instance, cfg: Config) -> Any:
    params = _params(nic, instance, cfg)
    return params["link"] if params["mode"] == "bridged" else None


def _vlan(*modes: str) -> OfNic:
    def vlan(nic: Nic, instance: Instance, cfg: Config) -> Any:
        params = _params(nic, instance, cfg)
        return params["vlan"] if params["mode"] in modes else None

    return vlan


def _network_name(nic: Nic, instance: Instance, cfg: Config) -> Any:
    return cfg.networks[nic.network].name if nic.network else None


def _own(attribute: str) -> OfNic:
    return lambda nic, _instance, _cfg: getattr(nic, attribute)


_OF_ALL: tuple[tuple[str, str, str, OfNic], ...] = (
    ("nic.bridges", "NIC_bridges", "Bridge of each NIC that is bridged", _bridge),
    ("nic.ips", "NIC_IPs", "IP address of each NIC", _own("ip")),
    ("nic.links", "NIC_links", "Link of each NIC", _link),
    ("nic.macs", "NIC_MACs", "MAC address of each NIC", _own("mac")),
    ("nic.modes", "NIC_modes", "Mode of each NIC", _mode),
    ("nic.names", "NIC_Names", "Name of each NIC", _own("name")),
    ("nic.networks", "NIC_networks", "UUID of each NIC's network", _own("network")),
    ("nic.networks.names", "NIC_networks_names", "Name of each NIC's network", _network_name),
    ("nic.uuids", "NIC_UUIDs", "UUID of each NIC", _own("uuid")),
    ("nic.vlans", "NIC_VLANs", "VLAN of each NIC", _vlan("bridged", "openvswitch")),
)

_OF_ONE: tuple[tuple[str, str, str, OfNic], ...] = (
    ("nic.bridge", "NicBridge", "Bridge of NIC {}", _bridge),
    ("nic.ip", "NicIP", "IP address of NIC {}", _own("ip")),
    ("nic.link", "NicLink", "Link of NIC {}", _link),
    ("nic.mac", "NicMAC", "MAC address of NIC {}", _own("mac")),
    ("nic.mode", "NicMode", "Mode of NIC {}", _mode),
    ("nic.name", "NicName", "Name of NIC {}", _own("name")),
    ("nic.network.name", "NicNetworkName", "Name of the network of NIC {}", _network_name),
    ("nic.network", "NicNetwork", "UUID of the network of NIC {}", _own("network")),
    ("nic.uuid", "NicUUID", "UUID of NIC {}", _own("uuid")),
    ("nic.vlan", "NicVLAN", "VLAN of NIC {}", _vlan("openvswitch")),
)


def _all_of(read: OfNic) -> Callable[[Any, Any], list[Any]]:
    return lambda i, v: [read(nic, i, v.cfg) for nic in i.nics]


def _one_of(read: OfNic, number: int) -> Callable[[Any, Any], Any]:
    return lambda i, v: read(i.nics[number], i, v.cfg) if number < len(i.nics) else None


def nic_fields() -> Iterator[Field]:
    yield Field("nic.count", Kind.NUMBER, "NICs", "Number of NICs", lambda i, _: len(i.nics))
    for name, title, doc, read in _OF_ALL:
        yield Field(name, Kind.OTHER, title, doc, _all_of(read))
    for name, title, doc, read in _OF_ONE:
        for n in range(NICS):
            yield Field(f"{name}/{n}", Kind.TEXT, f"{title}/{n}", doc.format(n), _one_of(read, n))
