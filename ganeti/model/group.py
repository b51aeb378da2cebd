# SPDX-License-Identifier: GPL-2.0-or-later
"""A node group: ``nodegroups.*`` in the configuration file.

Its members are not part of it: nodes name their group, `Config.members` is the index.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ganeti.schema.record import Record, optional, stored

Params = Mapping[str, Any]
AllocPolicy = Literal["preferred", "last_resort", "unallocable"]

INITIAL = "default"
"""Name of the group that a new cluster has."""


class NodeGroup(Record):
    """`networks`: by network UUID, how the group is connected to it (mode, link, vlan)."""

    uuid: str = stored()
    name: str = stored()
    serial_no: int = stored(default=1)
    ctime: float | None = optional(default=None)
    mtime: float = stored(default=0)
    tags: tuple[str, ...] = optional(default=())
    alloc_policy: AllocPolicy = stored(default="preferred")
    ndparams: Params = stored(default={})
    diskparams: Mapping[str, Params] = stored(default={})
    ipolicy: Params = stored(default={})
    networks: Mapping[str, Params] = stored(default={})
    hv_state_static: Mapping[str, Params] = optional(default={})
    disk_state_static: Mapping[str, Mapping[str, Params]] = optional(default={})
