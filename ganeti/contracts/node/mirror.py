# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks that are mirrored between two nodes by DRBD, as each of the two sees them."""

from __future__ import annotations

from ganeti.model.disk import Disk
from ganeti.schema.contract import Contract, Timeout, call


class MirrorCalls(Contract):
    """The disks carry this node's minors and both nodes' addresses."""

    @call(Timeout.NORMAL)
    def drbd_attach_net(self, disks: list[Disk], multimaster: bool) -> None:
        """Connect to the other node; with `multimaster` both may write."""

    @call(Timeout.NORMAL)
    def drbd_disconnect_net(self, disks: list[Disk]) -> None:
        """Disconnect from the other node."""

    @call(Timeout.SLOW, fenced=False)
    def drbd_wait_sync(self, disks: list[Disk]) -> tuple[bool, float]:
        """Whether all are in sync, and the lowest percentage; waits a little for the connection."""

    @call(Timeout.NORMAL, fenced=False)
    def drbd_needs_activation(self, disks: list[Disk]) -> list[str]:
        """The UUIDs of those that are not up whole."""

    @call(Timeout.URGENT, repeatable=True, fenced=False)
    def drbd_helper(self) -> str:
        """The program that the kernel runs for DRBD."""

    @call(Timeout.NORMAL)
    def blockdev_addchildren(self, bdev: Disk, ndevs: list[Disk]) -> None:
        """Give a mirror that lacks them its local devices."""

    @call(Timeout.NORMAL)
    def blockdev_removechildren(self, bdev: Disk, ndevs: list[Disk]) -> None:
        """Take the local devices away from a mirror, which goes on over the network."""

    @call(Timeout.NORMAL)
    def blockdev_pause_resume_sync(
        self, disks: list[Disk], pause: bool
    ) -> list[tuple[bool, str | None]]:
        """Pause or resume the synchronisation; for each disk whether it did, and why not."""
