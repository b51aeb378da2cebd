# SPDX-License-Identifier: GPL-2.0-or-later
"""A node: ``nodes.*`` in the configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.schema.record import Record, optional, runtime, stored

Params = Mapping[str, Any]


class Node(Record):
    """At most one of `master_candidate`, `drained` and `offline` is true."""

    uuid: str = stored()
    name: str = stored()
    primary_ip: str = stored()
    secondary_ip: str = stored()
    serial_no: int = stored(default=0)
    ctime: float = stored(default=0)
    mtime: float = stored(default=0)
    tags: tuple[str, ...] = optional(default=())
    master_candidate: bool = stored()
    offline: bool = stored()
    drained: bool = stored()
    group: str = stored()
    master_capable: bool = stored(default=True)
    vm_capable: bool = stored(default=True)
    powered: bool = stored(default=True)
    ndparams: Params = stored(default={})
    hv_state_static: Mapping[str, Params] = optional(default={})
    disk_state_static: Mapping[str, Mapping[str, Params]] = optional(default={})
    hv_state: Mapping[str, Params] | None = runtime(default=None)
    disk_state: Mapping[str, Mapping[str, Params]] | None = runtime(default=None)
