# SPDX-License-Identifier: GPL-2.0-or-later
"""What a storage driver must be able to do with one device.

A device object is a view of what is on this node; it keeps nothing. Errors are BlockDeviceError.
"""

from __future__ import annotations

import abc
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from ganeti.contracts.node.blockdev import LocalDisk
from ganeti.errors import BlockDeviceError
from ganeti.model.disk import Disk
from ganeti.node.host import Host


@dataclass(frozen=True)
class DeviceStatus:
    """A device as the master asks about it. Percentages and seconds are null unless it is syncing."""

    dev_path: str
    major: int | None = None
    minor: int | None = None
    sync_percent: float | None = None
    estimated_time: float | None = None
    is_degraded: bool = False
    ldisk_status: LocalDisk = LocalDisk.OK

    def info(self) -> dict[str, Any]:
        """The form in calls."""
        return asdict(self)


class BlockDevice(abc.ABC):
    """One device on this node. `KINDS` are the templates that a driver serves."""

    KINDS: ClassVar[tuple[str, ...]]

    def __init__(self, host: Host, disk: Disk) -> None:
        self._host, self.disk = host, disk

    @property
    @abc.abstractmethod
    def path(self) -> str:
        """Where the device is found on this node."""

    @abc.abstractmethod
    def exists(self) -> bool: ...

    @abc.abstractmethod
    def create(self, size_mib: int, *, exclusive_storage: bool) -> None:
        """Make it; one that is there already is an error."""

    @abc.abstractmethod
    def remove(self) -> None:
        """Remove it; one that is not there is fine."""

    @abc.abstractmethod
    def rename(self, logical_id: list[Any]) -> None: ...

    @abc.abstractmethod
    def grow(self, amount_mib: int, *, dry_run: bool, backing_store: bool) -> None:
        """Make it larger; a dry run only finds out whether that is possible.

        With `backing_store` the storage itself grows, without it what stands on it, if anything.
        """

    @abc.abstractmethod
    def size_bytes(self) -> int: ...

    @abc.abstractmethod
    def wipe(self, offset_mib: int, size_mib: int) -> None:
        """Write zeros."""

    def assemble(self) -> None:
        """Bring it up; it must exist."""
        self.require()

    def shut_down(self) -> None:
        """Take it down; the data stay."""

    def open(self, *, exclusive: bool) -> None:
        """A guest of this node is going to use it."""
        self.require()

    def close(self) -> None:
        """No guest of this node uses it any more."""

    def set_info(self, text: str) -> None:
        """Note whose it is, where the storage can do that."""

    def uri(self, hypervisor: str) -> str | None:
        """How a guest's process opens it without the kernel, where that is possible."""
        return None

    def status(self) -> DeviceStatus:
        return DeviceStatus(self.path)

    def require(self) -> None:
        if not self.exists():
            raise BlockDeviceError(f"{self.disk.dev_type} device {self.path} does not exist")
