# SPDX-License-Identifier: GPL-2.0-or-later
"""A look at this host's copy of the job queue when the node daemon starts.

Who has its lock is alone with the files of the cluster, for a master daemon here would hold it: so this is
also the time to remove what writes left behind that a power cut broke off. The lock is given back at once:
held, it would keep out a master daemon that starts here.
"""

from __future__ import annotations

import logging
import os

from ganeti.errors import GenericError, JobQueueError
from ganeti.paths import Paths
from ganeti.utils import files
from ganeti.utils.filelock import FileLock

log = logging.getLogger(__name__)

VERSION = "1"


def check(paths: Paths, disk: files.Disk) -> None:
    """Make what is missing; what is wrong is logged, for the calls about jobs will fail."""
    try:
        with FileLock(paths.queue_lock) as lock:
            lock.acquire(timeout_s=0)
            _ensure(paths.queue_version, VERSION, disk)
            _ensure(paths.queue_serial, "0", disk)
            for directory in (paths.queue_dir, paths.data_dir):
                files.sweep_temporaries(directory)
        found = files.read_text(paths.queue_version).strip()
        if found != VERSION:
            raise JobQueueError(f"{paths.queue_version} says {found!r}, this is {VERSION!r}")
    except (GenericError, OSError) as err:
        log.critical("the job queue cannot be used: %s", err)


def _ensure(path: str, content: str, disk: files.Disk) -> None:
    if not os.path.exists(path):
        disk.write(path, f"{content}\n".encode())
