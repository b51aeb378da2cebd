# SPDX-License-Identifier: GPL-2.0-or-later
"""Copies of the job queue on master candidates."""

from __future__ import annotations

from ganeti.contracts.node.packed import Packed
from ganeti.schema.contract import Contract, Timeout, call

QUEUE = "the job queue"


class JobCalls(Contract):
    """All run under the node's queue lock; file names are virtual paths below the queue directory."""

    @call(Timeout.URGENT, repeatable=True, in_turn=QUEUE)
    def jobqueue_update(self, file_name: str, content: Packed) -> None:
        """Replace one file."""

    @call(Timeout.URGENT, repeatable=True, in_turn=QUEUE)
    def jobqueue_update_many(self, files: list[tuple[str, Packed]]) -> None:
        """Replace several files; all are durable before the answer, or it is an error."""

    @call(Timeout.URGENT, in_turn=QUEUE)
    def jobqueue_rename(self, rename: list[tuple[str, str]]) -> None:
        """Move files, to the archive."""

    @call(Timeout.URGENT, repeatable=True, in_turn=QUEUE)
    def jobqueue_set_drain_flag(self, flag: bool) -> None:
        """Create or remove the drain file."""

    @call(Timeout.NORMAL, repeatable=True, in_turn=QUEUE)
    def jobqueue_keep(self, live: list[int], archived: list[int]) -> list[int]:
        """Put these jobs where they belong and remove all others; the answer names those that are not here."""

    @call(Timeout.NORMAL, repeatable=True, in_turn=QUEUE)
    def jobqueue_purge(self) -> None:
        """Remove all jobs."""
