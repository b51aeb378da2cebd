# SPDX-License-Identifier: GPL-2.0-or-later
"""A network, and which of its addresses are taken: ``networks.*`` in the configuration file.

The two bit texts have a character ``0`` or ``1`` for each address of the IPv4 network, the network
address first. `reservations` are those that instances use; `ext_reservations` are kept from them
(the first, the last, the gateway, and what the administrator reserved).
"""

from __future__ import annotations

from ganeti.schema.record import Record, optional, stored


class Network(Record):
    uuid: str = stored()
    name: str = stored()
    network: str = stored()
    gateway: str | None = optional(default=None)
    network6: str | None = optional(default=None)
    gateway6: str | None = optional(default=None)
    mac_prefix: str | None = optional(default=None)
    reservations: str | None = optional(default=None)
    ext_reservations: str | None = optional(default=None)
    serial_no: int = stored(default=0)
    ctime: float = optional(default=0)
    mtime: float = optional(default=0)
    tags: tuple[str, ...] = optional(default=())
