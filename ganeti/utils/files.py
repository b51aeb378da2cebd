# SPDX-License-Identifier: GPL-2.0-or-later
"""Durable writes: all of the product's go through `Disk`.

A file is replaced by: temporary file in the same directory, write, fsync, owner and mode, rename,
fsync of the directory. Whoever returns from `Disk.write` may promise that the content survives a
power cut. `Primitives` are the few system calls behind it; a double of them in the tests keeps only
what was synced.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

Owner = tuple[int, int]
BeforeRename = Callable[[os.stat_result], None]

_PREFIX = "."
_SUFFIX = ".new"
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{12}\.new", re.DOTALL)
_NAME_BYTES = 200


class Write(NamedTuple):
    """One file to be replaced. `owner` is (uid, gid); None keeps that of the process.

    `mtime_ns` is when the file says that it was written, if it is not to be the time of the system.
    """

    path: str
    data: bytes
    mode: int = 0o640
    owner: Owner | None = None
    before_rename: BeforeRename | None = None
    mtime_ns: int | None = None


class Primitives:
    """The system calls that durable writes consist of."""

    def write_temporary(self, path: str, item: Write) -> None:
        """Make a new file with the content, owner and mode of `item`; not yet synced.

        The advice lets the kernel begin to write: of many files the first fsync waits for the device,
        the others find most of it done. One thread is as fast so as many, for half the CPU time.
        """
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            view = memoryview(item.data)
            while view:
                view = view[os.write(fd, view) :]
            if item.owner is not None:
                os.fchown(fd, *item.owner)
            os.fchmod(fd, item.mode)
            if item.mtime_ns is not None:
                os.utime(fd, ns=(item.mtime_ns, item.mtime_ns))
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
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

    def mkdir(self, path: str, mode: int, owner: Owner | None) -> None:
        """Nothing is left if owner or mode are refused: what is there counts as finished."""
        os.mkdir(path, 0o700)
        try:
            if owner is not None:
                os.chown(path, *owner)
            os.chmod(path, mode)
        except BaseException:
            os.rmdir(path)
            raise

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
        """Replace several files; each directory is synced once. All are durable on return.

        Each file is replaced as a whole or not at all, in the order given; if this raises, the first
        ones may have been replaced.
        """
        items = list(items)
        temporary = [(_temporary(item.path), item) for item in items]
        try:
            for path, item in temporary:
                with _naming(item.path):
                    self._do.write_temporary(path, item)
            states = [self._sync(path, item) for path, item in temporary]
            for (path, item), state in zip(temporary, states, strict=True):
                if item.before_rename is not None:
                    item.before_rename(state)
                self._do.rename(path, item.path)
        except BaseException:
            self._drop(path for path, _ in temporary)
            raise
        self._sync_directories(item.path for item in items)

    def sync(self, paths: Iterable[str]) -> None:
        """Make durable what another program has written."""
        paths = list(paths)
        for path in paths:
            with _naming(path):
                self._do.sync_file(path)
        self._sync_directories(paths)

    def _sync(self, path: str, item: Write) -> os.stat_result:
        with _naming(item.path):
            return self._do.sync_file(path)

    def _drop(self, paths: Iterable[str]) -> None:
        for path in paths:
            with contextlib.suppress(OSError):
                self._do.unlink(path)

    def _sync_directories(self, paths: Iterable[str]) -> None:
        for directory in dict.fromkeys(_directory(path) for path in paths):
            with _naming(directory):
                self._do.sync_directory(directory)

    def rename(
        self,
        old: str,
        new: str,
        *,
        make_dirs_mode: int | None = None,
        make_dirs_owner: Owner | None = None,
    ) -> None:
        """Give a file another name; durable on return."""
        self.rename_many(
            [(old, new)], make_dirs_mode=make_dirs_mode, make_dirs_owner=make_dirs_owner
        )

    def rename_many(
        self,
        pairs: Iterable[tuple[str, str]],
        *,
        make_dirs_mode: int | None = None,
        make_dirs_owner: Owner | None = None,
    ) -> None:
        """Rename files; `make_dirs_mode` makes missing target directories."""
        pairs = list(pairs)
        for old, new in pairs:
            if make_dirs_mode is not None:
                self.ensure_dir(_directory(new), mode=make_dirs_mode, owner=make_dirs_owner)
            self._do.rename(old, new)
        # The new place first: in between, a file system without a journal has two names, not none.
        self._sync_directories(new for _, new in pairs)
        self._sync_directories(old for old, _ in pairs)

    def remove(self, path: str, *, missing_ok: bool = False) -> None:
        """Remove a file; it does not come back after a power cut."""
        try:
            self._do.unlink(path)
        except FileNotFoundError:
            if not missing_ok:
                raise
            return
        self._sync_directories([path])

    def remove_files(self, directory: str, *, names: re.Pattern[str] | None = None) -> None:
        """Remove the regular files of a directory, or those with such names; the rest stays."""
        try:
            entries = list(os.scandir(directory))
        except FileNotFoundError:
            return
        paths = [
            entry.path
            for entry in entries
            if entry.is_file(follow_symlinks=False) and (not names or names.fullmatch(entry.name))
        ]
        self.remove_many(paths)

    def remove_many(self, paths: Iterable[str]) -> None:
        """Remove files; each directory is synced once."""
        paths = list(paths)
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                self._do.unlink(path)
        self._sync_directories(paths)

    def ensure_dir(self, path: str, *, mode: int, owner: Owner | None = None) -> None:
        """Make a directory, with parents, if it is not there; one that is there stays as it is."""
        if os.path.isdir(path):
            return
        self.ensure_dir(_directory(path), mode=mode, owner=owner)
        try:
            self._do.mkdir(path, mode, owner)
        except FileExistsError:
            if not os.path.isdir(path):
                raise
            return
        self._sync_directories([path])


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    """Calls on descriptors fail without a name, those on temporary files with one that nobody knows."""
    try:
        yield
    except OSError as err:
        if err.errno is not None:
            err.filename = path
        raise


def _directory(path: str) -> str:
    return os.path.dirname(path) or "."


def _temporary(path: str) -> str:
    """A hidden name in the same directory that `sweep_temporaries` knows; never longer than allowed."""
    directory, name = os.path.split(path)
    short = os.fsdecode(os.fsencode(name)[:_NAME_BYTES])
    return os.path.join(directory, f"{_PREFIX}{short}.{os.urandom(6).hex()}{_SUFFIX}")


def sweep_temporaries(directory: str, name: str | None = None) -> None:
    """Remove what a crash left of unfinished writes: of one file, or of all in the directory.

    Only for who is sure that nobody writes these files at the moment.
    """
    for found in os.listdir(directory):
        match = _TEMPORARY.fullmatch(found)
        if match is not None and name in (None, match["name"]):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(directory, found))


def read_text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def read_lines(path: str) -> list[str]:
    """Lines without their ends."""
    return read_text(path).splitlines()


def find_executable(directories: Iterable[str], name: str) -> str | None:
    """The first program of this name in the directories; a name with a slash is none."""
    if os.path.basename(name) != name:
        return None
    paths = (os.path.join(directory, name) for directory in directories)
    return next((p for p in paths if os.path.isfile(p) and os.access(p, os.X_OK)), None)
