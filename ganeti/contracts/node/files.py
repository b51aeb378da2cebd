# SPDX-License-Identifier: GPL-2.0-or-later
"""Files on a node: uploads, ssconf, directories of file-based disks."""

from __future__ import annotations

from typing import Any

from ganeti.contracts.node.names import Path
from ganeti.contracts.node.packed import Packed
from ganeti.schema.contract import Contract, Timeout, call

Upload = tuple[str, Packed, int, str | int, str | int, float, float]
"""Path, content, mode, user, group, time of access, time of change."""


class FileCalls(Contract):
    """Only paths of a fixed list are written; directories only where the administrator allows it."""

    @call(Timeout.NORMAL, repeatable=True, in_turn=lambda upload: upload[0])
    def upload_file(self, file_name: Upload) -> None:
        """Replace a file of the list."""

    @call(Timeout.NORMAL, in_turn=lambda path, *_: path)
    def upload_file_single(
        self,
        file_name: str,
        content: Packed,
        mode: int,
        uid: str | int,
        gid: str | int,
        atime: float,
        mtime: float,
    ) -> None:
        """The same with the parts as arguments."""

    @call(Timeout.FAST, repeatable=True, fenced=False)
    def get_file_info(self, file_path: Path) -> tuple[bool, dict[str, Any]]:
        """Whether there is such a file, and its size, mode, owner and times."""

    @call(Timeout.NORMAL, repeatable=True, in_turn="ssconf")
    def write_ssconf_files(self, values: dict[str, str]) -> None:
        """Replace the ssconf files whose values differ."""

    @call(Timeout.FAST)
    def file_storage_dir_create(self, file_storage_dir: Path) -> None:
        """Make the directory of an instance's files."""

    @call(Timeout.FAST)
    def file_storage_dir_remove(self, file_storage_dir: Path) -> None:
        """Remove it, if it is empty."""

    @call(Timeout.FAST)
    def file_storage_dir_rename(
        self, old_file_storage_dir: Path, new_file_storage_dir: Path
    ) -> None:
        """Rename it."""
