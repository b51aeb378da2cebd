# SPDX-License-Identifier: GPL-2.0-or-later
"""The storage drivers that this node has, by the templates they serve."""

from __future__ import annotations

from ganeti.errors import BlockDeviceError
from ganeti.model.disk import Disk
from ganeti.node.host import Host
from ganeti.node.storage.base import BlockDevice
from ganeti.node.storage.file import FileDevice

_ALL: tuple[type[BlockDevice], ...] = (FileDevice,)
DRIVERS = {kind: driver for driver in _ALL for kind in driver.KINDS}


def device(host: Host, disk: Disk) -> BlockDevice:
    """The device of a disk on this host; raises BlockDeviceError if there is no driver for it."""
    driver = DRIVERS.get(disk.dev_type)
    if driver is None:
        known = ", ".join(sorted(DRIVERS))
        raise BlockDeviceError(
            f"disks of template '{disk.dev_type}' cannot be used with this release (it has: {known})"
        )
    return driver(host, disk)
