# SPDX-License-Identifier: GPL-2.0-or-later
"""Allocators: programs that choose nodes for instances. They run on the master's node."""

from __future__ import annotations

from typing import Any

from ganeti.contracts.node.names import FileName
from ganeti.schema.contract import Contract, Timeout, call


class AllocatorCalls(Contract):
    """The master writes the question and understands the answer."""

    @call(Timeout.NORMAL)
    def iallocator_runner(
        self, name: FileName, idata: str, default_iallocator_params: dict[str, Any]
    ) -> str:
        """Run an allocator on a question; what it printed."""
