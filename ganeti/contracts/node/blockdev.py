# SPDX-License-Identifier: GPL-2.0-or-later
"""Block devices on a node. Disks come with filled parameters and this node's view of DRBD."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any

from ganeti.contracts.node.names import FileName, Guest, Path
from ganeti.model.disk import Disk
from ganeti.schema.contract import Contract, Timeout, call
from ganeti.schema.types import Check

Status = dict[str, Any]
"""``{dev_path, major, minor, sync_percent, estimated_time, is_degraded, ldisk_status}``."""

LogicalId = Annotated[list[Any], Check(lambda parts: len(parts) > 1, "a logical id")]


class LocalDisk(IntEnum):
    """`ldisk_status`: the state of the node's own copy."""

    OK = 1
    SYNC = 2
    UNKNOWN = 3
    FAULTY = 4


class BlockdevCalls(Contract):
    """Sizes are in MiB unless said."""

    @call(Timeout.NORMAL)
    def blockdev_create(
        self,
        bdev: Disk,
        size: int,
        owner: FileName,
        on_primary: bool,
        info: str,
        exclusive_storage: bool,
    ) -> Any:
        """Make the device; the new logical id, or null."""

    @call(Timeout.NORMAL)
    def blockdev_remove(self, bdev: Disk) -> None:
        """Remove the device; one that is not there is fine."""

    @call(Timeout.NORMAL)
    def blockdev_assemble(
        self, disk: Disk, instance: Guest, on_primary: bool, idx: int
    ) -> tuple[str | bool, str | bool | None, str | None] | tuple[bool, bool]:
        """Bring the device up: path, link and URI; the last two are null on a secondary."""

    @call(Timeout.NORMAL)
    def blockdev_shutdown(self, disk: Disk) -> None:
        """Take the device down."""

    @call(Timeout.NORMAL)
    def blockdev_open(self, instance_name: FileName, disks: list[Disk], exclusive: bool) -> None:
        """Make the devices usable by a guest of this node."""

    @call(Timeout.NORMAL)
    def blockdev_close(self, instance_name: FileName, disks: list[Disk]) -> None:
        """No guest of this node uses the devices any more."""

    @call(Timeout.NORMAL, fenced=False)
    def blockdev_find(self, disk: Disk) -> Status | None:
        """The state of the device, null if there is none."""

    @call(Timeout.NORMAL, fenced=False)
    def blockdev_getmirrorstatus(self, disks: list[Disk]) -> list[Status]:
        """The state of devices that must be there."""

    @call(Timeout.NORMAL, fenced=False)
    def blockdev_getmirrorstatus_multi(self, node_disks: list[Disk]) -> list[tuple[bool, Any]]:
        """For each device ``[true, status]`` or ``[false, text]``."""

    @call(Timeout.NORMAL, fenced=False)
    def blockdev_getdimensions(self, disks: list[Disk]) -> list[tuple[int, int | None] | None]:
        """Size in bytes and spindles of each, null where there is no device."""

    @call(Timeout.NORMAL)
    def blockdev_grow(
        self, cf_bdev: Disk, amount: int, dryrun: bool, backingstore: bool, es_flag: bool
    ) -> None:
        """Make the device larger."""

    @call(Timeout.SLOW)
    def blockdev_wipe(self, bdev: Disk, offset: int, size: int) -> None:
        """Write zeros."""

    @call(Timeout.NORMAL)
    def blockdev_rename(self, devlist: list[tuple[Disk, LogicalId]]) -> None:
        """Give devices other logical ids."""

    @call(Timeout.NORMAL)
    def blockdev_setinfo(self, disk: Disk, info: str) -> None:
        """Attach a text to the device where that is possible."""

    @call(Timeout.URGENT, repeatable=True, fenced=False)
    def bdev_sizes(self, devices: list[Path]) -> dict[str, int]:
        """The size of each path that is a block device below /dev."""
