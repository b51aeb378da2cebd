# SPDX-License-Identifier: GPL-2.0-or-later
"""What a job has chosen for itself before it is in the configuration: MACs, addresses, ports, …

A reservation belongs to an execution context (a job's opcode) and ends with it; by then it is in the
configuration, or not needed. The table has one lock, under which only memory is looked at.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from ganeti.errors import ReservationError
from ganeti.model import pool, ports
from ganeti.model.config import Config
from ganeti.model.index import Claim
from ganeti.model.network import Network
from ganeti.model.templates import DrbdNumbers

MAC_ATTEMPTS = 64
SECRET_BYTES = 20

K = TypeVar("K", bound=Hashable)


class ReservationTable:
    """Who has reserved what. `current` gives the newest configuration, `random` random bytes."""

    def __init__(
        self, current: Callable[[], Config], random: Callable[[int], bytes] = os.urandom
    ) -> None:
        self.current, self.random = current, random
        self._owners: dict[tuple[str, Hashable], str] = {}
        self._lock = threading.Lock()

    def of(self, context: str) -> Reservations:
        """What belongs to an execution context."""
        return Reservations(self, context)

    def release(self, context: str) -> None:
        with self._lock:
            self._owners = {k: owner for k, owner in self._owners.items() if owner != context}

    def take(self, context: str, kind: str, choose: Callable[[Config, set[Any]], K]) -> K:
        """Reserve what `choose` picks, given the configuration and what is reserved already."""
        with self._lock:
            taken = {key for k, key in self._owners if k == kind}
            chosen = choose(self.current(), taken)
            self._owners[kind, chosen] = context
            return chosen


class Reservations:
    """The reservations of one execution context. What cannot be had raises ReservationError."""

    def __init__(self, table: ReservationTable, context: str) -> None:
        self._table, self._context = table, context

    def uuid(self) -> str:
        """A new UUID. There are so many that chance is enough."""
        return str(uuid.UUID(bytes=self._table.random(16), version=4))

    def _exactly(self, kind: Claim, key: Hashable, what: str) -> None:
        """Reserve this very key."""

        def choose(cfg: Config, taken: set[Any]) -> Hashable:
            if key in taken:
                raise ReservationError(f"{what} is reserved by another job")
            if cfg.index.owner(kind, key) is not None:
                raise ReservationError(f"{what} is in use already")
            return key

        self._table.take(self._context, kind, choose)

    def mac(self, mac: str) -> None:
        self._exactly(Claim.MAC, mac.lower(), f"MAC address {mac}")

    def generate_mac(self, network: str | None = None) -> str:
        """A MAC address with the prefix of the network or the cluster."""

        def choose(cfg: Config, taken: set[Any]) -> str:
            prefix = (
                cfg.networks[network].mac_prefix if network else None
            ) or cfg.cluster.mac_prefix
            for _ in range(MAC_ATTEMPTS):
                mac = f"{prefix}:{self._table.random(3).hex(':')}".lower()
                if mac not in taken and cfg.index.owner(Claim.MAC, mac) is None:
                    return mac
            raise ReservationError(f"no free MAC address with the prefix {prefix} was found")

        return self._table.take(self._context, Claim.MAC, choose)

    def network_ip(self, network: str, address: str, *, even_kept: bool = False) -> None:
        """An address of a network; `even_kept`: also one that is kept from instances."""
        record = self._network(network)
        if pool.contains(record, address) and pool.is_kept(record, address) and not even_kept:
            raise ReservationError(
                f"address {address} of network {record.name} is kept from instances"
            )
        what = f"address {address} of network {record.name}"
        self._exactly(Claim.ADDRESS, (network, address), what)

    def free_network_ip(self, network: str) -> str:
        """The first free address of a network."""

        def choose(cfg: Config, taken: set[Any]) -> tuple[str, str]:
            own = {address for uuid, address in taken if uuid == network}
            return network, pool.free_address(cfg.networks[network], own)

        return self._table.take(self._context, Claim.ADDRESS, choose)[1]

    def _network(self, network: str) -> Network:
        return self._table.current().networks[network]

    def volume(self, node: str, group: str, name: str) -> None:
        """A logical volume on a node."""
        what = f"logical volume {group}/{name}"
        self._exactly(Claim.VOLUME, (node, group, name), what)

    def port(self) -> int:
        """A TCP port for a console or DRBD."""

        def choose(cfg: Config, taken: set[Any]) -> int:
            return ports.free_port(cfg.cluster, taken)

        return self._table.take(self._context, Claim.PORT, choose)

    def minor(self, node: str) -> int:
        """The smallest free DRBD minor of a node."""

        def choose(cfg: Config, taken: set[Any]) -> tuple[str, int]:
            number = 0
            while (node, number) in taken or cfg.index.owner(Claim.MINOR, (node, number)):
                number += 1
            return node, number

        return self._table.take(self._context, Claim.MINOR, choose)[1]

    def drbd(self, nodes: Sequence[str]) -> DrbdNumbers:
        """Port, minors and secret of a new DRBD disk between two nodes."""
        node_a, node_b = nodes
        minors = self.minor(node_a), self.minor(node_b)
        return DrbdNumbers(self.port(), minors, self.secret())

    def secret(self) -> str:
        return self._table.random(SECRET_BYTES).hex()
