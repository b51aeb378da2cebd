# SPDX-License-Identifier: GPL-2.0-or-later
"""The query fields of locks, among which calls to nodes appear that have no answer yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti.master.locks.rows import LockRow
from ganeti.master.query.field import NULL, Field, Kind, Need, Resource, Sources, by_name
from ganeti.utils import text

OTHER = Kind.OTHER


def _owners(numbers: Sequence[int]) -> list[str]:
    """Jobs, by number."""
    return [str(number) for number in sorted(numbers)]


class LockResource(Resource):
    NAME = "lock"
    FIELDS = by_name(
        [
            Field("name", OTHER, "Name", "Level and name", lambda row, _: row.name),
            Field("mode", OTHER, "Mode", "How it is held", lambda row, _: row.mode or NULL),
            Field(
                "owner",
                OTHER,
                "Owner",
                "Jobs that hold it",
                lambda row, _: _owners(row.owners) or NULL,
            ),
            Field(
                "pending",
                OTHER,
                "Pending",
                "Jobs that wait for it, with the mode they want",
                lambda row, _: [[mode, _owners(who)] for mode, who in row.pending] or NULL,
            ),
        ]
    )

    def everything(self, sources: Sources, needs: frozenset[Need]) -> Sequence[LockRow]:
        calls = sources.services.rpc.in_flight()
        rows = [
            *sources.services.jobs.lock_rows(),
            *(LockRow(f"rpc/{node}/{call}", None, (), ()) for node, call in calls),
        ]
        return text.nice_sort(rows, key=lambda row: row.name)

    def named(self, sources: Sources, keys: Sequence[Any], *, strict: bool) -> Sequence[LockRow]:
        rows = {row.name: row for row in self.everything(sources, frozenset())}
        return [rows[key] for key in dict.fromkeys(keys) if key in rows]
