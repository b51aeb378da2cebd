# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks of an instance as the units handle them: create, remove, bring up, take down.

All functions take the unit on whose behalf they act; errors are told in its log or raised as
OpExecError. The caller decides when the configuration changes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ganeti.contracts.node.blockdev import BlockdevCalls
from ganeti.contracts.node.files import FileCalls
from ganeti.errors import GenericError, OpExecError
from ganeti.master.unit import LogicalUnit
from ganeti.model.disk import Disk
from ganeti.model.instance import Instance
from ganeti.utils.rollback import Rollback

log = logging.getLogger(__name__)

Unit = LogicalUnit[Any]


@dataclass(frozen=True)
class Attached:
    """A disk that is up: the node, the disk's name in the instance, its device there."""

    node_name: str
    iv_name: str
    device: str


def create(
    unit: Unit, instance: Instance, disks: Sequence[Disk], *, directory: str | None = None
) -> None:
    """Create the devices, primary node first; if one fails, all are removed again.

    That one too, for the node may have made it and its answer was lost. What cannot be removed is
    warned about. `directory`: the file storage directory, made before the first disk.
    """
    primary, *others = node_order(unit, instance, disks)
    with Rollback() as undo:
        if directory is not None:
            unit.rpc.one(primary, FileCalls.file_storage_dir_create)(directory)
            undo.on_failure(_remove_directory, unit, instance, directory)
        for index, disk in enumerate(disks):
            log.info("%s: creating disk %d of %d MiB", instance.name, index, disk.size)
            for node in (primary, *others):
                undo.on_failure(_remove_one, unit, instance, disk, node)
                _create_one(unit, instance, disk, node, on_primary=node == primary)


def node_order(unit: Unit, instance: Instance, disks: Sequence[Disk]) -> list[str]:
    """The nodes that hold the disks, the primary first."""
    holders = dict.fromkeys(node for disk in disks for node in disk.nodes)
    return list(dict.fromkeys([instance.primary_node, *holders]))


def _create_one(unit: Unit, instance: Instance, disk: Disk, node: str, *, on_primary: bool) -> None:
    device = unit.cfg.annotated(disk, instance, node)
    info = f"originstname+{instance.name}"
    try:
        unit.rpc.one(node, BlockdevCalls.blockdev_create)(
            device, disk.size, instance.name, on_primary, info, False
        )
    except GenericError as err:
        name = unit.cfg.nodes[node].name
        raise OpExecError(
            f"cannot create {disk.iv_name} of {instance.name} on {name}: {err}"
        ) from err


def _remove_one(unit: Unit, instance: Instance, disk: Disk, node: str) -> bool:
    call = unit.rpc.one(node, BlockdevCalls.blockdev_remove)
    device = unit.cfg.annotated(disk, instance, node)
    what = f"remove {disk.iv_name} of {instance.name}"
    return _done(unit, instance, node, what, lambda: call(device))


def _remove_directory(unit: Unit, instance: Instance, directory: str) -> bool:
    node = instance.primary_node
    call = unit.rpc.one(node, FileCalls.file_storage_dir_remove)
    return _done(unit, instance, node, f"remove {directory}", lambda: call(directory))


def remove(
    unit: Unit, instance: Instance, disks: Sequence[Disk], *, directory: str | None = None
) -> bool:
    """Remove the devices on all nodes; problems are warned about. True if all went well."""
    gone = [
        _remove_one(unit, instance, disk, node)
        for disk in disks
        for node in node_order(unit, instance, [disk])
    ]
    if directory is not None:
        gone.append(_remove_directory(unit, instance, directory))
    return all(gone)


def _done(unit: Unit, instance: Instance, node: str, what: str, act: Callable[[], object]) -> bool:
    """Act on a node; a failure is warned about. An offline secondary has nothing to say."""
    try:
        act()
    except GenericError as err:
        unit.log.warning(f"cannot {what} on node {unit.cfg.nodes[node].name}: {err}")
        return node != instance.primary_node and unit.cfg.nodes[node].offline
    return True


def activate(
    unit: Unit,
    instance: Instance,
    disks: Sequence[Disk] | None = None,
    *,
    ignore_secondaries: bool = False,
) -> list[Attached]:
    """Bring the disks up: first on all nodes as secondary, then on the primary as primary.

    Raises OpExecError, with the disks down again, if one does not come up. A secondary that fails
    is only warned about when it is offline or `ignore_secondaries` is set.
    """
    wanted = unit.cfg.disks_of(instance) if disks is None else disks
    attached: list[Attached] = []
    good = True
    for index, disk in enumerate(wanted):
        for node in _secondary_pass(unit, instance, disk):
            good &= _activate_secondary(unit, instance, disk, index, node, ignore_secondaries)
    for index, disk in enumerate(wanted):
        device = _activate_primary(unit, instance, disk, index)
        good &= device is not None
        attached.append(
            Attached(unit.cfg.nodes[instance.primary_node].name, disk.iv_name, str(device))
        )
    if not good:
        deactivate(unit, instance, wanted)
        strict = not ignore_secondaries and any(_secondary_pass(unit, instance, d) for d in wanted)
        hint = "; use --force to go on without the secondary disks" if strict else ""
        raise OpExecError(f"the disks of {instance.name} did not come up{hint}")
    return attached


def _secondary_pass(unit: Unit, instance: Instance, disk: Disk) -> list[str]:
    """Only what is mirrored to other nodes needs the pass as secondary."""
    nodes = node_order(unit, instance, [disk])
    return nodes if len(nodes) > 1 else []


def _activate_secondary(
    unit: Unit, instance: Instance, disk: Disk, index: int, node: str, ignore: bool
) -> bool:
    try:
        _assemble(unit, instance, disk, index, node, on_primary=False)
    except GenericError as err:
        name = unit.cfg.nodes[node].name
        unit.log.warning(f"{disk.iv_name} did not come up on {name} as secondary: {err}")
        is_secondary = node != instance.primary_node
        return is_secondary and (ignore or unit.cfg.nodes[node].offline)
    return True


def _activate_primary(unit: Unit, instance: Instance, disk: Disk, index: int) -> str | None:
    try:
        return _assemble(unit, instance, disk, index, instance.primary_node, on_primary=True)
    except GenericError as err:
        name = unit.cfg.nodes[instance.primary_node].name
        unit.log.warning(f"{disk.iv_name} did not come up on {name} as primary: {err}")
        return None


def _assemble(
    unit: Unit, instance: Instance, disk: Disk, index: int, node: str, *, on_primary: bool
) -> str:
    device, *_ = unit.rpc.one(node, BlockdevCalls.blockdev_assemble)(
        unit.cfg.annotated(disk, instance, node),
        unit.cfg.for_node(instance, node),
        on_primary,
        index,
    )
    return str(device)


def deactivate(
    unit: Unit,
    instance: Instance,
    disks: Sequence[Disk] | None = None,
    *,
    ignore_primary: bool = False,
) -> bool:
    """Take the disks down on all nodes; problems are warned about. False if one stayed up."""
    down = [
        _shut_down(unit, instance, disk, node) or (ignore_primary and node == instance.primary_node)
        for disk in (unit.cfg.disks_of(instance) if disks is None else disks)
        for node in node_order(unit, instance, [disk])
    ]
    return all(down)


def _shut_down(unit: Unit, instance: Instance, disk: Disk, node: str) -> bool:
    call = unit.rpc.one(node, BlockdevCalls.blockdev_shutdown)
    device = unit.cfg.annotated(disk, instance, node)
    what = f"shut down {disk.iv_name} of {instance.name}"
    return _done(unit, instance, node, what, lambda: call(device))
