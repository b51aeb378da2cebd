# SPDX-License-Identifier: GPL-2.0-or-later
"""What is filled in when a configuration is loaded: defaults, UUIDs, words of older releases.

Works on the JSON object of a file of the present version, before records are made of it. A file that
lacks nothing is left as it is. (From one version to the next goes the tool cfgupgrade.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

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
from ganeti.schema.record import REQUIRED, Kind, Record

Raw = dict[str, Any]

IPV6_FAMILY = 10


class Filler:
    """Fills one JSON object. `changed` tells whether anything was missing."""

    def __init__(self, raw: Raw, new_uuid: Callable[[], str], now: float) -> None:
        self._raw, self._new_uuid, self._now = raw, new_uuid, now
        self.changed = False

    def run(self) -> None:
        for section in ("nodegroups", "networks", "disks", "filters"):
            self._default(self._raw, section, {})
        self._default(self._raw, "ctime", 0)
        self._default(self._raw, "mtime", 0)
        self._cluster(self._raw["cluster"])
        self._groups(self._raw["nodegroups"])
        for section, fill in (
            ("nodes", self._node),
            ("instances", self._instance),
            ("networks", self._network),
            ("disks", self._disk),
        ):
            for uuid, item in self._raw[section].items():
                self._default(item, "uuid", uuid)
                fill(item)

    # The few ways in which something is changed.

    def _default(self, item: Raw, key: str, value: Any) -> None:
        if item.get(key) is None:
            item[key] = value
            self.changed = True

    def _drop(self, item: Raw, keys: Iterable[str]) -> None:
        for key in keys:
            if key in item:
                del item[key]
                self.changed = True

    def _take(self, item: Raw, key: str) -> Any:
        """The value under an old word, which goes away."""
        value = item.get(key)
        self._drop(item, [key])
        return value

    def _below(self, item: Raw, defaults: Mapping[str, Any]) -> None:
        for key, value in defaults.items():
            if key not in item:
                item[key] = value
                self.changed = True

    def _inner(self, item: Raw, *keys: str) -> Raw:
        for key in keys:
            self._default(item, key, {})
            item = item[key]
        return item

    def _declared(self, item: Raw, kind: type[Record], but: Iterable[str] = ()) -> None:
        """What the record's declaration says is always in the file."""
        for name, attribute in kind.ATTRIBUTES.items():
            optional = attribute.kind is not Kind.STORED or attribute.default is REQUIRED
            if not optional and name not in but:
                self._default(item, name, types.plain(attribute.missing()))

    # The objects.

    def _cluster(self, cluster: Raw) -> None:
        self._default(cluster, "uuid", self._new_uuid())
        self._old_words_of_cluster(cluster)
        family = cluster.get("primary_ip_family")
        self._default(cluster, "master_netmask", 128 if family == IPV6_FAMILY else 32)
        self._default(cluster, "enabled_disk_templates", self._templates_in_use(cluster))
        if "drbd" in cluster["enabled_disk_templates"]:
            self._default(cluster, "drbd_usermode_helper", "/bin/true")
        self._declared(cluster, Cluster, but=["data_collectors"])
        for name in registry.names():
            self._below(self._inner(cluster, "hvparams", name), registry.defaults(name))
        self._below(self._inner(cluster, "beparams", "default"), be.defaults())
        self._below(self._inner(cluster, "nicparams", "default"), nic.defaults())
        self._below(cluster["ndparams"], nd.defaults())
        for template, defaults in disk.all_defaults().items():
            self._below(self._inner(cluster, "diskparams", template), defaults)
        self._below(cluster["ipolicy"], ipolicy.defaults())

    def _old_words_of_cluster(self, cluster: Raw) -> None:
        bridge = self._take(cluster, "default_bridge")
        if bridge:
            self._below(self._inner(cluster, "nicparams", "default"), {"link": bridge})
        first = self._take(cluster, "default_hypervisor")
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
            self._default(group, "uuid", uuid)
            self._default(group, "mtime", self._now)
            self._drop(group, ["members"])
            self._declared(group, NodeGroup)
            for connection in group["networks"].values():
                self._below(connection, nic.defaults())

    def _node(self, node: Raw) -> None:
        if not node.get("group"):
            node["group"] = self._initial_group()
            self.changed = True
        self._declared(node, Node)
        self._drop(node["ndparams"], NdParams.cluster_only())

    def _initial_group(self) -> str:
        groups: Mapping[str, Raw] = self._raw["nodegroups"]
        named = [uuid for uuid, group in groups.items() if group["name"] == INITIAL]
        return (named or list(groups))[0]

    def _instance(self, instance: Raw) -> None:
        was_up = self._take(instance, "admin_up")
        if was_up is not None:
            self._default(instance, "admin_state", "up" if was_up else "down")
        self._drop(instance, ["disk_template"])
        if instance.get("forthcoming"):
            return
        self._default(instance, "disks_active", instance.get("admin_state") == "up")
        self._declared(instance, Instance)
        self._drop(instance["hvparams"], registry.CLUSTER_ONLY)
        for item in instance["nics"]:
            self._nic(item)

    def _nic(self, item: Raw) -> None:
        bridge = self._take(item, "bridge")
        if bridge and not item.get("nicparams"):
            item["nicparams"] = {"mode": "bridged", "link": bridge}
        self._drop(item, ["pci"])
        if not item.get("uuid"):
            item["uuid"] = self._new_uuid()
            self.changed = True
        self._declared(item, Nic)

    def _network(self, network: Raw) -> None:
        self._drop(network, ["network_type", "family"])

    def _disk(self, item: Raw) -> None:
        self._drop(item, ["physical_id", "pci"])
        if not item.get("forthcoming"):
            self._default(item, "ctime", self._now)
            self._default(item, "mtime", self._now)
            self._declared(item, Disk)


def fill(raw: Raw, new_uuid: Callable[[], str], now: float) -> bool:
    """Fill in what the object lacks; True if it lacked anything."""
    filler = Filler(raw, new_uuid, now)
    filler.run()
    return filler.changed


class Loaded(NamedTuple):
    """`changed`: the file should be written, for it lacked something."""

    config: Config
    changed: bool


def load(data: bytes, new_uuid: Callable[[], str], now: float) -> Loaded:
    """The configuration in the bytes of the file, filled; raises ConfigurationError."""
    raw = configfile.parse(data)
    changed = fill(raw, new_uuid, now)
    return Loaded(configfile.from_raw(raw), changed)
