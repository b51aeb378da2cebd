# SPDX-License-Identifier: GPL-2.0-or-later
"""clean LAST: remove archived jobs up to this number, as the cleaner does with old ones."""

from __future__ import annotations

import contextlib
import os
import sys

from ganeti import queue_files
from ganeti.paths import DEFAULT


def main() -> None:
    last = int(sys.argv[1])
    for job_id in queue_files.archived(DEFAULT):
        if job_id <= last:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(DEFAULT.archived_job(job_id))


if __name__ == "__main__":
    main()
