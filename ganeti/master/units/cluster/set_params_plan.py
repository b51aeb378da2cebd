# SPDX-License-Identifier: GPL-2.0-or-later
"""The cluster as a request wants it: pure functions of the configuration and the opcode.

They run twice, for the checks and again in the transaction, so that requests at the same moment
do not overwrite each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ganeti.errors import Code, OpPrereqError
from ganeti.master.units.cluster import parameter_changes
from ganeti.model import settings
from ganeti.model.cluster import Cluster
from ganeti.model.config import Config
from ganeti.model.params import state
from ganeti.opcodes.cluster import OpClusterSetParams
from ganeti.utils import net

ListChanges = Iterable[tuple[str, str]]

_AS_GIVEN = (
    *("candidate_pool_size", "max_running_jobs", "max_tracked_jobs", "maintain_node_health"),
    *("prealloc_wipe_disks", "use_external_mip_script", "modify_etc_hosts"),
    *("enabled_user_shutdown", "default_iallocator", "default_iallocator_params"),
)


def cluster_after(cluster: Cluster, op: OpClusterSetParams) -> Cluster:
    """The cluster with all that the request names changed; raises what is wrong with a value."""
    changes = {name: getattr(op, name) for name in _AS_GIVEN if getattr(op, name) is not None}
    for name, change in (*parameter_changes.CHANGES.items(), *_CHECKED.items()):
        given = getattr(op, name)
        if given is not None:
            changes[_STORED_AS.get(name, name)] = change(cluster, given)
    return cluster.replace(**changes, **_uids(cluster, op), **_collectors(cluster, op))


def config_after(cfg: Config, op: OpClusterSetParams) -> Config:
    """The whole configuration with that cluster, to see what follows for everything else."""
    return cfg.changed([cluster_after(cfg.cluster, op)], [])


def hvparams_to_confirm(
    before: Config, after: Config, op: OpClusterSetParams
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What enabled hypervisors would use and no node has confirmed: for the cluster and by OS."""
    newly = {*after.cluster.enabled_hypervisors} - {*before.cluster.enabled_hypervisors}
    for hypervisor in after.cluster.enabled_hypervisors:
        if hypervisor in newly or hypervisor in (op.hvparams or {}):
            yield hypervisor, after.cluster_hvparams(hypervisor)
        for os_name, given in (op.os_hvp or {}).items():
            if given.get(hypervisor):
                yield hypervisor, after.default_hvparams(hypervisor, os_name)


def _netdev(_cluster: Cluster, name: str) -> str:
    if not name:
        raise OpPrereqError("the cluster's address needs an interface", Code.WRONG_INPUT)
    return name


def _directory(_cluster: Cluster, path: str) -> str:
    return settings.directory(path) if path else ""


def _enabled(_cluster: Cluster, names: Sequence[str]) -> list[str]:
    if not names:
        raise OpPrereqError(
            "at least one hypervisor and one disk template must be enabled", Code.WRONG_INPUT
        )
    return list(dict.fromkeys(names))


def _marked(marked: Sequence[str], changes: ListChanges) -> list[str]:
    """A list of OSes with some added or removed."""
    result = list(marked)
    for action, name in changes:
        if action not in ("add", "remove"):
            raise OpPrereqError(
                f"'{action}' is no change of a list of OSes; use add or remove", Code.WRONG_INPUT
            )
        if action == "add" and name not in result:
            result.append(name)
        if action == "remove" and name in result:
            result.remove(name)
    return result


def already_marked(cluster: Cluster, op: OpClusterSetParams) -> list[str]:
    """What to tell about OSes that are as asked already."""
    lists = (
        ("hidden", cluster.hidden_os, op.hidden_os),
        ("blacklisted", cluster.blacklisted_os, op.blacklisted_os),
    )
    return [
        f"OS {name} is {'' if action == 'add' else 'not '}{word} already"
        for word, marked, changes in lists
        for action, name in changes or ()
        if (action == "add") == (name in marked)
    ]


def _uids(cluster: Cluster, op: OpClusterSetParams) -> dict[str, Any]:
    if op.uid_pool is None and op.add_uids is None and op.remove_uids is None:
        return {}
    pool = cluster.uid_pool if op.uid_pool is None else op.uid_pool
    return {"uid_pool": settings.uids_changed(pool, op.add_uids or (), op.remove_uids or ())}


def _collectors(cluster: Cluster, op: OpClusterSetParams) -> dict[str, Any]:
    active, intervals = op.enabled_data_collectors or {}, op.data_collector_interval or {}
    settings.collector_names({*active, *intervals})
    if any(interval <= 0 for interval in intervals.values()):
        raise OpPrereqError("the interval of a data collector must be above 0", Code.WRONG_INPUT)
    if not active and not intervals:
        return {}
    collectors = {name: dict(own) for name, own in cluster.data_collectors.items()}
    for key, values in (("active", active), ("interval", intervals)):
        for name, value in values.items():
            collectors[name] = {**settings.NEW_COLLECTOR, **collectors.get(name, {}), key: value}
    return {"data_collectors": collectors}


_CHECKED: Mapping[str, Callable[[Cluster, Any], Any]] = {
    "enabled_hypervisors": _enabled,
    "enabled_disk_templates": _enabled,
    "vg_name": lambda _c, name: name or None,
    "drbd_helper": lambda _c, path: path or None,
    "file_storage_dir": _directory,
    "shared_file_storage_dir": _directory,
    "gluster_storage_dir": _directory,
    "compression_tools": lambda _c, names: settings.compression_tools(names),
    "reserved_lvs": lambda _c, patterns: settings.reserved_lvs(patterns),
    "mac_prefix": lambda _c, text: settings.mac_prefix(text),
    "master_netdev": _netdev,
    "master_netmask": lambda c, length: settings.netmask(
        length, ipv6=c.primary_ip_family == net.IPV6
    ),
    "install_image": lambda _c, text: settings.image(text),
    "zeroing_image": lambda _c, text: settings.image(text),
    "hidden_os": lambda c, changes: _marked(c.hidden_os, changes),
    "blacklisted_os": lambda c, changes: _marked(c.blacklisted_os, changes),
    "hv_state": lambda c, values: state.hv_state(values, c.hv_state_static),
    "disk_state": lambda c, values: state.disk_state(values, c.disk_state_static),
}

_STORED_AS = {
    "vg_name": "volume_group_name",
    "drbd_helper": "drbd_usermode_helper",
    "hv_state": "hv_state_static",
    "disk_state": "disk_state_static",
}
