# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks that are raw files: templates file and sharedfile. QEMU opens them without a loop device."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ganeti import file_storage
from ganeti.errors import BlockDeviceError
from ganeti.node.storage.base import BlockDevice

FILE_MODE = 0o600
MIB = 1024 * 1024
_ZEROS = bytes(4 * MIB)


class FileDevice(BlockDevice):
    """A sparse file below a directory that the administrator allows."""

    KINDS = ("file", "sharedfile")

    @property
    def path(self) -> str:
        path = str(self.disk.logical_id[1])
        file_storage.check(self._host.paths, path)
        return path

    def exists(self) -> bool:
        return os.path.isfile(self.path)

    def create(self, size_mib: int, *, exclusive_storage: bool) -> None:
        """The file is never somebody else's: one that is there is left alone."""
        path = self.path
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        except FileExistsError:
            raise BlockDeviceError(f"{path} is there already; it was not touched") from None
        except OSError as err:
            raise BlockDeviceError(f"{path} cannot be created: {err}") from err
        try:
            os.ftruncate(fd, size_mib * MIB)
            self._host.disk.sync([path])
        except OSError as err:
            os.unlink(path)
            raise BlockDeviceError(f"{path} cannot have {size_mib} MiB: {err}") from err
        finally:
            os.close(fd)

    def remove(self) -> None:
        with self._told("removed"):
            self._host.disk.remove(self.path, missing_ok=True)

    def rename(self, logical_id: list[Any]) -> None:
        new = str(logical_id[1])
        file_storage.check(self._host.paths, new)
        if os.path.exists(new):
            raise BlockDeviceError(f"{new} is there already; {self.path} keeps its name")
        with self._told("renamed"):
            self._host.disk.rename(self.path, new)

    def grow(self, amount_mib: int, *, dry_run: bool, backing_store: bool) -> None:
        self.require()
        if amount_mib < 0:
            raise BlockDeviceError(f"{self.path} cannot shrink")
        if dry_run or not backing_store:
            return
        with self._told("made larger"), open(self.path, "r+b", buffering=0) as file:
            file.truncate(self.size_bytes() + amount_mib * MIB)
            os.fsync(file.fileno())

    def size_bytes(self) -> int:
        self.require()
        return os.path.getsize(self.path)

    def wipe(self, offset_mib: int, size_mib: int) -> None:
        self.require()
        end = min((offset_mib + size_mib) * MIB, self.size_bytes())
        with self._told("wiped"), open(self.path, "r+b", buffering=0) as file:
            file.seek(offset_mib * MIB)
            while (left := end - file.tell()) > 0:
                file.write(_ZEROS[:left])
            os.fsync(file.fileno())

    @contextmanager
    def _told(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as err:
            raise BlockDeviceError(f"{self.path} cannot be {done}: {err}") from err
