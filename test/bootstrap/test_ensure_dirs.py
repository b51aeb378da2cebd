# SPDX-License-Identifier: GPL-2.0-or-later
"""Directories are made, modes are set right, links are not followed."""

import os
from pathlib import Path

import pytest

from ganeti.bootstrap import ensure_dirs
from ganeti.paths import Paths, Place, places

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="the files must belong to root")


def test_directories_are_made_with_their_modes(tmp_path: Path) -> None:
    paths = Paths(str(tmp_path))
    for place in places(paths):
        if place.kind == "dir":
            ensure_dirs.ensure(place._replace(user="root", group="root"))
    assert os.stat(paths.socket_dir).st_mode & 0o777 == 0o770
    assert os.stat(paths.queue_archive_dir).st_mode & 0o777 == 0o750
    assert not os.path.exists(paths.config_data)


def test_a_file_with_a_wrong_mode_is_set_right(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("x")
    file.chmod(0o666)
    ensure_dirs.ensure(Place(str(file), "file", 0o440, "root", "root"))
    assert file.stat().st_mode & 0o777 == 0o440


def test_a_link_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="symbolic link"):
        ensure_dirs.ensure(Place(str(link), "file", 0o666, "root", "root"))
