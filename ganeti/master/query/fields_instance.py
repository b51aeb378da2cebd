# SPDX-License-Identifier: GPL-2.0-or-later
"""The query fields of instances."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganeti.master.query import running
from ganeti.master.query.field import (
    Compare,
    ConfigResource,
    Field,
    Getter,
    Kind,
    Need,
    Sources,
    attribute,
    by_name,
    stamps,
)
from ganeti.master.query.fields_nic import nic_fields
from ganeti.master.query.fields_params import parameter_fields
from ganeti.master.query.running import InstanceView
from ganeti.model.config import Config
from ganeti.model.instance import Instance
from ganeti.model.node import Node
from ganeti.model.params.be import BeParams
from ganeti.model.params.declare import Parameter
from ganeti.model.params.hv import registry
from ganeti.model.templates import TEMPLATES

DISKS = 16

TEXT, BOOL, NUMBER, UNIT, OTHER = Kind.TEXT, Kind.BOOL, Kind.NUMBER, Kind.UNIT, Kind.OTHER
HOST_NAME, RUNNING = Compare.HOST_NAME, Need.RUNNING


def _primary(instance: Instance, view: InstanceView) -> Node | None:
    """None of a reservation that has no node yet."""
    return view.cfg.nodes.get(instance.primary_node)


def _primary_name(instance: Instance, view: InstanceView) -> str | None:
    node = _primary(instance, view)
    return node.name if node else None


def _group_uuid(instance: Instance, view: InstanceView) -> str | None:
    node = _primary(instance, view)
    return node.group if node else None


def _group_name(instance: Instance, view: InstanceView) -> str | None:
    node = _primary(instance, view)
    return view.cfg.groups[node.group].name if node else None


def _secondaries(instance: Instance, view: InstanceView) -> list[Node]:
    return [view.cfg.nodes[uuid] for uuid in view.cfg.nodes_of(instance)[1:]]


def _hvparams(instance: Instance, view: InstanceView) -> dict[str, Any]:
    """Without those that only the cluster has."""
    if not instance.hypervisor:
        return {}
    only = registry.of(instance.hypervisor).cluster_only()
    return {n: v for n, v in view.cfg.hvparams(instance).items() if n not in only}


def _disk_usage(instance: Instance, view: InstanceView) -> int:
    disks = view.cfg.disks_of(instance)
    return sum(TEMPLATES[disk.dev_type].space_mib(disk.size) for disk in disks)


def _disk_values(name: str, instance: Instance, view: InstanceView) -> list[Any]:
    return [getattr(disk, name) for disk in view.cfg.disks_of(instance)]


_PLAIN = [
    attribute("name", TEXT, "Instance", "Name", compare=HOST_NAME),
    attribute("admin_state", TEXT, "InstanceState", "State it should be in: up, down or offline"),
    attribute(
        "admin_state_source", TEXT, "InstanceStateSource", "Who set the state: admin or user"
    ),
    Field(
        "admin_up", BOOL, "Autostart", "Whether it should run", lambda i, _: i.admin_state == "up"
    ),
    Field(
        "beparams",
        OTHER,
        "BackendParameters",
        "Backend parameters as they count",
        lambda i, v: v.cfg.beparams(i),
    ),
    attribute(
        "custom_beparams",
        OTHER,
        "CustomBackendParameters",
        "Its own backend parameters",
        of="beparams",
    ),
    attribute(
        "custom_hvparams",
        OTHER,
        "CustomHypervisorParameters",
        "Its own hypervisor parameters",
        of="hvparams",
    ),
    Field(
        "custom_nicparams",
        OTHER,
        "CustomNicParameters",
        "Own parameters of each NIC",
        lambda i, _: [nic.nicparams for nic in i.nics],
    ),
    attribute(
        "custom_osparams", OTHER, "CustomOpSysParameters", "Its own OS parameters", of="osparams"
    ),
    attribute("disks_active", BOOL, "DisksActive", "Whether its disks should be active"),
    attribute("forthcoming", BOOL, "Forthcoming", "Whether it is only reserved"),
    Field(
        "hvparams", OTHER, "HypervisorParameters", "Hypervisor parameters as they count", _hvparams
    ),
    attribute("hypervisor", TEXT, "Hypervisor", "Hypervisor"),
    attribute("network_port", OTHER, "Network_port", "TCP port of its console"),
    attribute("os", TEXT, "OS", "Operating system"),
    Field(
        "osparams",
        OTHER,
        "OpSysParameters",
        "OS parameters as they count",
        lambda i, v: v.cfg.osparams(i),
    ),
]

_PLACE = [
    Field("pnode", TEXT, "Primary_node", "Primary node", _primary_name, compare=HOST_NAME),
    Field("pnode.group", TEXT, "PrimaryNodeGroup", "Group of the primary node", _group_name),
    Field(
        "pnode.group.uuid",
        TEXT,
        "PrimaryNodeGroupUUID",
        "UUID of the primary node's group",
        _group_uuid,
    ),
    Field(
        "snodes",
        OTHER,
        "Secondary_Nodes",
        "Secondary nodes",
        lambda i, v: [n.name for n in _secondaries(i, v)],
    ),
    Field(
        "snodes.group",
        OTHER,
        "SecondaryNodesGroups",
        "Groups of the secondary nodes",
        lambda i, v: [v.cfg.groups[n.group].name for n in _secondaries(i, v)],
    ),
    Field(
        "snodes.group.uuid",
        OTHER,
        "SecondaryNodesGroupsUUID",
        "UUIDs of the secondary nodes' groups",
        lambda i, v: [n.group for n in _secondaries(i, v)],
    ),
]

_LIVE = [
    Field("console", OTHER, "Console", "How its console is reached", running.console, RUNNING),
    Field("oper_ram", UNIT, "Memory", "Memory that it has now", running.memory, RUNNING),
    Field("oper_state", BOOL, "Running", "Whether it runs", running.runs, RUNNING),
    Field("oper_vcpus", NUMBER, "VCPUs", "Virtual CPUs that it has now", running.vcpus, RUNNING),
    Field(
        "status", TEXT, "Status", "What it should do and does, in one word", running.status, RUNNING
    ),
]

_DISKS = [
    Field("disk.count", NUMBER, "Disks", "Number of disks", lambda i, _: len(i.disks)),
    Field(
        "disk.names",
        OTHER,
        "Disk_names",
        "Names of the disks",
        lambda i, v: _disk_values("name", i, v),
    ),
    Field(
        "disk.sizes",
        OTHER,
        "Disk_sizes",
        "Sizes of the disks in MiB",
        lambda i, v: _disk_values("size", i, v),
    ),
    Field(
        "disk.spindles",
        OTHER,
        "Disk_spindles",
        "Spindles of the disks",
        lambda i, v: _disk_values("spindles", i, v),
    ),
    Field("disk.uuids", OTHER, "Disk_UUIDs", "UUIDs of the disks", lambda i, _: list(i.disks)),
    Field(
        "disk_template", TEXT, "Disk_template", "Disk template", lambda i, v: v.cfg.disk_template(i)
    ),
    Field(
        "disk_usage", UNIT, "DiskUsage", "Space its disks take on each of its nodes", _disk_usage
    ),
]

_OF_ONE_DISK = (
    ("disk.name", TEXT, "DiskName", "Name of disk {}", "name"),
    ("disk.size", UNIT, "Disk", "Size of disk {}", "size"),
    ("disk.spindles", NUMBER, "DiskSpindles", "Spindles of disk {}", "spindles"),
    ("disk.uuid", TEXT, "DiskUUID", "UUID of disk {}", "uuid"),
)


def _of_disk(number: int, name: str) -> Getter:
    def get(instance: Instance, view: InstanceView) -> Any:
        disks = view.cfg.disks_of(instance)
        return getattr(disks[number], name) if number < len(disks) else None

    return get


def _disk_fields() -> Iterator[Field]:
    for name, kind, title, doc, of in _OF_ONE_DISK:
        for n in range(DISKS):
            yield Field(f"{name}/{n}", kind, f"{title}/{n}", doc.format(n), _of_disk(n, of))


def _hypervisor_parameters() -> list[Parameter]:
    """Each name once: all hypervisors mean the same by it. A declaration with a title is preferred."""
    found: dict[str, Parameter] = {}
    for hypervisor in registry.names():
        for name, parameter in registry.of(hypervisor).PARAMETERS.items():
            if name not in found or parameter.title:
                found[name] = parameter
    return [p for name, p in found.items() if name not in registry.CLUSTER_ONLY]


_PARAMETERS = [
    *parameter_fields("be", BeParams.PARAMETERS.values(), lambda i, v: v.cfg.beparams(i)),
    *parameter_fields("hv", _hypervisor_parameters(), _hvparams),
]

ALIASES = {
    "vcpus": "be/vcpus",
    "be/memory": "be/maxmem",
    "sda_size": "disk.size/0",
    "sdb_size": "disk.size/1",
    "ip": "nic.ip/0",
    "mac": "nic.mac/0",
    "bridge": "nic.bridge/0",
    "nic_mode": "nic.mode/0",
    "nic_link": "nic.link/0",
    "nic_network": "nic.network/0",
}
"""An alias has a name of its own; all else is that of its target."""


def _with_aliases(fields: Mapping[str, Field]) -> dict[str, Field]:
    aliases = (dataclasses.replace(fields[target], name=alias) for alias, target in ALIASES.items())
    return {**fields, **by_name(aliases)}


class InstanceResource(ConfigResource):
    NAME = "instance"
    FIELDS = _with_aliases(
        by_name(_PLAIN, _PLACE, _LIVE, _DISKS, _disk_fields(), nic_fields(), _PARAMETERS, stamps())
    )

    def section(self, cfg: Config) -> Mapping[str, Any]:
        return cfg.instances

    def find(self, cfg: Config, name: str) -> Any:
        return cfg.instance(name)

    def view(self, sources: Sources, items: Sequence[Any], needs: frozenset[Need]) -> InstanceView:
        live = running.ask(sources, items) if RUNNING in needs else None
        return InstanceView(sources.cfg, sources.services.paths, live)
