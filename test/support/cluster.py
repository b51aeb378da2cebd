# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds configurations for tests, in one line:

    cfg = a_cluster().with_nodes("n1", "n2").with_instance("web", template="drbd").build()

Names are as given, UUIDs and addresses are counted up, times stand still. The first node is the
master. What is not said is as `gnt-cluster init` leaves it.
"""

from __future__ import annotations

from typing import Any

from ganeti.model import configfile, templates, upgrade
from ganeti.model.cluster import Cluster
from ganeti.model.config import Config
from ganeti.model.disk import Disk
from ganeti.model.group import INITIAL, NodeGroup
from ganeti.model.instance import Instance
from ganeti.model.network import Network
from ganeti.model.nic import Nic
from ganeti.model.node import Node
from ganeti.version import CONFIG

NOW = 1700000000.0
ALL_TEMPLATES = tuple(sorted(templates.TEMPLATES))


def a_uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


class ClusterBuilder:
    """Collects what the cluster shall have; `build` makes the configuration."""

    def __init__(self) -> None:
        self._count = 0
        self._nodes: dict[str, Node] = {}
        self._groups: dict[str, NodeGroup] = {}
        self._networks: dict[str, Network] = {}
        self._instances: list[Instance] = []
        self._disks: list[Disk] = []
        self._minors: dict[str, int] = {}
        self._port = 10999
        self._cluster: dict[str, Any] = {}
        self._cluster_uuid = self._uuid()
        self.with_group(INITIAL)

    def _uuid(self) -> str:
        self._count += 1
        return a_uuid(self._count)

    def with_cluster(self, **attributes: Any) -> ClusterBuilder:
        """Attributes of the cluster itself; the last call counts."""
        self._cluster |= attributes
        return self

    def with_group(self, name: str, **attributes: Any) -> ClusterBuilder:
        attributes = {"ctime": NOW, "mtime": NOW, **attributes}
        self._groups[name] = NodeGroup(uuid=self._uuid(), name=name, **attributes)
        return self

    def with_network(
        self, name: str, network: str, *, groups: tuple[str, ...] = (), **attributes: Any
    ) -> ClusterBuilder:
        """A network, connected to the groups as a bridge of its name."""
        record = Network(uuid=self._uuid(), name=name, network=network, serial_no=1, **attributes)
        self._networks[name] = record
        for group in groups:
            old = self._groups[group]
            connection = {"mode": "bridged", "link": f"br-{name}", "vlan": ""}
            new = {**old.networks, record.uuid: connection}
            self._groups[group] = old.replace(networks=new)
        return self

    def with_node(self, name: str, *, group: str = INITIAL, **attributes: Any) -> ClusterBuilder:
        number = len(self._nodes) + 1
        suffix = f"{number // 250}.{number % 250 + 1}"
        roles = ("offline", "drained")
        defaults: dict[str, Any] = {
            "uuid": self._uuid(),
            "primary_ip": f"10.0.{suffix}",
            "secondary_ip": f"10.1.{suffix}",
            "master_candidate": not any(attributes.get(role) for role in roles),
            "offline": False,
            "drained": False,
            "serial_no": 1,
            "ctime": NOW,
            "mtime": NOW,
            "group": self._groups[group].uuid,
        }
        self._nodes[name] = Node(name=name, **(defaults | attributes))
        return self

    def with_nodes(self, *names: str) -> ClusterBuilder:
        for name in names:
            self.with_node(name)
        return self

    def with_instance(
        self,
        name: str,
        *,
        template: str = "diskless",
        on: str | None = None,
        secondary: str | None = None,
        disks: int = 1,
        size: int = 1024,
        nics: int = 1,
        **attributes: Any,
    ) -> ClusterBuilder:
        """On the first node, and if mirrored also on the next, unless said otherwise."""
        if not self._nodes:
            self.with_nodes("n1")
        primary = self._nodes[on or next(iter(self._nodes))]
        peers = [primary.uuid]
        if templates.TEMPLATES[template].nodes > 1:
            peers.append(self._nodes[secondary or self._other_than(primary.name)].uuid)
        uuid = self._uuid()
        made = self._new_disks(template, peers, disks, size, name)
        self._disks += made
        defaults: dict[str, Any] = {
            "os": "noop",
            "hypervisor": "kvm",
            "nics": tuple(self._nic() for _ in range(nics)),
            "disks": tuple(disk.uuid for disk in made),
            "serial_no": 1,
            "ctime": NOW,
            "mtime": NOW,
        }
        merged = defaults | attributes
        self._instances.append(Instance(uuid=uuid, name=name, primary_node=primary.uuid, **merged))
        return self

    def _other_than(self, name: str) -> str:
        if len(self._nodes) == 1:
            self.with_node(f"{name}-peer")
        return next(other for other in self._nodes if other != name)

    def _nic(self) -> Nic:
        uuid = self._uuid()
        return Nic(uuid=uuid, mac=f"aa:00:00:{uuid[-6:-4]}:{uuid[-4:-2]}:{uuid[-2:]}")

    def _new_disks(
        self, template: str, nodes: list[str], count: int, size: int, name: str
    ) -> tuple[Disk, ...]:
        if template == "diskless":
            return ()
        request = {"size": size, "adopt": f"/dev/disk/by-id/{name}", "provider": "provider"}
        if not templates.TEMPLATES[template].must_adopt:
            del request["adopt"]
        made = templates.new_disks(
            template,
            [request] * count,
            nodes=nodes,
            new_uuid=self._uuid,
            directory=f"/srv/ganeti/{template}/{name}",
            file_driver="loop",
            vg="xenvg",
            drbd=self._drbd,
        )
        return tuple(disk.replace(ctime=NOW, mtime=NOW) for disk in made)

    def _drbd(self, nodes: Any) -> templates.DrbdNumbers:
        self._port += 1
        minors = []
        for node in nodes:
            minors.append(self._minors.get(node, 0))
            self._minors[node] = minors[-1] + 1
        return templates.DrbdNumbers(self._port, (minors[0], minors[1]), f"{self._port:040x}")

    def build(self) -> Config:
        if not self._nodes:
            self.with_nodes("n1")
        raw: dict[str, Any] = {
            "version": CONFIG,
            "cluster": self._built_cluster().raw(),
            "nodes": _by_uuid(self._nodes.values()),
            "nodegroups": _by_uuid(self._groups.values()),
            "instances": _by_uuid(self._instances),
            "networks": _by_uuid(self._networks.values()),
            "disks": _by_uuid(self._disks),
            "filters": {},
            "serial_no": 1,
            "ctime": NOW,
            "mtime": NOW,
        }
        upgrade.fill(raw, self._uuid, NOW)
        return configfile.from_raw(raw)

    def _built_cluster(self) -> Cluster:
        master = next(iter(self._nodes.values()))
        defaults: dict[str, Any] = {
            "uuid": self._cluster_uuid,
            "cluster_name": "cluster.example.com",
            "serial_no": 1,
            "ctime": NOW,
            "mtime": NOW,
            "rsahostkeypub": "AAAAB3",
            "highest_used_port": self._port,
            "mac_prefix": "aa:00:00",
            "master_node": master.uuid,
            "master_ip": "10.9.9.9",
            "master_netdev": "eth0",
            "volume_group_name": "xenvg",
            "enabled_hypervisors": ("kvm", "fake"),
            "enabled_disk_templates": ALL_TEMPLATES,
            "candidate_pool_size": 10,
        }
        return Cluster(**(defaults | self._cluster))


def _by_uuid(records: Any) -> dict[str, Any]:
    return {record.uuid: record.raw() for record in records}


def a_cluster() -> ClusterBuilder:
    """A cluster with the group ``default``."""
    return ClusterBuilder()
