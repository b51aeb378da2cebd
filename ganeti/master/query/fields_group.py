# SPDX-License-Identifier: GPL-2.0-or-later
"""The query fields of node groups."""

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
from ganeti.master.query.fields_params import parameter_fields
from ganeti.model.config import Config
from ganeti.model.group import NodeGroup
from ganeti.model.params.nd import NdParams
from ganeti.model.templates import TEMPLATES
from ganeti.utils import text

TEXT, NUMBER, OTHER = Kind.TEXT, Kind.NUMBER, Kind.OTHER


def _nodes(group: NodeGroup, sources: Sources) -> list[str]:
    return [node.name for node in sources.cfg.members(group.uuid)]


def _instances(group: NodeGroup, sources: Sources) -> list[str]:
    cfg = sources.cfg
    found = (i.name for node in cfg.members(group.uuid) for i in cfg.instances_on(node.uuid))
    return text.nice_sort(found)


def _diskparams(group: NodeGroup, sources: Sources) -> dict[str, Any]:
    return {template: sources.cfg.diskparams(group, template) for template in TEMPLATES}


_FIELDS = [
    attribute("name", TEXT, "Group", "Name"),
    attribute("alloc_policy", TEXT, "AllocPolicy", "What the allocator makes of it"),
    Field("diskparams", OTHER, "DiskParameters", "Disk parameters as they count", _diskparams),
    attribute(
        "custom_diskparams",
        OTHER,
        "CustomDiskParameters",
        "Its own disk parameters",
        of="diskparams",
    ),
    Field(
        "ipolicy",
        OTHER,
        "InstancePolicy",
        "Instance policy as it counts",
        lambda g, s: s.cfg.ipolicy(g),
    ),
    attribute(
        "custom_ipolicy", OTHER, "CustomInstancePolicy", "Its own instance policy", of="ipolicy"
    ),
    Field(
        "ndparams",
        OTHER,
        "NDParams",
        "Node parameters as they count",
        lambda g, s: s.cfg.group_ndparams(g),
    ),
    attribute("custom_ndparams", OTHER, "CustomNDParams", "Its own node parameters", of="ndparams"),
    Field("node_cnt", NUMBER, "Nodes", "Number of nodes", lambda g, s: len(_nodes(g, s))),
    Field("node_list", OTHER, "NodeList", "Nodes", _nodes),
    Field(
        "pinst_cnt",
        NUMBER,
        "Instances",
        "Number of instances that have their primary node in it",
        lambda g, s: len(_instances(g, s)),
    ),
    Field(
        "pinst_list",
        OTHER,
        "InstanceList",
        "Instances that have their primary node in it",
        _instances,
    ),
]

_PARAMETERS = parameter_fields(
    "ndp", NdParams.PARAMETERS.values(), lambda g, s: s.cfg.group_ndparams(g)
)


class GroupResource(ConfigResource):
    NAME = "group"
    FIELDS = by_name(_FIELDS, _PARAMETERS, stamps())

    def section(self, cfg: Config) -> Mapping[str, Any]:
        return cfg.groups

    def find(self, cfg: Config, name: str) -> Any:
        return cfg.group(name)
