# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the administrator of this node allows files of instances (node daemon, "file, sharedfile").

``/etc/ganeti/file-storage-paths`` lists directories, one a line; without the file nothing is allowed.
Some places are forbidden whatever it says. Links are resolved before anything is compared.
"""

from __future__ import annotations

import os

from ganeti.errors import FileStoragePathError
from ganeti.paths import Paths
from ganeti.utils import files

_TOP = ("bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "proc", "root", "sbin", "sys")
_PROGRAMS = ("bin", "lib", "lib32", "lib64", "sbin")
FORBIDDEN = (
    *(f"/{name}" for name in _TOP),
    *(f"/usr/{name}" for name in _PROGRAMS),
    *(f"/usr/local/{name}" for name in _PROGRAMS),
)


def is_forbidden(path: str) -> bool:
    """Whether the path is a place, or below one, that never holds guests' files."""
    return path == "/" or any(_is_below(path, f) for f in FORBIDDEN)


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory + "/")


def listed(paths: Paths) -> list[str]:
    """The directories of the file, in normal form."""
    try:
        lines = files.read_lines(paths.file_storage_paths_file)
    except FileNotFoundError:
        return []
    texts = (line.strip() for line in lines)
    return [os.path.normpath(text) for text in texts if text and not text.startswith("#")]


def bad_entries(paths: Paths) -> list[str]:
    """Entries of the file that are forbidden or no absolute paths."""
    return [path for path in listed(paths) if not os.path.isabs(path) or is_forbidden(path)]


def check(paths: Paths, path: str, *, may_be_listed: bool = False) -> None:
    """Raises FileStoragePathError unless the path lies below a listed directory.

    `may_be_listed`: it may be such a directory itself.
    """
    if not os.path.isabs(path) or os.path.normpath(path) != path:
        raise FileStoragePathError(f"'{path}' is not an absolute path in normal form")
    real = os.path.realpath(path)
    if is_forbidden(path) or is_forbidden(real):
        raise FileStoragePathError(f"{path} is at a place where no file of an instance may be")
    bases = [base for base in listed(paths) if not is_forbidden(base)]
    fits = any(_is_below(path, base) and _is_below(real, os.path.realpath(base)) for base in bases)
    if not fits or (path in bases and not may_be_listed):
        raise FileStoragePathError(
            f"{path} is not below a directory listed in {paths.file_storage_paths_file}"
        )
