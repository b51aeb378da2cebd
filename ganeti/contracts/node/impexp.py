# SPDX-License-Identifier: GPL-2.0-or-later
"""Imports and exports: each disk is moved by a process of its own, between nodes or clusters."""

from __future__ import annotations

from typing import Any

from ganeti.contracts.node.names import FileName, Guest
from ganeti.model.disk import Disk
from ganeti.schema.contract import Contract, Timeout, call

Place = tuple[str, list[Any]]
"""``["raw", [disk]]``, ``["script", [disk, index]]`` or ``["file", [path]]``."""
Options = dict[str, Any]
"""``{key_name, ca_pem, compress, magic, ipv6, connect_timeout}``."""


class ImportExportCalls(Contract):
    """A transfer is known by the name of the directory where its process tells how it stands."""

    @call(Timeout.NORMAL)
    def import_start(self, opts: Options, instance: Guest, component: str, dest: Place) -> str:
        """Listen for the content of a disk; the name of the transfer."""

    @call(Timeout.NORMAL)
    def export_start(
        self,
        opts: Options,
        host: str,
        port: int,
        instance: Guest,
        component: str,
        source: Place,
    ) -> str:
        """Send the content of a disk to whoever listens there; the name of the transfer."""

    @call(Timeout.FAST, repeatable=True, fenced=False)
    def impexp_status(self, names: list[FileName]) -> list[Options | None]:
        """How transfers stand; null for those that have not told yet."""

    @call(Timeout.NORMAL)
    def impexp_abort(self, name: FileName) -> None:
        """Ask the process to end."""

    @call(Timeout.NORMAL)
    def impexp_cleanup(self, name: FileName) -> None:
        """End the process and forget the transfer."""

    @call(Timeout.NORMAL)
    def finalize_export(self, instance: Guest, snap_disks: list[Disk | bool]) -> None:
        """Write what describes the export, and put it in its place; false for a disk that failed."""

    @call(Timeout.FAST)
    def os_export(self, instance: Guest, override_env: dict[str, str]) -> str:
        """Pack the OS definition of an instance; the path of the archive."""

    @call(Timeout.NORMAL)
    def x509_cert_create(self, validity: int) -> tuple[str, str]:
        """Make a key for a transfer between clusters; its name, and its certificate."""

    @call(Timeout.NORMAL)
    def x509_cert_remove(self, name: FileName) -> None:
        """Remove such a key."""
