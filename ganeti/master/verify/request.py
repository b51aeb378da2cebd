# SPDX-License-Identifier: GPL-2.0-or-later
"""What `gnt-cluster verify` asks the nodes of a group in one call. Pure functions."""

from __future__ import annotations

from itertools import cycle
from typing import Any

from ganeti.master.verify import files
from ganeti.model.config import Config
from ganeti.model.group import NodeGroup
from ganeti.model.node import Node
from ganeti.paths import Paths


def node_verify(cfg: Config, paths: Paths, group: NodeGroup, *, clutter: bool) -> dict[str, Any]:
    """The request of `node_verify`; all nodes of the group get the same."""
    nodes = cfg.members(group.uuid)
    online = [node for node in nodes if not node.offline]
    candidates = [node.name for node in cfg.candidates() if not node.offline]
    hypervisors = list(cfg.cluster.enabled_hypervisors)
    asked: dict[str, Any] = {
        "filelist": sorted(files.shared_files(cfg, paths).all),
        "nodelist": [
            [node.name for node in online],
            _peers_outside(cfg, group, online),
            candidates,
        ],
        "hypervisor": hypervisors,
        "hvparms": _parameters(cfg, group),
        "node-net-test": [
            [[node.name, node.primary_ip, node.secondary_ip] for node in online],
            candidates,
        ],
        "instancelist": hypervisors,
        "version": None,
        "hvinfo": hypervisors[0],
        "nodesetup": None,
        "time": None,
        "master-ip": [cfg.master.name, cfg.cluster.master_ip, candidates],
        "oslist": None,
        "nonvmnodes": [node.name for node in nodes if not node.vm_capable],
        "user-scripts": _scripts(cfg, paths),
        "client-cert": None,
        "bridges": _bridges(cfg, group),
        "allowed-file-storage-paths": cfg.master.name,
    }
    if cfg.cluster.modify_ssh_setup:
        asked["ssh-setup"] = [_ssh_nodes(cfg), cfg.cluster.ssh_key_type]
    if clutter:
        asked["ssh-clutter"] = None
    enabled = cfg.cluster.enabled_disk_templates
    if "file" in enabled:
        asked["file-storage-path"] = cfg.cluster.file_storage_dir
    if "sharedfile" in enabled:
        asked["shared-file-storage-path"] = cfg.cluster.shared_file_storage_dir
    return asked


def _peers_outside(cfg: Config, group: NodeGroup, online: list[Node]) -> dict[str, list[str]]:
    """For each node one node of each other group, going round, so that all links are tried."""
    others = [
        cycle(node.name for node in cfg.members(uuid) if not node.offline)
        for uuid in sorted(cfg.groups)
        if uuid != group.uuid and any(not node.offline for node in cfg.members(uuid))
    ]
    return {node.name: [next(names) for names in others] for node in online}


def _parameters(cfg: Config, group: NodeGroup) -> list[list[Any]]:
    """``[source, hypervisor, parameters]`` of the cluster, the OSes and the group's instances."""
    enabled = cfg.cluster.enabled_hypervisors
    rows: list[list[Any]] = [["cluster", name, cfg.cluster_hvparams(name)] for name in enabled]
    for os_name, table in cfg.cluster.os_hvp.items():
        rows += [
            [f"os {os_name}", name, cfg.default_hvparams(name, os_name)]
            for name in enabled
            if table.get(name)
        ]
    for node in cfg.members(group.uuid):
        for instance in cfg.instances_on(node.uuid):
            if instance.hvparams:
                rows.append(
                    [f"instance {instance.name}", instance.hypervisor, cfg.hvparams(instance)]
                )
    return rows


def _scripts(cfg: Config, paths: Paths) -> list[str]:
    if cfg.cluster.use_external_mip_script:
        return [paths.external_master_setup_script]
    return []


def _bridges(cfg: Config, group: NodeGroup) -> list[str]:
    """Bridges that the default NIC and the group's instances need."""
    default = cfg.cluster_nicparams()
    needed = {default["link"]} if default["mode"] == "bridged" else set()
    for node in cfg.members(group.uuid):
        for instance in cfg.instances_on(node.uuid):
            params = [cfg.nicparams(nic) for nic in instance.nics]
            needed |= {p["link"] for p in params if p["mode"] == "bridged"}
    return sorted(needed)


def _ssh_nodes(cfg: Config) -> list[list[Any]]:
    """UUID, name, whether candidate, whether it could become one, whether online."""
    return [
        [
            node.uuid,
            node.name,
            node.master_candidate,
            node.master_capable,
            not node.offline,
        ]
        for node in cfg.nodes.values()
    ]
