# SPDX-License-Identifier: GPL-2.0-or-later
"""Exports of instances that lie on this node, each in a directory with a ``config.ini``."""

from __future__ import annotations

import os

from ganeti.contracts.node.backup import BackupCalls
from ganeti.errors import GenericError
from ganeti.node.host import Host

CONFIG_NAME = "config.ini"
"""Written last but for the rename from NAME.new: what lacks it, or has that name, is half-made."""
UNFINISHED = ".new"


class BackupHandlers(BackupCalls):
    def __init__(self, host: Host) -> None:
        self._directory = host.paths.export_dir

    def export_list(self) -> list[str]:
        try:
            names = os.listdir(self._directory)
        except FileNotFoundError:
            raise GenericError(
                f"there is no directory {self._directory} for exports on this node"
            ) from None
        return sorted(filter(self._is_export, names))

    def _is_export(self, name: str) -> bool:
        is_hidden_or_unfinished = name.startswith(".") or name.endswith(UNFINISHED)
        return not is_hidden_or_unfinished and os.path.isfile(
            f"{self._directory}/{name}/{CONFIG_NAME}"
        )
