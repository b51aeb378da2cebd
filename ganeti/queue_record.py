# SPDX-License-Identifier: GPL-2.0-or-later
"""Who has all of the job queue: a record beside the jobs, on the master and on every candidate.

Serial numbers tell how many jobs there are, not how far they got. So each time a candidate falls behind
or has caught up, the master writes a record with the next number, here and on the candidates that have
everything, before it acknowledges anything more. Of two queues, that with the higher epoch and number
has all that was acknowledged. And whatever a host has, all have who are in sync by its record.

Disk form of ``queue/candidates``, ours alone: ``{"epoch": …, "number": …, "in_sync": [UUID, …]}``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import simplejson

from ganeti.utils import files


@dataclass(frozen=True)
class Record:
    """`epoch` is that of the master which wrote it."""

    epoch: int = 0
    number: int = 0
    in_sync: frozenset[str] = frozenset()

    def next(self, in_sync: Iterable[str]) -> Record:
        return Record(self.epoch, self.number + 1, frozenset(in_sync))

    def encoded(self) -> bytes:
        raw = {"epoch": self.epoch, "number": self.number, "in_sync": sorted(self.in_sync)}
        return simplejson.dumps(raw).encode()


def read(path: str) -> Record:
    """The record in a file; one that is damaged or missing says that nobody has anything."""
    try:
        return _parsed(simplejson.loads(files.read_text(path)))
    except (FileNotFoundError, ValueError):
        return Record()


def _parsed(raw: Any) -> Record:
    match raw:
        case {"epoch": int(epoch), "number": int(number), "in_sync": [*names]}:
            return Record(epoch, number, frozenset(map(str, names)))
    return Record()
