# SPDX-License-Identifier: GPL-2.0-or-later
"""Counts the starts of the master daemon on this host, in ``/var/lib/ganeti/master-starts``.

Nodes tell by it which calls are of a daemon before this one. It is never less than the time in
milliseconds: so it grows even if the file is lost or cannot be written, and if the clock is set back it
grows by the file.
"""

from __future__ import annotations

import logging
import os

from ganeti.utils import files
from ganeti.utils.clock import Clock
from ganeti.utils.files import Disk, Owner

log = logging.getLogger(__name__)

MODE = 0o600


def count(path: str, disk: Disk, clock: Clock, owner: Owner | None = None) -> int:
    """The number of this start. A disk that takes nothing is told of by all who need it more."""
    number = max(_last(path) + 1, int(clock.now() * 1000))
    try:
        files.sweep_temporaries(*os.path.split(path))
        disk.write(path, f"{number}\n".encode(), mode=MODE, owner=owner)
    except OSError as err:
        log.error("the start of this daemon is not written down: %s", err)
    return number


def _last(path: str) -> int:
    """The clock stands in for what cannot be read."""
    try:
        return int(files.read_text(path))
    except (OSError, ValueError):
        return 0
