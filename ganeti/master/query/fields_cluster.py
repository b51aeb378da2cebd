# SPDX-License-Identifier: GPL-2.0-or-later
"""The query fields of the cluster, of which there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti import version
from ganeti.master.query.field import (
    Compare,
    Field,
    Kind,
    Need,
    Resource,
    Sources,
    attribute,
    by_name,
)
from ganeti.model.cluster import Cluster
from ganeti.utils import files

TEXT, NUMBER, TIMESTAMP, OTHER = Kind.TEXT, Kind.NUMBER, Kind.TIMESTAMP, Kind.OTHER
HOST_NAME = Compare.HOST_NAME


def _version(name: str, kind: Kind, title: str, doc: str, value: object) -> Field:
    return Field(name, kind, title, doc, lambda _, __: value)


def _watcher_pause(_cluster: Cluster, sources: Sources) -> int | None:
    """Until when the watcher of the master pauses."""
    try:
        content = files.read_text(sources.services.paths.watcher_pause).strip()
    except FileNotFoundError:
        return None
    return int(content) if content.isdecimal() else None


_FIELDS = [
    attribute("name", TEXT, "Name", "Name", of="cluster_name", compare=HOST_NAME),
    attribute("cluster_name", TEXT, "Name", "Name", compare=HOST_NAME),
    Field(
        "master_node", TEXT, "Master", "Master", lambda _, s: s.cfg.master.name, compare=HOST_NAME
    ),
    attribute("volume_group_name", TEXT, "VgName", "LVM volume group"),
    Field(
        "drain_flag",
        Kind.BOOL,
        "QueueDrained",
        "Whether no job is accepted",
        lambda _, s: s.services.jobs.is_drained,
    ),
    Field(
        "watcher_pause",
        TIMESTAMP,
        "WatcherPause",
        "Until when the watcher pauses",
        _watcher_pause,
    ),
    Field(
        "architecture",
        OTHER,
        "ArchInfo",
        "Word size and machine of the master",
        lambda _, s: s.services.architecture,
    ),
    _version(
        "software_version", TEXT, "SoftwareVersion", "Version of the software", version.RELEASE
    ),
    _version("vcs_version", TEXT, "VCSVersion", "Revision of the software", version.VCS),
    _version(
        "protocol_version",
        NUMBER,
        "ProtocolVersion",
        "Version of the calls to nodes",
        version.PROTOCOL,
    ),
    _version(
        "config_version", NUMBER, "ConfigVersion", "Version of the configuration", version.CONFIG
    ),
    _version(
        "os_api_version",
        NUMBER,
        "OsApiVersion",
        "Newest version of the OS interface",
        version.OS_API,
    ),
    _version("export_version", NUMBER, "ExportVersion", "Version of exports", version.EXPORT),
    attribute("ctime", TIMESTAMP, "CTime", "Time of creation"),
    attribute("mtime", TIMESTAMP, "MTime", "Time of the last change"),
    Field("tags", OTHER, "Tags", "Tags", lambda c, _: list(c.tags)),
]


class ClusterResource(Resource):
    NAME = "cluster"
    FIELDS = by_name(_FIELDS)

    def everything(self, sources: Sources, needs: frozenset[Need]) -> Sequence[Any]:
        return [sources.cfg.cluster]

    def named(self, sources: Sources, keys: Sequence[Any], *, strict: bool) -> Sequence[Any]:
        cluster = sources.cfg.cluster
        return [cluster] if cluster.cluster_name in keys else []
