# SPDX-License-Identifier: GPL-2.0-or-later
"""The query fields of nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganeti.master.query import node_info
from ganeti.master.query.field import (
    Compare,
    ConfigResource,
    Field,
    Kind,
    Need,
    Sources,
    attribute,
    by_name,
    stamps,
)
from ganeti.master.query.fields_params import parameter_fields
from ganeti.master.query.node_info import NodeView
from ganeti.model.config import Config
from ganeti.model.node import Node
from ganeti.model.params.nd import NdParams

TEXT, BOOL, NUMBER, UNIT, OTHER = Kind.TEXT, Kind.BOOL, Kind.NUMBER, Kind.UNIT, Kind.OTHER


def _role(node: Node, view: NodeView) -> str:
    claims = (
        (node.uuid == view.cfg.cluster.master_node, "M"),
        (node.master_candidate, "C"),
        (node.drained, "D"),
        (node.offline, "O"),
    )
    return next((letter for holds, letter in claims if holds), "R")


def _powered(node: Node, view: NodeView) -> bool | None:
    """Known only where an out-of-band program tells."""
    return node.powered if view.cfg.ndparams(node)["oob_program"] else None


def _primaries(node: Node, view: NodeView) -> list[str]:
    return [instance.name for instance in view.cfg.instances_on(node.uuid)]


def _secondaries(node: Node, view: NodeView) -> list[str]:
    return [instance.name for instance in view.cfg.secondaries_on(node.uuid)]


_CONFIG = [
    attribute("name", TEXT, "Node", "Name", compare=Compare.HOST_NAME),
    attribute("pip", TEXT, "PrimaryIP", "Primary address", of="primary_ip"),
    attribute("sip", TEXT, "SecondaryIP", "Secondary address", of="secondary_ip"),
    Field("role", TEXT, "Role", "M master, C candidate, R regular, D drained, O offline", _role),
    Field("master", BOOL, "IsMaster", "Whether it is the master", lambda n, v: _role(n, v) == "M"),
    attribute("master_candidate", BOOL, "MasterC", "Whether it is a master candidate"),
    attribute("master_capable", BOOL, "MasterCapable", "Whether it may become a master candidate"),
    attribute("vm_capable", BOOL, "VMCapable", "Whether it may have instances"),
    attribute("drained", BOOL, "Drained", "Whether it is drained"),
    attribute("offline", BOOL, "Offline", "Whether it is offline"),
    Field("powered", BOOL, "Powered", "Whether it is thought to be powered on", _powered),
    Field("group", TEXT, "Group", "Name of its group", lambda n, v: v.cfg.groups[n.group].name),
    attribute("group.uuid", TEXT, "GroupUUID", "UUID of its group", of="group"),
    Field(
        "ndparams",
        OTHER,
        "NodeParameters",
        "Node parameters as they count",
        lambda n, v: v.cfg.ndparams(n),
    ),
    attribute(
        "custom_ndparams", OTHER, "CustomNodeParameters", "Its own node parameters", of="ndparams"
    ),
    Field("hv_state", OTHER, "HypervisorState", "Recorded capacity for guests", lambda _, __: None),
    Field("disk_state", OTHER, "DiskState", "Recorded capacity for disks", lambda _, __: None),
    Field(
        "pinst_cnt",
        NUMBER,
        "Pinst",
        "Number of instances that have it as primary",
        lambda n, v: len(_primaries(n, v)),
    ),
    Field("pinst_list", OTHER, "PriInstances", "Instances that have it as primary", _primaries),
    Field(
        "sinst_cnt",
        NUMBER,
        "Sinst",
        "Number of instances that have it as secondary",
        lambda n, v: len(_secondaries(n, v)),
    ),
    Field("sinst_list", OTHER, "SecInstances", "Instances that have it as secondary", _secondaries),
]


def _live(name: str, kind: Kind, title: str, doc: str, key: str) -> Field:
    return Field(name, kind, title, doc, node_info.reader(key), Need.NODE_INFO)


_LIVE = [
    Field("bootid", TEXT, "BootID", "Changes with every boot", node_info.boot_id, Need.NODE_INFO),
    _live("cnodes", NUMBER, "CNodes", "NUMA nodes", "cpu_nodes"),
    _live("cnos", NUMBER, "CNOs", "CPUs that the node's own system uses", "cpu_dom0"),
    _live("csockets", NUMBER, "CSockets", "CPU sockets", "cpu_sockets"),
    _live("ctotal", NUMBER, "CTotal", "Logical CPUs", "cpu_total"),
    _live("dfree", UNIT, "DFree", "Free disk space", "storage_free"),
    _live("dtotal", UNIT, "DTotal", "Disk space", "storage_size"),
    _live("mfree", UNIT, "MFree", "Memory that is free for instances", "memory_free"),
    _live("mnode", UNIT, "MNode", "Memory that the node's own system uses", "memory_dom0"),
    _live("mtotal", UNIT, "MTotal", "Memory", "memory_total"),
    _live("spfree", NUMBER, "SpFree", "Free spindles", "spindles_free"),
    _live("sptotal", NUMBER, "SpTotal", "Spindles", "spindles_total"),
]

_PARAMETERS = parameter_fields("ndp", NdParams.PARAMETERS.values(), lambda n, v: v.cfg.ndparams(n))


class NodeResource(ConfigResource):
    NAME = "node"
    FIELDS = by_name(_CONFIG, _LIVE, _PARAMETERS, stamps())

    def section(self, cfg: Config) -> Mapping[str, Any]:
        return cfg.nodes

    def find(self, cfg: Config, name: str) -> Any:
        return cfg.node(name)

    def view(self, sources: Sources, items: Sequence[Any], needs: frozenset[Need]) -> NodeView:
        live = node_info.ask(sources, items) if Need.NODE_INFO in needs else {}
        return NodeView(sources.cfg, live)
