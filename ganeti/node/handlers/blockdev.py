# SPDX-License-Identifier: GPL-2.0-or-later
"""Block devices of this node; what each kind of storage does is its driver's business."""

from __future__ import annotations

from typing import Any

from ganeti.contracts.node.blockdev import BlockdevCalls, Status
from ganeti.errors import BlockDeviceError, GenericError
from ganeti.model.disk import Disk
from ganeti.model.instance import Instance
from ganeti.node.host import Host
from ganeti.node.storage import base, links
from ganeti.node.storage.base import BlockDevice
from ganeti.utils import loading


class BlockdevHandlers(BlockdevCalls):
    """Children come before their parent, and go after it."""

    def __init__(self, host: Host) -> None:
        loading.load_all("ganeti.node.storage")
        self._host = host

    def _device(self, disk: Disk) -> BlockDevice:
        return base.device(self._host, disk)

    def blockdev_create(
        self,
        bdev: Disk,
        size: int,
        owner: str,
        on_primary: bool,
        info: str,
        exclusive_storage: bool,
    ) -> Any:
        for child in bdev.children:
            self.blockdev_create(child, child.size, owner, on_primary, info, exclusive_storage)
        device = self._device(bdev)
        device.create(size, exclusive_storage=exclusive_storage)
        device.set_info(info)

    def blockdev_remove(self, bdev: Disk) -> None:
        self._device(bdev).remove()
        for child in bdev.children:
            self.blockdev_remove(child)

    def blockdev_assemble(
        self, disk: Disk, instance: Instance, on_primary: bool, idx: int
    ) -> tuple[str, str | None, str | None]:
        device = self._device(disk)
        device.assemble()
        if not on_primary:
            return (device.path, None, None)
        device.open(exclusive=True)
        link = links.make(self._host.paths, instance.name, idx, device.path)
        return (device.path, link, device.uri(instance.hypervisor))

    def blockdev_shutdown(self, disk: Disk) -> None:
        self._device(disk).shut_down()

    def blockdev_open(self, instance_name: str, disks: list[Disk], exclusive: bool) -> None:
        """The guest will find its disks under their links, also where it is only going to run."""
        for index, disk in enumerate(disks):
            device = self._device(disk)
            device.assemble()
            device.open(exclusive=exclusive)
            links.make(self._host.paths, instance_name, index, device.path)

    def blockdev_close(self, instance_name: str, disks: list[Disk]) -> None:
        links.remove_all(self._host.paths, instance_name)
        for disk in disks:
            self._device(disk).close()

    def blockdev_find(self, disk: Disk) -> Status | None:
        device = self._device(disk)
        return device.status().info() if device.exists() else None

    def blockdev_getmirrorstatus(self, disks: list[Disk]) -> list[Status]:
        return [self._required(disk) for disk in disks]

    def _required(self, disk: Disk) -> Status:
        found = self.blockdev_find(disk)
        if found is None:
            raise BlockDeviceError(f"there is no device for {disk.iv_name or disk.uuid}")
        return found

    def blockdev_getmirrorstatus_multi(self, node_disks: list[Disk]) -> list[tuple[bool, Any]]:
        return [self._answer(disk) for disk in node_disks]

    def _answer(self, disk: Disk) -> tuple[bool, Any]:
        try:
            return (True, self._required(disk))
        except GenericError as err:
            return (False, str(err))

    def blockdev_getdimensions(self, disks: list[Disk]) -> list[tuple[int, int | None] | None]:
        devices = [self._device(disk) for disk in disks]
        return [(d.size_bytes(), None) if d.exists() else None for d in devices]

    def blockdev_grow(
        self, cf_bdev: Disk, amount: int, dryrun: bool, backingstore: bool, es_flag: bool
    ) -> None:
        """First the storage itself grows, on all nodes, then what stands on it, on the primary."""
        for child in cf_bdev.children:
            self.blockdev_grow(child, amount, dryrun, backingstore, es_flag)
        if bool(cf_bdev.children) != backingstore:
            self._device(cf_bdev).grow(amount, dry_run=dryrun)

    def blockdev_wipe(self, bdev: Disk, offset: int, size: int) -> None:
        self._device(bdev).wipe(offset, size)

    def blockdev_rename(self, devlist: list[tuple[Disk, list[Any]]]) -> None:
        problems = []
        for disk, logical_id in devlist:
            try:
                self._device(disk).rename(logical_id)
            except GenericError as err:
                problems.append(str(err))
        if problems:
            raise BlockDeviceError("; ".join(problems))

    def blockdev_setinfo(self, disk: Disk, info: str) -> None:
        self._device(disk).set_info(info)
