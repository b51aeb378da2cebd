# SPDX-License-Identifier: GPL-2.0-or-later
"""A network interface of an instance: ``instances.*.nics[]`` in the configuration file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.schema.record import Record, optional, runtime, stored

Params = Mapping[str, Any]


class Nic(Record):
    """`network` is a UUID; with one, mode, link and VLAN come from the group's connection to it.

    `netinfo` is the network itself, `hvinfo` where the device sits in the guest.
    """

    uuid: str = stored(default="")
    mac: str = stored()
    ip: str | None = optional(default=None)
    name: str | None = optional(default=None)
    network: str | None = optional(default=None)
    nicparams: Params = stored(default={})
    netinfo: Params | None = runtime(default=None)
    hvinfo: Params | None = runtime(default=None)
    pci: int | None = runtime(default=None)
