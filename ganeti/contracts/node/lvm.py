# SPDX-License-Identifier: GPL-2.0-or-later
"""Volume groups and logical volumes of a node."""

from __future__ import annotations

from typing import Any

from ganeti.schema.contract import Contract, Timeout, call


class LvmCalls(Contract):
    """Sizes are in MiB."""

    @call(Timeout.URGENT, repeatable=True, fenced=False)
    def vg_list(self) -> dict[str, int]:
        """The size of every volume group."""

    @call(Timeout.URGENT, repeatable=True, fenced=False)
    def lv_list(self, vg_name: str | None) -> dict[str, tuple[str, bool, bool]]:
        """For each ``group/volume`` its size, whether it is inactive and whether it is open."""

    @call(Timeout.FAST, repeatable=True, fenced=False)
    def node_volumes(self) -> list[dict[str, Any]]:
        """``{name, size, dev, vg}`` of every logical volume, a row for each device it lies on."""
