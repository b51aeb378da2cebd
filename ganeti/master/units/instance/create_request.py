# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks of a request for a new instance that need no locks: its parts against each other.

In the order in which users get the errors (masterd, "Instance creation in detail").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganeti.errors import Code, OpPrereqError
from ganeti.model import templates
from ganeti.model.cluster import Cluster
from ganeti.model.templates import DiskTemplate
from ganeti.opcodes.instance import FileDriver, OpInstanceCreate

DISK_KEYS = templates.REQUEST_KEYS - {"dev_type"}
MAX_DISKS = 16
MAX_NICS = 8
DEFAULT_FILE_DRIVER: FileDriver = "loop"


def wrong(text: str) -> OpPrereqError:
    return OpPrereqError(text, Code.WRONG_INPUT)


def settle(op: OpInstanceCreate, cluster: Cluster) -> None:
    """Check the request and fill in what follows from the cluster; raises OpPrereqError."""
    _check_mode(op)
    if op.no_install and op.start:
        op.start = False
    _check_counts(op)
    template = _template(op, cluster)
    op.disk_template = template.name  # type: ignore[assignment]
    _check_disks(op, template)
    _check_file_driver(op)
    _check_nodes(op, cluster, template)
    _check_os(op, cluster)


def _check_mode(op: OpInstanceCreate) -> None:
    if op.forthcoming and op.commit:
        raise wrong("'forthcoming' and 'commit' exclude each other")
    if op.forthcoming or op.commit:
        raise wrong("this release does not reserve forthcoming instances")
    if op.mode != "create":
        raise wrong(f"this release does not create instances by {op.mode}")
    if op.instance_communication:
        raise wrong("this release has no instance communication network")


def _check_counts(op: OpInstanceCreate) -> None:
    if len(op.disks) > MAX_DISKS:
        raise wrong(f"an instance can have {MAX_DISKS} disks, not {len(op.disks)}")
    if len(op.nics) > MAX_NICS:
        raise wrong(f"an instance can have {MAX_NICS} NICs, not {len(op.nics)}")


def _template(op: OpInstanceCreate, cluster: Cluster) -> DiskTemplate:
    name = op.disk_template or cluster.enabled_disk_templates[0]
    if name not in cluster.enabled_disk_templates:
        enabled = ", ".join(cluster.enabled_disk_templates)
        raise OpPrereqError(
            f"disk template {name} is not enabled on this cluster (enabled: {enabled})"
        )
    return templates.TEMPLATES[name]


def _check_disks(op: OpInstanceCreate, template: DiskTemplate) -> None:
    if template.name == "diskless" and op.disks:
        raise wrong("a diskless instance takes no disks")
    if template.name != "diskless" and not op.disks:
        raise wrong(f"give at least one disk for template {template.name}")
    adopted = [bool(disk.get("adopt")) for disk in op.disks]
    if any(adopted) and not all(adopted):
        raise wrong("either all disks are adopted or none")
    if any(adopted) and not template.adopts:
        raise wrong(f"disks of template {template.name} cannot be adopted")
    for index, disk in enumerate(op.disks):
        check_disk(index, disk, template)
    _check_names(op.disks)


def check_mode(index: int, disk: Mapping[str, Any]) -> None:
    if disk.get("mode", "rw") not in ("ro", "rw"):
        raise wrong(f"disk {index}: mode '{disk['mode']}' is neither ro nor rw")


def check_disk(index: int, disk: Mapping[str, Any], template: DiskTemplate) -> None:
    check_mode(index, disk)
    if "size" not in disk and not disk.get("adopt"):
        raise wrong(f"disk {index}: give a size")
    if "size" in disk and not _is_size(disk["size"]):
        raise wrong(f"disk {index}: size '{disk['size']}' is not a number of MiB above zero")
    unknown = sorted(set(disk) - DISK_KEYS)
    if unknown and template.name != "ext":
        raise wrong(f"disk {index}: unknown setting {', '.join(unknown)}")
    if disk.get("access") and not template.has_access:
        raise wrong(f"disk {index}: template {template.name} has no access mode")
    if bool(disk.get("provider")) != (template.name == "ext"):
        raise wrong(
            f"disk {index}: a provider is for disks of template ext, and must be given there"
        )


def _is_size(value: Any) -> bool:
    return isinstance(value, int | str) and str(value).isdigit() and int(value) > 0


def _check_names(disks: Sequence[Mapping[str, Any]]) -> None:
    named = [disk["name"] for disk in disks if disk.get("name") not in (None, "none")]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise wrong(f"more than one disk is named {', '.join(twice)}")


def _check_file_driver(op: OpInstanceCreate) -> None:
    file_based = templates.TEMPLATES[str(op.disk_template)].file_based
    if (op.file_driver or op.file_storage_dir) and not file_based:
        raise wrong(f"file options do not go with disk template {op.disk_template}")
    if file_based and op.file_driver is None:
        op.file_driver = DEFAULT_FILE_DRIVER


def _check_nodes(op: OpInstanceCreate, cluster: Cluster, template: DiskTemplate) -> None:
    pnode = op.pnode or op.pnode_uuid
    if op.iallocator and pnode:
        raise wrong("give either a node or an allocator, not both")
    if not op.iallocator and not pnode:
        op.iallocator = cluster.default_iallocator or None
        if not op.iallocator:
            raise wrong("give the primary node with -n; the cluster has no default allocator")
    if op.opportunistic_locking and not op.iallocator:
        raise wrong("opportunistic locking only goes with an allocator")
    if pnode and template.nodes > 1 and not (op.snode or op.snode_uuid):
        raise wrong(f"disk template {template.name} needs a secondary node: -n PRIMARY:SECONDARY")


def _check_os(op: OpInstanceCreate, cluster: Cluster) -> None:
    if not op.os_type and not op.no_install and not op.osparams.get("os-image"):
        raise wrong("give the guest's OS with -o")
    if op.osparams.get("os-image"):
        raise wrong("this release does not install from OS images")
    base = (op.os_type or "").partition("+")[0]
    if base and base in cluster.blacklisted_os:
        raise wrong(f"OS '{base}' is blacklisted on this cluster")
