# SPDX-License-Identifier: GPL-2.0-or-later
"""``QueryClusterInfo`` and ``QueryConfigValues``.

The keys of the former are an interface (LUXI, "QueryClusterInfo keys").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti import version
from ganeti.master.query.field import Absent, Sources
from ganeti.master.query.fields_cluster import ClusterResource
from ganeti.master.services import Services
from ganeti.model import ipolicy
from ganeti.model.config import Config
from ganeti.model.params.hv import registry
from ganeti.model.templates import TEMPLATES
from ganeti.utils import net

_AS_STORED = (
    *("os_hvp", "osparams", "candidate_pool_size", "max_running_jobs", "max_tracked_jobs"),
    *("mac_prefix", "master_netdev", "master_netmask", "use_external_mip_script"),
    *("volume_group_name", "drbd_usermode_helper", "file_storage_dir"),
    *("shared_file_storage_dir", "gluster_storage_dir", "maintain_node_health", "ctime", "mtime"),
    *("uuid", "tags", "uid_pool", "default_iallocator", "default_iallocator_params"),
    *("reserved_lvs", "prealloc_wipe_disks", "hidden_os", "blacklisted_os"),
    *("enabled_disk_templates", "install_image", "instance_communication_network"),
    *("zeroing_image", "compression_tools", "enabled_user_shutdown", "modify_ssh_setup"),
    *("ssh_key_type", "ssh_key_bits", "enabled_hypervisors"),
)
BEHIND = "candidates_behind"
"""Ours, not of the original: the candidates that lack what was acknowledged, and why."""
_SETTINGS = ("modify_ssh_setup", "ssh_key_type", "ssh_key_bits")


def cluster_info(services: Services) -> dict[str, Any]:
    """All about the cluster."""
    cfg = services.store.current
    return {
        **_versions(),
        "architecture": list(services.architecture),
        "name": cfg.cluster.cluster_name,
        "master": cfg.master.name,
        "default_hypervisor": cfg.cluster.enabled_hypervisors[0],
        "primary_ip_version": 6 if cfg.cluster.primary_ip_family == net.IPV6 else 4,
        **{name: getattr(cfg.cluster, name) for name in _AS_STORED},
        **_parameters(cfg),
        **_collectors(cfg),
    }


def _versions() -> dict[str, Any]:
    return {
        "software_version": version.RELEASE,
        "protocol_version": version.PROTOCOL,
        "config_version": version.CONFIG,
        "os_api_version": version.OS_API,
        "export_version": version.EXPORT,
        "vcs_version": version.VCS,
    }


def _parameters(cfg: Config) -> dict[str, Any]:
    """Filled."""
    return {
        "hvparams": {name: cfg.cluster_hvparams(name) for name in registry.names()},
        "beparams": {"default": cfg.cluster_beparams()},
        "nicparams": {"default": cfg.cluster_nicparams()},
        "ndparams": cfg.cluster_ndparams(),
        "diskparams": {name: cfg.cluster_diskparams(name) for name in TEMPLATES},
        "ipolicy": ipolicy.filled(cfg.cluster.ipolicy),
    }


def _collectors(cfg: Config) -> dict[str, Any]:
    collectors = cfg.cluster.data_collectors
    return {
        "enabled_data_collectors": {n: c.get("active", True) for n, c in collectors.items()},
        "data_collector_interval": {n: c.get("interval") for n, c in collectors.items()},
    }


def config_values(services: Services, names: Sequence[str]) -> list[Any]:
    """Values in order; null for what is not known."""
    sources = Sources(services)
    return [_config_value(sources, name) for name in names]


def _config_value(sources: Sources, name: str) -> Any:
    if name == BEHIND:
        return dict(sources.services.behind())
    if name in _SETTINGS:
        return getattr(sources.cfg.cluster, name)
    field = ClusterResource.FIELDS.get(name)
    value = field.get(sources.cfg.cluster, sources) if field else None
    return None if isinstance(value, Absent) else value
