# SPDX-License-Identifier: GPL-2.0-or-later
"""Exports of instances that lie on this node, each in a directory with a ``config.ini``."""

from __future__ import annotations

import configparser
import os
import shutil

from ganeti.contracts.node.backup import BackupCalls
from ganeti.errors import GenericError
from ganeti.node.host import Host
from ganeti.utils import files

CONFIG_NAME = "config.ini"
"""Written last but for the rename from NAME.new: what lacks it, or has that name, is half-made."""
UNFINISHED = ".new"
SECTIONS = ("export", "instance")


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

    def export_info(self, path: str) -> str:
        file = f"{path}/{CONFIG_NAME}"
        try:
            text = files.read_text(file)
        except (OSError, UnicodeDecodeError) as err:
            raise GenericError(f"{file} cannot be read: {err}") from err
        if not _describes_export(text):
            raise GenericError(f"{file} does not describe an export")
        return text

    def export_remove(self, export: str) -> None:
        try:
            shutil.rmtree(f"{self._directory}/{export}")
        except OSError as err:
            raise GenericError(f"the export {export} cannot be removed: {err}") from err


def _describes_export(text: str) -> bool:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return False
    return all(parser.has_section(name) for name in SECTIONS)
