# SPDX-License-Identifier: GPL-2.0-or-later
"""Which jobs lie in the queue's directory, and which in its archive, by their files' names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from ganeti.paths import Paths

_JOB_FILE = re.compile(r"job-([1-9][0-9]*)")


def live(paths: Paths) -> set[int]:
    """The jobs that are not archived. Raises OSError if there is no queue."""
    return _numbers(os.listdir(paths.queue_dir))


def archived(paths: Paths) -> set[int]:
    found = os.walk(paths.queue_archive_dir)
    return _numbers(name for _, _, names in found for name in names)


def _numbers(names: Iterable[str]) -> set[int]:
    return {int(match[1]) for name in names if (match := _JOB_FILE.fullmatch(name))}
