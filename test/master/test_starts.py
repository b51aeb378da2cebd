# SPDX-License-Identifier: GPL-2.0-or-later
"""The number of a start grows, whatever becomes of the file and of the clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganeti.master import starts
from ganeti.utils.files import Disk
from test.support.clock import FakeClock


class FullDisk(Disk):
    def write(self, path: str, data: bytes, **_how: Any) -> None:
        raise OSError(28, "No space left on device", path)


def test_each_start_counts(tmp_path: Path) -> None:
    path, clock = str(tmp_path / "starts"), FakeClock()
    first, second = (starts.count(path, Disk(), clock) for _ in range(2))
    assert second > first
    assert Path(path).read_text() == f"{second}\n"


def test_what_a_start_that_broke_off_has_left_is_swept_away(tmp_path: Path) -> None:
    path, left = tmp_path / "starts", tmp_path / ".starts.91ad9a4b2cc7.new"
    left.touch()
    starts.count(str(path), Disk(), FakeClock())
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("lost", ["", "nonsense", None])
def test_the_clock_stands_in_for_a_lost_file(tmp_path: Path, lost: str | None) -> None:
    path, clock = tmp_path / "starts", FakeClock()
    before = starts.count(str(path), Disk(), clock)
    path.unlink()
    if lost is not None:
        path.write_text(lost)
    clock.sleep(1)
    assert starts.count(str(path), Disk(), clock) > before


def test_a_clock_that_was_set_back(tmp_path: Path) -> None:
    path = str(tmp_path / "starts")
    before = starts.count(path, Disk(), FakeClock(2e9))
    assert starts.count(path, Disk(), FakeClock(1e9)) == before + 1


def test_a_full_disk_stops_no_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "starts"
    path.write_text("3000000000000\n")
    assert starts.count(str(path), FullDisk(), FakeClock()) == 3000000000001
    assert "No space left" in caplog.text


def test_two_starts_of_one_second_on_a_full_disk_differ(tmp_path: Path) -> None:
    path, clock = str(tmp_path / "starts"), FakeClock()
    first = starts.count(path, FullDisk(), clock)
    clock.sleep(0.1)
    assert starts.count(path, FullDisk(), clock) > first
