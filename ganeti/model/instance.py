# SPDX-License-Identifier: GPL-2.0-or-later
"""An instance: ``instances.*`` in the configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ganeti.model.disk import Disk
from ganeti.model.nic import Nic
from ganeti.schema.record import Record, optional, runtime, stored

Params = Mapping[str, Any]
AdminState = Literal["up", "down", "offline"]


class Instance(Record):
    """`disks` are UUIDs of disks. The parameters are the instance's own; `Config` fills them.

    In calls to nodes they are filled, and `disks_info` and `secondary_nodes` are there.
    A forthcoming instance is a reservation: most of its attributes may be missing.
    """

    DRAFT = "forthcoming"

    uuid: str = stored()
    name: str = stored()
    primary_node: str = stored()
    os: str = stored()
    hypervisor: str = stored()
    hvparams: Params = stored(default={})
    beparams: Params = stored(default={})
    osparams: Params = stored(default={})
    osparams_private: Params = stored(default={})
    admin_state: AdminState = stored(default="down")
    admin_state_source: Literal["admin", "user"] = stored(default="admin")
    disks_active: bool = stored(default=False)
    nics: tuple[Nic, ...] = stored(default=())
    disks: tuple[str, ...] = stored(default=())
    network_port: int | None = optional(default=None)
    forthcoming: bool = optional(default=False)
    serial_no: int = stored(default=0)
    ctime: float = stored(default=0)
    mtime: float = stored(default=0)
    tags: tuple[str, ...] = optional(default=())
    disks_info: tuple[Disk, ...] | None = runtime(default=None)
    secondary_nodes: tuple[str, ...] | None = runtime(default=None)
    node_names: Mapping[str, str] | None = runtime(default=None)
    """Names of its nodes by UUID, which a node does not know by itself (our own)."""
