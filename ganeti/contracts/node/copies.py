# SPDX-License-Identifier: GPL-2.0-or-later
"""Contents of disks that are made from others."""

from __future__ import annotations

from typing import Any

from ganeti.model.disk import Disk
from ganeti.schema.contract import Contract, Timeout, call


class CopyCalls(Contract):
    """Sizes are in MiB."""

    @call(Timeout.NORMAL)
    def blockdev_snapshot(
        self, cf_bdev: Disk, snap_name: str | None, snap_size: int | None
    ) -> list[Any]:
        """Make a snapshot; its logical id."""

    @call(Timeout.SLOW)
    def blockdev_convert(self, bdev_src: Disk, bdev_dest: Disk) -> None:
        """Copy a disk to another one, of whatever template."""

    @call(Timeout.SLOW)
    def blockdev_image(self, bdev: Disk, image: str, size: int) -> None:
        """Fill a disk from an image: a file of this node, or a URL."""
