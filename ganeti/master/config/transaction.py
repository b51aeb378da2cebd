# SPDX-License-Identifier: GPL-2.0-or-later
"""One change of the configuration: what a unit puts and removes, and what follows from it.

What follows is done right here, so that no unit need think of it: serial numbers and times of change,
the pool of TCP ports, the address pools of networks, and the cluster's serial number, which grows
whenever something changes that stands in ssconf.
"""

from __future__ import annotations

import typing
from typing import Any, TypeVar

from ganeti.errors import ConfigurationError
from ganeti.model import index, pool, ports, ssconf_values
from ganeti.model.config import Config
from ganeti.model.index import Claim, Entry, Member

E = TypeVar("E", bound=Entry)

Key = tuple[type, str]


class Transaction:
    """A change on top of a configuration. One thread uses it."""

    def __init__(self, base: Config, now: float) -> None:
        self._base, self._now = base, now
        self._put: dict[Key, Entry] = {}
        self._removed: dict[Key, Member] = {}
        self._root: Config | None = None
        self.warnings: list[str] = []
        """After the change was made: what the user should know all the same."""

    @property
    def root(self) -> Config:
        """The configuration with what was put and removed so far; raises ConfigurationError
        for what cannot be."""
        if self.is_empty:
            return self._base
        if self._root is None:
            self._root = self._base.changed(self._put.values(), self._removed.values())
        return self._root

    @property
    def is_empty(self) -> bool:
        return not (self._put or self._removed)

    def put(self, entry: E) -> E:
        """Add or replace a record; returns it as it will be stored.

        Raises ConfigurationError if the record was changed after it was read: what others
        changed meanwhile would be lost.
        """
        key = _key(entry)
        before = self._put.get(key) or self._base.stored(entry)
        stamped = typing.cast(E, self._stamped(entry.stored(), before))
        self._put[key] = stamped
        self._removed.pop(key, None)
        self._root = None
        return stamped

    def _stamped(self, entry: Entry, before: Entry | None) -> Entry:
        if "serial_no" not in entry.ATTRIBUTES:
            return entry
        if before is None:
            return entry.replace(serial_no=1, ctime=self._now, mtime=self._now)
        if _serial(before) != _serial(entry):
            raise ConfigurationError(
                f"{entry!r} was changed after it was read; read it again and repeat the change"
            )
        origin = self._base.stored(entry)
        serial_no = 1 if origin is None else _serial(origin) + 1
        return entry.replace(serial_no=serial_no, mtime=self._now)

    def remove(self, member: Member) -> None:
        """Take a record out."""
        key = _key(member)
        is_new = self._put.pop(key, None) is not None and self._base.stored(member) is None
        if not is_new:
            self._removed[key] = member
        self._root = None

    def finished(self) -> Config:
        """The configuration with the change and what follows from it."""
        if not self.is_empty:
            self._update_ports()
            self._update_networks()
            self._update_cluster()
        return self.root

    def _update_ports(self) -> None:
        gone, new = self._moved(Claim.PORT)
        if gone or new:
            self.put(ports.with_free(ports.with_used(self.root.cluster, new), gone))

    def _update_networks(self) -> None:
        gone, new = self._moved(Claim.ADDRESS)
        for uuid in {network for network, _ in gone | new}:
            network = self.root.networks.get(uuid)
            if network is not None:
                network = pool.with_used(network, _of(uuid, gone), used=False)
                self.put(pool.with_used(network, _of(uuid, new), used=True))

    def _moved(self, kind: Claim) -> tuple[set[Any], set[Any]]:
        """The keys that the change gives back, and those that it takes."""
        touched = [*self._put.values(), *self._removed.values()]
        before, after = (
            {
                key
                for entry in map(root.stored, touched)
                if entry is not None
                for claim, key in index.claims(entry)
                if claim is kind
            }
            for root in (self._base, self.root)
        )
        return before - after, after - before

    def _update_cluster(self) -> None:
        is_raised = self.root.cluster.serial_no != self._base.cluster.serial_no
        if not is_raised and ssconf_values.changed(self._base, self.root):
            self.put(self.root.cluster)


def _of(network: str, keys: set[Any]) -> list[str]:
    return [address for uuid, address in keys if uuid == network]


def _key(entry: Entry) -> Key:
    return type(entry), entry.uuid


def _serial(entry: Entry) -> int:
    return int(getattr(entry, "serial_no", 0))
