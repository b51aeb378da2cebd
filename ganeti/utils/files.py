# SPDX-License-Identifier: GPL-2.0-or-later
"""Durable writes: all of the product's go through `Disk`.

A file is replaced by: temporary file in the same directory, write, fsync, owner and mode, rename,
fsync of the directory. Whoever returns from `Disk.write` may promise that the content survives a
power cut. `Primitives` are the few system calls behind it; a double of them in the tests keeps only
what was synced.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

Owner = tuple[int, int]
BeforeRename = Callable[[os.stat_result], None]

_SUFFIX = ".new"
_PREFIX = "."
_SYNC_THREADS = 4


class Write(NamedTuple):
    """One file to be replaced. `owner` is (uid, gid); None keeps that of the process."""

    path: str
    data: bytes
    mode: int = 0o640
    owner: Owner | None = None
    before_rename: BeforeRename | None = None


class Primitives:
    """The system calls that durable writes consist of."""

    def write_temporary(self, path: str, item: Write) -> None:
        """Make a new file with the content, owner and mode of `item`; not yet synced."""
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            view = memoryview(item.data)
            while view:
                view = view[os.write(fd, view) :]
            if item.owner is not None:
                os.fchown(fd, *item.owner)
            os.fchmod(fd, item.mode)
        finally:
            os.close(fd)

    def sync_file(self, path: str) -> os.stat_result:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
            return os.fstat(fd)
        finally:
            os.close(fd)

    def rename(self, old: str, new: str) -> None:
        os.rename(old, new)

    def unlink(self, path: str) -> None:
        os.unlink(path)

    def mkdir(self, path: str, mode: int) -> None:
        os.mkdir(path)
        os.chmod(path, mode)

    def sync_directory(self, path: str) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


class Disk:
    """The one way to durable files. Stateless, so any thread may use it."""

    def __init__(self, primitives: Primitives | None = None) -> None:
        self._do = primitives or Primitives()

    def write(
        self,
        path: str,
        data: bytes,
        *,
        mode: int = 0o640,
        owner: Owner | None = None,
        before_rename: BeforeRename | None = None,
    ) -> None:
        """Replace one file. `before_rename` is told the new file's identity before it is visible."""
        self.write_many([Write(path, data, mode, owner, before_rename)])

    def write_many(self, items: Iterable[Write]) -> None:
        """Replace several files; each directory is synced once. All are durable on return."""
        items = list(items)
        temporary = [(_temporary(item.path), item) for item in items]
        try:
            for path, item in temporary:
                self._do.write_temporary(path, item)
            states = self._sync_files([path for path, _ in temporary])
            for (path, item), state in zip(temporary, states, strict=True):
                if item.before_rename is not None:
                    item.before_rename(state)
                self._do.rename(path, item.path)
        except BaseException:
            self._drop(path for path, _ in temporary)
            raise
        self._sync_directories(item.path for item in items)

    def _sync_files(self, paths: Sequence[str]) -> list[os.stat_result]:
        """fsync waits for the device, so several wait side by side."""
        if len(paths) < 3:
            return [self._do.sync_file(path) for path in paths]
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(_SYNC_THREADS) as pool:
            return list(pool.map(self._do.sync_file, paths))

    def _drop(self, paths: Iterable[str]) -> None:
        for path in paths:
            try:
                self._do.unlink(path)
            except OSError:
                continue

    def _sync_directories(self, paths: Iterable[str]) -> None:
        for directory in dict.fromkeys(os.path.dirname(path) for path in paths):
            self._do.sync_directory(directory)

    def rename(self, old: str, new: str, *, make_dirs_mode: int | None = None) -> None:
        self.rename_many([(old, new)], make_dirs_mode=make_dirs_mode)

    def rename_many(
        self, pairs: Iterable[tuple[str, str]], *, make_dirs_mode: int | None = None
    ) -> None:
        """Rename files; `make_dirs_mode` makes missing target directories."""
        pairs = list(pairs)
        for old, new in pairs:
            if make_dirs_mode is not None:
                self.ensure_dir(os.path.dirname(new), mode=make_dirs_mode)
            self._do.rename(old, new)
        self._sync_directories(path for new_old in pairs for path in reversed(new_old))

    def remove(self, path: str, *, missing_ok: bool = False) -> None:
        try:
            self._do.unlink(path)
        except FileNotFoundError:
            if not missing_ok:
                raise
            return
        self._sync_directories([path])

    def ensure_dir(self, path: str, *, mode: int) -> None:
        """Make a directory, with parents, if it is not there."""
        if os.path.isdir(path):
            return
        parent = os.path.dirname(path)
        if not os.path.isdir(parent):
            self.ensure_dir(parent, mode=mode)
        try:
            self._do.mkdir(path, mode)
        except FileExistsError:
            return
        self._sync_directories([path])


def _temporary(path: str) -> str:
    """A name that sorts apart and that `sweep_temporaries` knows."""
    directory, name = os.path.split(path)
    unique = os.urandom(6).hex()
    return os.path.join(directory, f"{_PREFIX}{name}.{unique}{_SUFFIX}")


def sweep_temporaries(directory: str) -> None:
    """Remove what a crash in the middle of a write left."""
    for name in os.listdir(directory):
        if name.startswith(_PREFIX) and name.endswith(_SUFFIX):
            os.unlink(os.path.join(directory, name))


def read_text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def read_lines(path: str) -> list[str]:
    """Lines without their ends."""
    return read_text(path).splitlines()
