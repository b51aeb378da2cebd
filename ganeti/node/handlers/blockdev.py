# SPDX-License-Identifier: GPL-2.0-or-later
"""Block devices of this node; what each kind of storage does is its driver's business."""

from __future__ import annotations

import logging
import os
import stat
from typing import Any

from ganeti.contracts.node.blockdev import BlockdevCalls, Status
from ganeti.errors import BlockDeviceError, GenericError
from ganeti.model.disk import Disk
from ganeti.model.instance import Instance
from ganeti.node.host import Host
from ganeti.node.storage import cache, links, registry
from ganeti.node.storage.base import BlockDevice
from ganeti.utils import retry

log = logging.getLogger(__name__)

DEVICES = "/dev/"
MIB = 1024 * 1024
REMOVE_S = 30.0
REMOVE_AGAIN_S = 3.0


class BlockdevHandlers(BlockdevCalls):
    """Where a disk has children, its driver looks after them."""

    def __init__(self, host: Host) -> None:
        self._host, self._paths = host, host.paths

    def _device(self, disk: Disk) -> BlockDevice:
        return registry.device(self._host, disk)

    def blockdev_create(
        self,
        bdev: Disk,
        size: int,
        owner: str,
        on_primary: bool,
        info: str,
        exclusive_storage: bool,
    ) -> Any:
        device = self._device(bdev)
        device.create(size, exclusive_storage=exclusive_storage)
        device.set_info(info)
        cache.note(self._paths, device.path, owner, bdev.iv_name, on_primary=on_primary)
        return None

    def blockdev_remove(self, bdev: Disk) -> None:
        """Somebody may still be looking at the device, so it is tried for a while."""
        device = self._device(bdev)
        problems: list[BlockDeviceError] = []

        def is_gone() -> bool:
            try:
                device.remove()
            except BlockDeviceError as err:
                log.info("%s", err)
                problems.append(err)
                return False
            return True

        pace = {"first_delay_s": REMOVE_AGAIN_S, "growth": 1.0, "most_s": REMOVE_AGAIN_S}
        if not retry.until(is_gone, timeout_s=REMOVE_S, clock=self._host.clock, **pace):
            raise problems[-1]
        cache.forget(self._paths, device.path)

    def blockdev_assemble(
        self, disk: Disk, instance: Instance, on_primary: bool, idx: int
    ) -> tuple[str, str | None, str | None]:
        device = self._device(disk)
        device.assemble()
        cache.note(self._paths, device.path, instance.name, disk.iv_name, on_primary=on_primary)
        if not on_primary:
            return (device.path, None, None)
        device.open(exclusive=True)
        link = links.make(self._paths, instance.name, idx, device.path)
        return (device.path, link, device.uri(instance.hypervisor))

    def blockdev_shutdown(self, disk: Disk) -> None:
        device = self._device(disk)
        device.shut_down()
        cache.forget(self._paths, device.path)

    def blockdev_open(self, instance_name: str, disks: list[Disk], exclusive: bool) -> None:
        """The guest will find its disks under their links, also where it is only going to run."""
        for index, disk in enumerate(disks):
            device = self._device(disk)
            device.assemble()
            device.open(exclusive=exclusive)
            links.make(self._paths, instance_name, index, device.path)
            cache.note(self._paths, device.path, instance_name, disk.iv_name, on_primary=exclusive)

    def blockdev_close(self, instance_name: str, disks: list[Disk]) -> None:
        links.remove_all(self._paths, instance_name)
        for disk in disks:
            device = self._device(disk)
            device.close()
            cache.forget(self._paths, device.path)

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
        self._device(cf_bdev).grow(amount, dry_run=dryrun, backing_store=backingstore)

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

    def bdev_sizes(self, devices: list[str]) -> dict[str, int]:
        """Nothing but a block device is opened: to open some other devices is to use them."""
        found = {path: _block_device(path) for path in devices}
        return {path: _size_mib(device) for path, device in found.items() if device}


def _block_device(path: str) -> str | None:
    """The device that a path below /dev leads to."""
    real = os.path.realpath(path)
    below = all(os.path.normpath(p).startswith(DEVICES) for p in (path, real))
    try:
        return real if below and stat.S_ISBLK(os.stat(real).st_mode) else None
    except OSError:
        return None


def _size_mib(device: str) -> int:
    try:
        with open(device, "rb", buffering=0) as file:
            return file.seek(0, os.SEEK_END) // MIB
    except OSError as err:
        raise BlockDeviceError(f"the size of {device} cannot be found out: {err}") from err
