# SPDX-License-Identifier: GPL-2.0-or-later
"""What the node daemon finds and leaves when it starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganeti.node import queue_check
from ganeti.paths import Paths
from ganeti.utils.filelock import FileLock
from ganeti.utils.files import Disk


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(str(tmp_path))
    Path(found.queue_dir).mkdir(parents=True)
    return found


@pytest.fixture
def left_over(paths: Paths) -> list[Path]:
    """What writes leave that a power cut broke off."""
    names = [f"{paths.data_dir}/.config.data", f"{paths.queue_dir}/.job-1"]
    files = [Path(f"{name}.0123456789ab.new") for name in names]
    for file in files:
        file.touch()
    return files


def test_what_was_broken_off_is_removed(paths: Paths, left_over: list[Path]) -> None:
    queue_check.check(paths, Disk())
    assert not any(file.exists() for file in left_over)
    assert Path(paths.queue_serial).read_text() == "0\n"


def test_where_a_master_daemon_runs_nothing_is_touched(paths: Paths, left_over: list[Path]) -> None:
    with FileLock(paths.queue_lock) as lock:
        lock.acquire(timeout_s=0)
        queue_check.check(paths, Disk())
    assert all(file.exists() for file in left_over)
