# SPDX-License-Identifier: GPL-2.0-or-later
"""What a deposed master leaves behind."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from ganeti import superseded
from ganeti.paths import Paths
from ganeti.utils.files import Disk, Primitives

NOW = 1700000000.7


def test_the_configuration_is_away_and_kept(tmp_path: Path) -> None:
    paths = Paths(str(tmp_path))
    assert superseded.set_config_aside(paths, Disk(), NOW) is None
    Path(paths.data_dir).mkdir(parents=True)
    Path(paths.config_data).write_text("{}")
    place = superseded.set_config_aside(paths, Disk(), NOW)
    assert place == f"{paths.config_data}.superseded-1700000001"
    assert os.listdir(paths.data_dir) == [os.path.basename(place)]
    assert superseded.configurations(paths) == {place}


def test_the_queue_is_copied(tmp_path: Path) -> None:
    paths = Paths(str(tmp_path))
    assert superseded.copy_queue(paths, Disk(), NOW) is None
    Path(paths.queue_archive_dir).mkdir(parents=True)
    for name in ("serial", "job-3", "job-3.old", "version"):
        Path(paths.queue_dir, name).write_text(name)
    place = superseded.copy_queue(paths, Disk(), NOW)
    assert place == f"{paths.queue_dir}.superseded-1700000001.tar"
    with tarfile.open(place) as archive:
        assert archive.getnames() == ["queue/serial", "queue/job-3"]
        content = archive.extractfile("queue/job-3")
        assert content is not None
        assert content.read() == b"job-3"
    assert os.stat(place).st_mode & 0o777 == 0o600
    assert Path(paths.job(3)).exists()


class Full(Primitives):
    def sync_file(self, path: str) -> os.stat_result:
        raise OSError(28, "no space left on device")


def test_a_full_disk_keeps_no_half_of_a_queue(tmp_path: Path) -> None:
    paths = Paths(str(tmp_path))
    Path(paths.queue_archive_dir).mkdir(parents=True)
    with pytest.raises(OSError, match="no space"):
        superseded.copy_queue(paths, Disk(Full()), NOW)
    assert os.listdir(paths.data_dir) == ["queue"]
