# SPDX-License-Identifier: GPL-2.0-or-later
"""ssconf: what every node knows of the cluster without asking, one file for each value.

``/var/lib/ganeti/ssconf_<key>``, mode 0444; lists have one item a line; a newline ends what is not
empty. Written under a lock between processes, and only where something changed: a look at a file's
identity (`stamp`) tells whether to read it again.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping

from ganeti.errors import ConfigurationError
from ganeti.paths import Paths
from ganeti.utils import files
from ganeti.utils.filelock import FileLock
from ganeti.utils.files import Disk, Write

MODE = 0o444
MOST_BYTES = 1024 * 1024
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*")


class Ssconf:
    """Reads and writes the values of this host; keeps nothing."""

    LOCK_S = 10.0

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def get(self, key: str, *, default: str | None = None) -> str:
        """A value without its last newline; ConfigurationError if there is none and no default."""
        try:
            return files.read_text(self._paths.ssconf(key)).removesuffix("\n")
        except FileNotFoundError:
            if default is not None:
                return default
            raise ConfigurationError(
                f"{self._paths.ssconf(key)} is missing; is this host part of a cluster?"
            ) from None

    def lines(self, key: str) -> list[str]:
        """A list; empty if the file is missing."""
        return self.get(key, default="").splitlines()

    def table(self, key: str, separator: str = " ") -> dict[str, str]:
        """A list of ``name value`` or ``name=value`` lines; ConfigurationError if one is not."""
        rows = [line.split(separator, 1) for line in self.lines(key)]
        damaged = [row[0] for row in rows if len(row) != 2]
        if damaged:
            raise ConfigurationError(
                f"{self._paths.ssconf(key)} is damaged: '{damaged[0]}' has no value;"
                " write it again by 'gnt-cluster redist-conf'"
            )
        return dict(rows)

    def address_of(self, node: str) -> str:
        """The primary address of a node, by name."""
        try:
            return self.table("node_primary_ips")[node]
        except KeyError:
            raise ConfigurationError(f"ssconf knows no address of node {node}") from None

    def stamp(self, key: str) -> tuple[int, ...] | None:
        """The identity of the file, another one after every change; None if it is missing."""
        try:
            state = os.stat(self._paths.ssconf(key))
        except FileNotFoundError:
            return None
        return state.st_dev, state.st_ino, state.st_mtime_ns

    def read_all(self) -> dict[str, str]:
        """Every value there is."""
        return {key: self.get(key) for key in self._keys()}

    def write(self, disk: Disk, values: Mapping[str, str]) -> list[str]:
        """Write the values that changed, all durable on return; their keys. Others stay."""
        content = {key: _checked(key, value) for key, value in values.items()}
        with FileLock(self._paths.ssconf_lock) as lock:
            lock.acquire(timeout_s=self.LOCK_S)
            changed = [key for key, data in content.items() if self._bytes(key) != data]
            disk.write_many(Write(self._paths.ssconf(key), content[key], MODE) for key in changed)
        return changed

    def clear(self, disk: Disk) -> None:
        """Remove all values: this host leaves the cluster."""
        with FileLock(self._paths.ssconf_lock) as lock:
            lock.acquire(timeout_s=self.LOCK_S)
            for key in self._keys():
                disk.remove(self._paths.ssconf(key))

    def _keys(self) -> list[str]:
        prefix = self._paths.ssconf("")
        found = (path.removeprefix(prefix) for path in glob.glob(glob.escape(prefix) + "*"))
        return sorted(key for key in found if _KEY.fullmatch(key))

    def _bytes(self, key: str) -> bytes | None:
        try:
            with open(self._paths.ssconf(key), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None


def _checked(key: str, value: str) -> bytes:
    if not _KEY.fullmatch(key):
        raise ConfigurationError(f"'{key}' cannot be the name of an ssconf value")
    data = (value if value.endswith("\n") or not value else value + "\n").encode()
    if len(data) > MOST_BYTES:
        raise ConfigurationError(
            f"the ssconf value {key} has {len(data)} bytes; {MOST_BYTES} are allowed"
        )
    return data
