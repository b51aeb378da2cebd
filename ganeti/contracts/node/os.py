# SPDX-License-Identifier: GPL-2.0-or-later
"""OS definitions of a node and the scripts in them."""

from __future__ import annotations

from typing import Any

from ganeti.contracts.node.names import Guest
from ganeti.schema.contract import Contract, Timeout, call

OsRow = tuple[str, str, bool, str, list[str], list[tuple[str, str]], list[int], bool]
"""Name, path, whether good, message, variants, parameters with texts, API versions, trusted."""


class OsCalls(Contract):
    """The instance carries all OS parameters, secret ones in clear."""

    @call(Timeout.FAST, repeatable=True, fenced=False)
    def os_diagnose(self) -> list[OsRow]:
        """All definitions, the broken ones too."""

    @call(Timeout.FAST, fenced=False)
    def os_validate(
        self,
        required: bool,
        name: str,
        checks: list[str],
        params: dict[str, Any],
        force_variant: bool,
    ) -> bool:
        """Check parameters; False if the OS is missing and not required."""

    @call(Timeout.DAY)
    def instance_os_add(self, instance_osp: Guest, reinstall: bool, debug: int) -> None:
        """Run the create script."""

    @call(Timeout.SLOW)
    def instance_run_rename(self, instance: Guest, old_name: str, debug: int) -> None:
        """Run the rename script."""
