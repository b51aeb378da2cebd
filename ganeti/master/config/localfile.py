# SPDX-License-Identifier: GPL-2.0-or-later
"""The master's own ``config.data``, written durably and only over what this program wrote.

What the file is (device, inode, time of change) is noted before it gets its name, so that a write
which is cut short in its last steps is not taken for somebody's edit.
"""

from __future__ import annotations

import os

from ganeti.errors import ConfigurationError
from ganeti.utils import files

MODE = 0o640

Identity = tuple[int, int, int]


def _identity(state: os.stat_result) -> Identity:
    return state.st_dev, state.st_ino, state.st_mtime_ns


class ConfigFile:
    """One thread reads and writes it. `owner` is the (uid, gid) of the file."""

    def __init__(self, path: str, disk: files.Disk, owner: files.Owner | None = None) -> None:
        self._path, self._disk, self._owner = path, disk, owner
        self._known: set[Identity] = set()

    def read(self) -> bytes:
        """The content; from now on the file counts as ours."""
        try:
            with open(self._path, "rb") as file:
                self._known = {_identity(os.fstat(file.fileno()))}
                return file.read()
        except OSError as err:
            raise ConfigurationError(f"the configuration cannot be read: {err}") from err

    def sweep(self) -> None:
        """Remove what writes left here that a crash cut short; nobody else may be writing."""
        directory, name = os.path.split(self._path)
        files.sweep_temporaries(directory, name)

    def check_unedited(self) -> None:
        """Raises ConfigurationError if somebody else wrote the file, or took it away."""
        try:
            found = _identity(os.stat(self._path))
        except FileNotFoundError:
            found = None
        if found not in self._known:
            raise ConfigurationError(
                f"{self._path} was changed by somebody else, so nothing is written over it;"
                " restart ganeti-masterd to load it"
            )

    def write(self, data: bytes) -> None:
        """Replace the content; durable on return. Raises OSError."""
        self._disk.write(self._path, data, mode=MODE, owner=self._owner, before_rename=self._expect)
        self._known = {self._newest}

    def _expect(self, state: os.stat_result) -> None:
        self._newest = _identity(state)
        self._known.add(self._newest)
