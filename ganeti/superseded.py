# SPDX-License-Identifier: GPL-2.0-or-later
"""What a host had of a cluster that went on without it: it, or its master, was deposed unheard.

What was acknowledged there alone is in no other place. Beside the files of the cluster stay
``config.data.superseded-TIME`` and ``queue.superseded-TIME.tar`` (the jobs, of the archive those that
are newer than the record of who has all of the queue), for an administrator to look into; nothing
reads them.
"""

from __future__ import annotations

import glob
import os
import tarfile
from collections.abc import Iterable

from ganeti import queue_files
from ganeti.paths import Paths
from ganeti.utils.files import Disk
from ganeti.utils.rollback import Rollback

MODE = 0o600
ROUND_S = 60.0
"""The record is written at the end of a round, after what only some candidates have."""


def set_config_aside(paths: Paths, disk: Disk, now: float) -> str | None:
    """Away with the configuration; its new name, or None if there is none."""
    place = f"{paths.config_data}.superseded-{now:.0f}"
    try:
        disk.rename(paths.config_data, place)
    except FileNotFoundError:
        return None
    return place


def configurations(paths: Paths) -> set[str]:
    """Those that were set aside until now."""
    return set(glob.glob(f"{glob.escape(paths.config_data)}.superseded-*"))


def copy_queue(paths: Paths, disk: Disk, now: float) -> str | None:
    """A copy of the queue in one file; None if there is no queue."""
    try:
        jobs = [paths.job(number) for number in sorted(queue_files.live(paths))]
    except FileNotFoundError:
        return None
    place = f"{paths.queue_dir}.superseded-{now:.0f}.tar"
    with Rollback() as undo:
        undo.on_failure(lambda: disk.remove(f"{place}.new", missing_ok=True))
        _pack(f"{place}.new", paths, [paths.queue_serial, *jobs, *archived_alone(paths)])
        disk.sync([f"{place}.new"])
        disk.rename(f"{place}.new", place)
    return place


def _pack(place: str, paths: Paths, files: Iterable[str]) -> None:
    """File by file: the archive may be larger than the memory."""
    with (
        open(place, "wb", opener=lambda path, flags: os.open(path, flags, MODE)) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for path in filter(os.path.exists, files):
            archive.add(path, f"queue/{os.path.relpath(path, paths.queue_dir)}")


def archived_alone(paths: Paths) -> list[str]:
    """The archived jobs that have perhaps never been in another archive."""
    try:
        since = os.stat(paths.queue_candidates).st_mtime - ROUND_S
    except FileNotFoundError:
        since = 0.0
    files = (paths.archived_job(number) for number in sorted(queue_files.archived(paths)))
    return [path for path in files if os.stat(path).st_mtime >= since]
