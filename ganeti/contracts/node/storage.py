# SPDX-License-Identifier: GPL-2.0-or-later
"""Storage units of a node, and the external providers it has."""

from __future__ import annotations

from typing import Any

from ganeti.schema.contract import Contract, Timeout, call

ProviderRow = tuple[str, str, bool, str, list[tuple[str, str]]]
"""Name, path, whether good, message, parameters with texts."""


class StorageCalls(Contract):
    """`su_name` is the kind (``lvm-vg``, ``lvm-pv``, ``file``…), `su_args` where such units are found."""

    @call(Timeout.NORMAL, repeatable=True, fenced=False)
    def storage_list(
        self, su_name: str, su_args: list[Any], name: str | None, fields: list[str]
    ) -> list[list[Any]]:
        """A row of these fields for each unit, or for the one of that name."""

    @call(Timeout.NORMAL)
    def storage_modify(
        self, su_name: str, su_args: list[Any], name: str, changes: dict[str, Any]
    ) -> None:
        """Change fields of a unit."""

    @call(Timeout.NORMAL)
    def storage_execute(self, su_name: str, su_args: list[Any], name: str, op: str) -> None:
        """Carry out an operation on a unit, such as ``fix-consistency``."""

    @call(Timeout.FAST, repeatable=True, fenced=False)
    def extstorage_diagnose(self) -> list[ProviderRow]:
        """All providers, the broken ones too."""
