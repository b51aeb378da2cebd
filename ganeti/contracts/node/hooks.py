# SPDX-License-Identifier: GPL-2.0-or-later
"""Running hooks on a node."""

from __future__ import annotations

from ganeti.schema.contract import Contract, Timeout, call

SKIPPED, FAILED, RAN = 0, 1, 2
Row = tuple[str, int, str]
"""Script below the hooks directory, one of these codes, output."""


class HookCalls(Contract):
    """Each node runs its own local scripts."""

    @call(Timeout.NORMAL)
    def hooks_runner(self, hpath: str, phase: str, env: dict[str, str]) -> list[Row]:
        """Run the scripts of a phase; a missing directory gives no rows."""
