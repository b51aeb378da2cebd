# SPDX-License-Identifier: GPL-2.0-or-later
"""Pinning: which processors of the node a guest, or each of its processors, runs on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from ganeti.errors import HypervisorError

ALL = "all"
Cpus = frozenset[int] | None
"""None: all."""


def parse(mask: str) -> list[Cpus]:
    """One entry for the whole guest, or one for each of its processors."""
    return [_cpus(part) for part in mask.split(":")] if mask else [None]


def _cpus(text: str) -> Cpus:
    if text == ALL:
        return None
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def check(mask: str, vcpus: int) -> None:
    """Raises HypervisorError if the entries are not as many as the guest's processors."""
    entries = len(parse(mask))
    if entries not in (1, vcpus):
        raise HypervisorError(
            f"cpu_mask '{mask}' has {entries} entries for a guest with {vcpus} processors;"
            " give one for all, or one for each"
        )


def plan(
    mask: str, threads: Iterable[int], vcpu_threads: Mapping[int, int]
) -> list[tuple[int, frozenset[int]]]:
    """Thread and processors, for the threads that are pinned. `vcpu_threads` is by processor."""
    entries = parse(mask)
    if len(entries) == 1:
        pairs = [(thread, entries[0]) for thread in threads]
    else:
        pairs = [(vcpu_threads[number], cpus) for number, cpus in enumerate(entries)]
    return [(thread, cpus) for thread, cpus in pairs if cpus is not None]


def pin(rows: Iterable[tuple[int, frozenset[int]]]) -> None:
    for thread, allowed in rows:
        try:
            os.sched_setaffinity(thread, allowed)
        except OSError as err:
            shown = ",".join(map(str, sorted(allowed)))
            raise HypervisorError(
                f"the guest cannot be pinned to the processors {shown}: {err}"
            ) from err
