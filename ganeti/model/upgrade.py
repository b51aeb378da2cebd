# SPDX-License-Identifier: GPL-2.0-or-later
"""What is filled in when a configuration is loaded: defaults, UUIDs, words of older releases.

Works on the JSON object of a file of the present version, before records are made of it. A file that
lacks nothing is left as it is. (From one version to the next goes the tool cfgupgrade.)
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ganeti.errors import ConfigurationError
from ganeti.model import configfile, ipolicy
from ganeti.model.cluster import Cluster
from ganeti.model.config import Config
from ganeti.model.disk import Disk
from ganeti.model.group import INITIAL, NodeGroup
from ganeti.model.instance import Instance
from ganeti.model.nic import Nic
from ganeti.model.node import Node
from ganeti.model.params import be, disk, nd, nic
from ganeti.model.params.hv import registry
from ganeti.model.params.nd import NdParams
from ganeti.schema import types
from ganeti.schema.record import Record

Raw = dict[str, Any]

IPV6_FAMILY = 10


class Filler:
    """Fills one JSON object."""

    def __init__(self, raw: Raw, new_uuid: Callable[[], str], now: float) -> None:
        self._raw, self._new_uuid, self._now = raw, new_uuid, now

    def run(self) -> None:
        for section in ("nodegroups", "networks", "disks", "filters"):
            _default(self._raw, section, {})
        _default(self._raw, "ctime", 0)
        _default(self._raw, "mtime", 0)
        self._cluster(self._raw["cluster"])
        self._groups(self._raw["nodegroups"])
        for section, fill in (
            ("nodes", self._node),
            ("instances", self._instance),
            ("networks", self._network),
            ("disks", self._disk),
        ):
            for uuid, item in self._raw[section].items():
                _default(item, "uuid", uuid)
                fill(item)

    def _cluster(self, cluster: Raw) -> None:
        _default(cluster, "uuid", self._new_uuid())
        self._old_words_of_cluster(cluster)
        family = cluster.get("primary_ip_family")
        _default(cluster, "master_netmask", 128 if family == IPV6_FAMILY else 32)
        _default(cluster, "enabled_disk_templates", self._templates_in_use(cluster))
        if "drbd" in cluster["enabled_disk_templates"]:
            _default(cluster, "drbd_usermode_helper", "/bin/true")
        _declared(cluster, Cluster, but=["data_collectors"])
        for name in registry.names():
            _below(_inner(cluster, "hvparams", name), registry.defaults(name))
        _below(_inner(cluster, "beparams", "default"), be.defaults())
        _below(_inner(cluster, "nicparams", "default"), nic.defaults())
        _below(cluster["ndparams"], nd.defaults())
        for template, defaults in disk.all_defaults().items():
            _below(_inner(cluster, "diskparams", template), defaults)
        _below(cluster["ipolicy"], ipolicy.defaults())

    def _old_words_of_cluster(self, cluster: Raw) -> None:
        bridge = _take(cluster, "default_bridge")
        if bridge:
            _below(_inner(cluster, "nicparams", "default"), {"link": bridge})
        first = _take(cluster, "default_hypervisor")
        if first:
            others = [name for name in cluster["enabled_hypervisors"] if name != first]
            cluster["enabled_hypervisors"] = [first, *others]

    def _templates_in_use(self, cluster: Raw) -> list[str]:
        """Those of the disks there are, and LVM's if there is a volume group."""
        used = {item["dev_type"] for item in self._raw["disks"].values()}
        if any(not item.get("disks") for item in self._raw["instances"].values()):
            used.add("diskless")
        if cluster.get("volume_group_name"):
            used |= {"drbd", "plain"}
        first = [name for name in ("drbd", "plain") if name in used]
        return first + sorted(used.difference(first))

    def _groups(self, groups: Raw) -> None:
        if not groups:
            uuid = self._new_uuid()
            groups[uuid] = {"uuid": uuid, "name": INITIAL}
        for uuid, group in groups.items():
            _default(group, "uuid", uuid)
            _default(group, "mtime", self._now)
            _drop(group, ["members"])
            _declared(group, NodeGroup)
            for connection in group["networks"].values():
                _below(connection, nic.defaults())

    def _node(self, node: Raw) -> None:
        if not node.get("group"):
            node["group"] = self._initial_group()
        _declared(node, Node)
        _drop(node["ndparams"], NdParams.cluster_only())

    def _initial_group(self) -> str:
        groups: Mapping[str, Raw] = self._raw["nodegroups"]
        named = [uuid for uuid, group in groups.items() if group["name"] == INITIAL]
        return (named or list(groups))[0]

    def _instance(self, instance: Raw) -> None:
        was_up = _take(instance, "admin_up")
        if was_up is not None:
            _default(instance, "admin_state", "up" if was_up else "down")
        _drop(instance, ["disk_template"])
        if instance.get("forthcoming"):
            return
        _default(instance, "disks_active", instance.get("admin_state") == "up")
        _declared(instance, Instance)
        _drop(instance["hvparams"], registry.CLUSTER_ONLY)
        for item in instance["nics"]:
            self._nic(item)

    def _nic(self, item: Raw) -> None:
        bridge = _take(item, "bridge")
        if bridge and not item.get("nicparams"):
            item["nicparams"] = {"mode": "bridged", "link": bridge}
        _drop(item, ["pci"])
        if not item.get("uuid"):
            item["uuid"] = self._new_uuid()
        _declared(item, Nic)

    def _network(self, network: Raw) -> None:
        _drop(network, ["network_type", "family"])

    def _disk(self, item: Raw) -> None:
        _drop(item, ["physical_id", "pci"])
        if not item.get("forthcoming"):
            _default(item, "ctime", self._now)
            _default(item, "mtime", self._now)
            _declared(item, Disk)


def _default(item: Raw, key: str, value: Any) -> None:
    if item.get(key) is None:
        item[key] = value


def _drop(item: Raw, keys: Iterable[str]) -> None:
    for key in keys:
        item.pop(key, None)


def _take(item: Raw, key: str) -> Any:
    """The value under an old word, which goes away."""
    return item.pop(key, None)


def _below(item: Raw, defaults: Mapping[str, Any]) -> None:
    for key, value in defaults.items():
        item.setdefault(key, value)


def _inner(item: Raw, *keys: str) -> Raw:
    for key in keys:
        _default(item, key, {})
        item = item[key]
    return item


def _declared(item: Raw, kind: type[Record], but: Iterable[str] = ()) -> None:
    """What the record's declaration says is always in the file."""
    for name, attribute in kind.ATTRIBUTES.items():
        if item.get(name) is None and attribute.is_always_there and name not in but:
            item[name] = types.plain(attribute.missing())


def fill(raw: Raw, new_uuid: Callable[[], str], now: float) -> None:
    """Fill in what the object lacks."""
    Filler(raw, new_uuid, now).run()


def load(data: bytes, new_uuid: Callable[[], str], now: float) -> Config:
    """The configuration in the bytes of the file, filled; raises ConfigurationError."""
    with _paused_collections():
        raw = configfile.parse(data)
        try:
            fill(raw, new_uuid, now)
        except (AttributeError, KeyError, TypeError) as err:
            raise ConfigurationError(f"the configuration file is damaged: {err!r}") from err
        return configfile.from_raw(raw)


@contextmanager
def _paused_collections() -> Iterator[None]:
    """A large file makes a million objects and no garbage; looking for some takes most of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
