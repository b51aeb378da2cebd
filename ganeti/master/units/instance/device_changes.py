# SPDX-License-Identifier: GPL-2.0-or-later
"""Changes of NICs and disks that `gnt-instance modify` asks for, worked out as values first.

A change is ``[verb, index or name or UUID, settings]``; older clients send ``[verb, settings]`` or
``[index, settings]``. The order in which changes are given is the order in which they happen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from ganeti.errors import Code, OpExecError, OpPrereqError
from ganeti.master.disks import layout, lifecycle
from ganeti.master.unit import LogicalUnit
from ganeti.master.units.instance import create_request
from ganeti.master.units.instance.create_request import MAX_DISKS, MAX_NICS
from ganeti.master.units.instance.nics import NicBuilder, cleared
from ganeti.master.units.instance.subject import InstanceUnit, check_bridges
from ganeti.model import templates
from ganeti.model.disk import Disk
from ganeti.model.instance import Instance
from ganeti.model.nic import Nic
from ganeti.utils import text

Unit = LogicalUnit[Any]
Report = list[tuple[str, Any]]


D = TypeVar("D", Nic, Disk)


class Change(NamedTuple):
    verb: str
    where: int | str
    settings: Mapping[str, Any]


def normal(changes: Sequence[Any], kind: str) -> list[Change]:
    """All changes in the three-part form; raises OpPrereqError for what makes no sense."""
    result = []
    for change in changes:
        if len(change) == 3:
            result.append(Change(*change))
        elif isinstance(change[0], int):
            result.append(Change("modify", change[0], change[1]))
        else:
            result.append(Change(change[0], -1, change[1]))
    for change in result:
        if change.verb in ("remove", "detach") and change.settings:
            raise _wrong(f"{change.verb} of a {kind} takes no settings")
    return result


def _wrong(message: str) -> OpPrereqError:
    return OpPrereqError(message, Code.WRONG_INPUT)


def find(devices: Sequence[D], where: int | str, kind: str) -> int:
    """The index of a device by index (-1 is the last), name or UUID."""
    index = _number(where)
    if index is not None:
        if index == -1 and devices:
            return len(devices) - 1
        if 0 <= index < len(devices):
            return index
        raise OpExecError(f"there is no {kind} {where}; the instance has {len(devices)}")
    for index, device in enumerate(devices):
        if where in (device.uuid, device.name):
            return index
    raise _wrong(f"there is no {kind} with the name or UUID '{where}'")


def place(devices: Sequence[D], where: int | str, kind: str) -> int:
    """The index that a new device gets; -1 is behind the others."""
    index = _number(where)
    if index is None:
        raise _wrong(f"a new {kind} comes at an index, or at -1, not at '{where}'")
    if index == -1:
        return len(devices)
    if 0 <= index <= len(devices):
        return index
    raise OpExecError(f"no {kind} can come at {where}; the instance has {len(devices)}")


def _number(where: int | str) -> int | None:
    return int(where) if re.fullmatch(r"-?\d+", str(where)) else None


@dataclass
class NicsPlan:
    """The NICs as they will be, the UUIDs of those that change, and what to report."""

    nics: list[Nic]
    changed: set[str] = field(default_factory=set)
    report: Report = field(default_factory=list)


def nics_plan(unit: InstanceUnit[Any], instance: Instance, changes: Sequence[Any]) -> NicsPlan:
    """Work the changes out; bridges that are new must exist on the primary."""
    plan = NicsPlan(list(instance.nics))
    if not changes:
        return plan
    group = unit.cfg.nodes[instance.primary_node].group
    reserve = unit.services.store.reserve(unit.context)
    build = NicBuilder(unit.cfg, reserve, group, conflicts_check=unit.op.conflicts_check)
    for change in normal(changes, "NIC"):
        verb = _NIC_VERBS.get(change.verb)
        if verb is None:
            raise _wrong(f"NICs cannot be changed by '{change.verb}'")
        verb(unit, plan, build, change)
    if len(plan.nics) > MAX_NICS:
        raise _wrong(f"an instance can have {MAX_NICS} NICs, not {len(plan.nics)}")
    if not unit.op.force:
        changed = tuple(nic for nic in plan.nics if nic.uuid in plan.changed)
        check_bridges(unit, instance.replace(nics=changed), instance.primary_node)
    return plan


def _add_nic(unit: Unit, plan: NicsPlan, build: NicBuilder, change: Change) -> None:
    index = place(plan.nics, change.where, "NIC")
    nic = build.new(change.settings)
    plan.nics.insert(index, nic)
    plan.changed.add(nic.uuid)
    shown = unit.cfg.nicparams(nic, build.group)
    plan.report.append(
        (
            f"nic.{index}",
            f"add:mac={nic.mac},ip={nic.ip},mode={shown['mode']},link={shown['link']},"
            f"network={nic.network}",
        )
    )


def _remove_nic(unit: Unit, plan: NicsPlan, build: NicBuilder, change: Change) -> None:
    index = find(plan.nics, change.where, "NIC")
    del plan.nics[index]
    plan.report.append((f"NIC/{index}", "remove"))


def _modify_nic(unit: Unit, plan: NicsPlan, build: NicBuilder, change: Change) -> None:
    index = find(plan.nics, change.where, "NIC")
    nic = build.changed(plan.nics[index], change.settings)
    plan.nics[index] = nic
    plan.changed.add(nic.uuid)
    shown = {"mac": nic.mac, **unit.cfg.nicparams(nic, build.group)}
    for key in ("mac", "link", "mode", "vlan"):
        if shown.get(key):
            plan.report.append((f"nic.{key}/{index}", shown[key]))
    for key in ("ip", "name", "network"):
        if key in change.settings:
            plan.report.append((f"nic.{key}/{index}", getattr(nic, key)))


_NIC_VERBS: dict[str, Callable[[Unit, NicsPlan, NicBuilder, Change], None]] = {
    "add": _add_nic,
    "remove": _remove_nic,
    "modify": _modify_nic,
}


@dataclass
class DisksPlan:
    """The disks as they are and as they will be, and what to report."""

    before: Sequence[Disk]
    disks: list[Disk]
    report: Report = field(default_factory=list)

    @property
    def created(self) -> list[Disk]:
        return _beyond(self.disks, self.before)

    @property
    def removed(self) -> list[Disk]:
        return _beyond(self.before, self.disks)

    @property
    def abandoned(self) -> str | None:
        """The directory that no disk is left in."""
        return None if self.disks else layout.directory_of(self.before)


def _beyond(disks: Iterable[Disk], others: Iterable[Disk]) -> list[Disk]:
    """Those that are not among the others."""
    known = {disk.uuid for disk in others}
    return [disk for disk in disks if disk.uuid not in known]


def disks_plan(unit: InstanceUnit[Any], instance: Instance, changes: Sequence[Any]) -> DisksPlan:
    """Work the changes out. Disks come and go while the instance is down."""
    before = unit.cfg.disks_of(instance)
    plan = DisksPlan(before, list(before))
    for change in normal(changes, "disk"):
        verb = _DISK_VERBS.get(change.verb)
        if verb is None:
            raise _wrong(f"this release does not do '{change.verb}' with disks")
        verb(unit, instance, plan, change)
    if len(plan.disks) > MAX_DISKS:
        raise _wrong(f"an instance can have {MAX_DISKS} disks, not {len(plan.disks)}")
    if plan.created or plan.removed:
        unit.check_down("adding or removing its disks")
    plan.disks = [d.replace(iv_name=f"disk/{i}") for i, d in enumerate(plan.disks)]
    return plan


def _add_disk(unit: InstanceUnit[Any], instance: Instance, plan: DisksPlan, change: Change) -> None:
    template = unit.cfg.disk_template(instance)
    if template == "diskless":
        raise _wrong(
            f"instance {instance.name} is diskless; this release cannot give it disks later"
        )
    index = place(plan.disks, change.where, "disk")
    create_request.check_disk(index, change.settings, templates.TEMPLATES[template])
    reserve = unit.services.store.reserve(unit.context)
    (disk,) = templates.new_disks(
        template,
        [change.settings],
        nodes=unit.cfg.nodes_of(instance),
        directory=layout.directory_of(plan.before),
        file_driver=plan.before[0].logical_id[0],
        instance_uuid=instance.uuid,
        new_uuid=reserve.uuid,
        first_index=index,
    )
    plan.disks.insert(index, disk)
    plan.report.append((f"disk/{index}", f"add:size={disk.size},mode={disk.mode}"))


def _remove_disk(
    unit: InstanceUnit[Any], instance: Instance, plan: DisksPlan, change: Change
) -> None:
    index = find(plan.disks, change.where, "disk")
    del plan.disks[index]
    plan.report.append((f"disk/{index}", "remove"))


def _modify_disk(
    unit: InstanceUnit[Any], instance: Instance, plan: DisksPlan, change: Change
) -> None:
    unknown = sorted(set(change.settings) - {"mode", "name"})
    if unknown:
        raise _wrong(f"of a disk only mode and name can change, not {', '.join(unknown)}")
    index = find(plan.disks, change.where, "disk")
    create_request.check_mode(index, change.settings)
    changes = dict(change.settings)
    if "name" in changes:
        changes["name"] = cleared(changes["name"])
    plan.disks[index] = plan.disks[index].replace(**changes)
    plan.report += [(f"disk.{key}/{index}", value) for key, value in changes.items()]


_DISK_VERBS: dict[str, Callable[[InstanceUnit[Any], Instance, DisksPlan, Change], None]] = {
    "add": _add_disk,
    "remove": _remove_disk,
    "modify": _modify_disk,
}


def create_devices(unit: Unit, instance: Instance, plan: DisksPlan) -> None:
    """Make the new disks; nothing stays if one fails."""
    if not plan.created:
        return
    for disk in plan.created:
        unit.log.step(f"{disk.iv_name}, size {text.format_size(disk.size, 'h')}")
    lifecycle.create(unit, instance, plan.created)
    unit.log.info(f"waiting until the disks of {instance.name} are in sync")
    unit.log.info(f"the disks of {instance.name} are in sync")


def store_disks(cfg: Any, plan: DisksPlan) -> None:
    """Write what changed of the disks into a transaction."""
    for disk in plan.disks:
        if cfg.root.disks.get(disk.uuid) != disk:
            cfg.put(disk)
    for disk in plan.removed:
        cfg.remove(disk)


def remove_devices(unit: Unit, instance: Instance, plan: DisksPlan) -> None:
    """Remove the devices that the configuration has forgotten; problems are warned about."""
    lifecycle.remove(unit, instance, plan.removed, directory=plan.abandoned)


def discard_devices(unit: Unit, instance: Instance, plan: DisksPlan) -> None:
    """Remove new devices that the configuration did not come to know."""
    lifecycle.remove(unit, instance, plan.created)
