# SPDX-License-Identifier: GPL-2.0-or-later
"""The query fields of the cluster, of which there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti import version
from ganeti.master.query.field import Compare, Field, Kind, Need, Resource, Sources, by_name
from ganeti.utils import files

TEXT, NUMBER, TIMESTAMP, OTHER = Kind.TEXT, Kind.NUMBER, Kind.TIMESTAMP, Kind.OTHER
HOST_NAME = Compare.HOST_NAME


def watcher_pause(sources: Sources) -> int | None:
    """Until when the watcher of the master pauses."""
    try:
        content = files.read_text(sources.services.paths.watcher_pause).strip()
    except FileNotFoundError:
        return None
    return int(content) if content.isdecimal() else None


_FIELDS = [
    Field("name", TEXT, "Name", "Name", lambda c, _: c.cluster_name, compare=HOST_NAME),
    Field("cluster_name", TEXT, "Name", "Name", lambda c, _: c.cluster_name, compare=HOST_NAME),
    Field(
        "master_node", TEXT, "Master", "Master", lambda _, s: s.cfg.master.name, compare=HOST_NAME
    ),
    Field(
        "volume_group_name", TEXT, "VgName", "LVM volume group", lambda c, _: c.volume_group_name
    ),
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
        lambda _, s: watcher_pause(s),
    ),
    Field(
        "architecture",
        OTHER,
        "ArchInfo",
        "Word size and machine of the master",
        lambda _, s: s.services.architecture,
    ),
    Field(
        "software_version",
        TEXT,
        "SoftwareVersion",
        "Version of the software",
        lambda _, __: version.RELEASE,
    ),
    Field("vcs_version", TEXT, "VCSVersion", "Revision of the software", lambda _, __: version.VCS),
    Field(
        "protocol_version",
        NUMBER,
        "ProtocolVersion",
        "Version of the calls to nodes",
        lambda _, __: version.PROTOCOL,
    ),
    Field(
        "config_version",
        NUMBER,
        "ConfigVersion",
        "Version of the configuration",
        lambda _, __: version.CONFIG,
    ),
    Field(
        "os_api_version",
        NUMBER,
        "OsApiVersion",
        "Newest version of the OS interface",
        lambda _, __: version.OS_API,
    ),
    Field(
        "export_version",
        NUMBER,
        "ExportVersion",
        "Version of exports",
        lambda _, __: version.EXPORT,
    ),
    Field("ctime", TIMESTAMP, "CTime", "Time of creation", lambda c, _: c.ctime),
    Field("mtime", TIMESTAMP, "MTime", "Time of the last change", lambda c, _: c.mtime),
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
