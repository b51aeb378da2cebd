# SPDX-License-Identifier: GPL-2.0-or-later
"""What nodes say about themselves: memory, processors, and the storage of the first disk template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ganeti.contracts.node.system import NodeInfo, StorageUnit, SystemCalls
from ganeti.master.query.field import NO_DATA, OFFLINE, UNAVAILABLE, Absent, Getter, Sources
from ganeti.model.config import Config
from ganeti.model.node import Node
from ganeti.model.templates import TEMPLATES

LVM, PHYSICAL_VOLUMES = "lvm-vg", "lvm-pv"

Values = Mapping[str, Any]


@dataclass(frozen=True)
class NodeView:
    """What the getters of nodes look at. `live`: what the nodes that answered have said, by UUID."""

    cfg: Config
    live: Mapping[str, Values]


def ask(sources: Sources, nodes: Iterable[Node]) -> dict[str, Values]:
    """Ask those that can have instances."""
    cfg = sources.cfg
    hypervisor = cfg.cluster.enabled_hypervisors[0]
    specs = [(hypervisor, cfg.cluster_hvparams(hypervisor))]
    calls = {node.uuid: (storage_units(cfg, node), specs) for node in nodes if node.vm_capable}
    replies = sources.services.rpc.each(calls, SystemCalls.node_info)
    return {uuid: values(reply.value) for uuid, reply in replies.items() if not reply.failed}


def storage_units(cfg: Config, node: Node) -> list[StorageUnit]:
    """What to ask a node about its storage: rows of type, name, and for LVM whether it is exclusive."""
    templates = cfg.cluster.enabled_disk_templates
    kind = TEMPLATES[templates[0]].storage_type if templates else "diskless"
    if kind == LVM and cfg.cluster.volume_group_name:
        exclusive = [cfg.ndparams(node)["exclusive_storage"]]
        return [
            (unit, cfg.cluster.volume_group_name, exclusive) for unit in (LVM, PHYSICAL_VOLUMES)
        ]
    places = {
        "file": cfg.cluster.file_storage_dir,
        "sharedfile": cfg.cluster.shared_file_storage_dir,
        "gluster": cfg.cluster.gluster_storage_dir,
    }
    return [(kind, places[kind], [])] if places.get(kind) else []


def values(info: NodeInfo) -> Values:
    """One table of what a node has answered; `spindles_…` only with exclusive storage."""
    boot_id, storage, hypervisors = info
    found: dict[str, Any] = {"bootid": boot_id}
    for row in hypervisors or ():
        found |= row
    for unit in filter(None, storage or ()):
        free, size = _NAMES.get(unit["type"], ("storage_free", "storage_size"))
        found |= {free: unit["storage_free"], size: unit["storage_size"]}
    return found


_NAMES = {PHYSICAL_VOLUMES: ("spindles_free", "spindles_total")}


def _lacking(node: Node, view: NodeView) -> Absent | None:
    """Why nothing is known of the node, if that is so."""
    if node.offline:
        return OFFLINE
    if not node.vm_capable:
        return UNAVAILABLE
    return None if node.uuid in view.live else NO_DATA


def boot_id(node: Node, view: NodeView) -> Any:
    return _lacking(node, view) or view.live[node.uuid]["bootid"]


def reader(key: str) -> Getter:
    """Getter of one number."""

    def read(node: Node, view: NodeView) -> Any:
        lacking = _lacking(node, view)
        if lacking is not None:
            return lacking
        if key.startswith("spindles") and not view.cfg.ndparams(node)["exclusive_storage"]:
            return NO_DATA
        value = view.live[node.uuid].get(key)
        return value if isinstance(value, int) else UNAVAILABLE

    return read
