# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk: ``disks.*`` in the configuration file; its children stay nested in it.

`logical_id` by device type (disk templates):

=====================  ==============================================================
plain                  ``[volume group, logical volume]``
drbd                   ``[node A, node B, port, minor A, minor B, secret]``, nodes by UUID
file, sharedfile       ``[driver, path]``
gluster                ``[driver, path below the mount point]``
blockdev               ``["manual", path]``
rbd                    ``["rbd", image]``
ext                    ``[provider, volume]``
=====================  ==============================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from ganeti.schema.record import Record, optional, runtime, stored

Params = Mapping[str, Any]


class DrbdId(NamedTuple):
    """The parts of a DRBD disk's `logical_id`; the nodes are UUIDs."""

    node_a: str
    node_b: str
    port: int | None
    minor_a: int
    minor_b: int
    secret: str


class Volume(NamedTuple):
    """The parts of a logical volume's `logical_id`."""

    group: str
    name: str


class Disk(Record):
    """`nodes`: drbd both, plain and file the primary, others none.

    `params` are filled and `dynamic_params` are there in calls to nodes only (but for what
    an external storage provider was given, which is stored).
    """

    DRAFT = "forthcoming"

    uuid: str = stored(default="")
    dev_type: str = stored()
    logical_id: tuple[Any, ...] = stored()
    size: int = stored()
    nodes: tuple[str, ...] = stored(default=())
    params: Params = stored(default={})
    iv_name: str = optional(default="")
    mode: Literal["rw", "ro"] = optional(default="rw")
    children: tuple[Disk, ...] = optional(default=())
    name: str | None = optional(default=None)
    spindles: int | None = optional(default=None)
    forthcoming: bool = optional(default=False)
    serial_no: int = stored(default=1)
    ctime: float = stored(default=0)
    mtime: float = stored(default=0)
    dynamic_params: Params | None = runtime(default=None)
    hvinfo: Params | None = runtime(default=None)
    pci: int | None = runtime(default=None)

    @property
    def drbd(self) -> DrbdId | None:
        """The parts of the `logical_id`, if DRBD is the device."""
        return DrbdId(*self.raw()["logical_id"]) if self.dev_type == "drbd" else None

    def volumes(self) -> list[Volume]:
        """The logical volumes that the disk consists of, on each of its nodes."""
        devices = (self.raw(), *self.raw().get("children", ()))
        return [Volume(*d["logical_id"]) for d in devices if d["dev_type"] == "plain"]
