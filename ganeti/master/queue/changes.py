# SPDX-License-Identifier: GPL-2.0-or-later
"""What one round of the queue's writer changes: the same for this disk and for the candidates.

File names are relative to the queue directory.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ganeti.contracts.node.packed import Packed

RECORD = "candidates"
"""The file that says who has all of the queue (`ganeti.queue_record`)."""


class _Plain(Packed):
    """Job files are small, ASCII and sent at once: not worth the time to compress them."""

    def raw(self) -> list[Any]:
        return [0, self.data.decode()]


@dataclass(frozen=True)
class Changes:
    """Files to be written, then files to be renamed, then the drain flag if it is not None.

    `everything`: the files are the whole queue. `known`: these jobs are in the queue, with those among
    the files. In both cases `archived` are those in the archive; whatever else the candidate has is to
    be removed, and it gets what it lacks.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    renames: tuple[tuple[str, str], ...] = ()
    drained: bool | None = None
    everything: bool = False
    known: frozenset[int] | None = None
    archived: frozenset[int] = frozenset()

    @functools.cached_property
    def packed(self) -> list[tuple[str, Packed]]:
        """The files as calls carry them, made once for all candidates.

        The record comes last: a candidate that fails on the way must not seem to have all of this.
        """
        form = Packed if self.everything else _Plain
        names = sorted(self.files, key=RECORD.__eq__)
        return [(name, form(self.files[name])) for name in names]

    @property
    def tells_all(self) -> bool:
        """Whether the candidate learns which jobs there are."""
        return self.everything or self.known is not None

    @property
    def live(self) -> set[int]:
        """All jobs that are in the queue, if it learns that."""
        sent = {int(name[4:]) for name in self.files if name.startswith("job-")}
        return sent.union(self.known or ())

    @property
    def count(self) -> int:
        return len(self.files) + len(self.renames)

    @property
    def is_empty(self) -> bool:
        return self == Changes()


def merge(older: Changes, newer: Changes) -> Changes:
    """One change that does what both do, one after the other."""
    if newer.everything:
        return newer
    return Changes(
        files={**older.files, **newer.files},
        renames=older.renames + newer.renames,
        drained=older.drained if newer.drained is None else newer.drained,
        everything=older.everything,
        known=older.known if newer.known is None else newer.known,
        archived=older.archived if newer.known is None else newer.archived,
    )
