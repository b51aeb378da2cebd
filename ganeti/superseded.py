# SPDX-License-Identifier: GPL-2.0-or-later
"""What a master leaves behind that was deposed while nobody heard it.

What it had acknowledged alone is in no other place. Beside the files of the cluster stay
``config.data.superseded-TIME`` and ``queue.superseded-TIME.tar`` (jobs that were not archived, and the
serial number), for an administrator to look into; nothing reads them.
"""

from __future__ import annotations

import glob
import io
import os
import re
import tarfile

from ganeti.paths import Paths
from ganeti.utils.files import Disk

MODE = 0o600
_QUEUE_FILE = re.compile(r"serial|job-\d+")


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
        names = sorted(filter(_QUEUE_FILE.fullmatch, os.listdir(paths.queue_dir)))
    except FileNotFoundError:
        return None
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in names:
            archive.add(f"{paths.queue_dir}/{name}", f"queue/{name}")
    place = f"{paths.queue_dir}.superseded-{now:.0f}.tar"
    disk.write(place, packed.getvalue(), mode=MODE)
    return place
