# SPDX-License-Identifier: GPL-2.0-or-later
"""Exports of instances that lie on a node."""

from __future__ import annotations

from ganeti.contracts.node.names import FileName, Path
from ganeti.schema.contract import Contract, Timeout, call


class BackupCalls(Contract):
    """An export is a directory named as its instance."""

    @call(Timeout.FAST, repeatable=True, fenced=False)
    def export_list(self) -> list[str]:
        """The names of all finished exports here; fails if this node has no place for them."""

    @call(Timeout.FAST, repeatable=True, fenced=False)
    def export_info(self, path: Path) -> str:
        """The text that describes the export in a directory."""

    @call(Timeout.FAST)
    def export_remove(self, export: FileName) -> None:
        """Remove an export."""
