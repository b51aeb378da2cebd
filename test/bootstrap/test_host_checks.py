# SPDX-License-Identifier: GPL-2.0-or-later
"""What a host must be like before a cluster is made on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganeti.bootstrap import host_checks
from ganeti.errors import OpPrereqError
from ganeti.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(str(tmp_path))
    Path(made.conf_dir).mkdir(parents=True)
    Path(made.file_storage_paths_file).write_text("# for guests\n/srv/disks\n/etc\n")
    return made


@pytest.mark.parametrize("directory", ["/srv/disks", "/srv/disks/web"])
def test_allowed_directories(paths: Paths, directory: str) -> None:
    host_checks.check_directory(directory, paths)


@pytest.mark.parametrize(
    ("directory", "code", "text"),
    [
        ("/srv", "environment_error", "not below a directory listed in"),
        ("/etc/disks", "environment_error", "where no file of an instance may be"),
        ("/srv/disks/", "wrong_input", "not an absolute path in normal form"),
        ("disks", "wrong_input", "not an absolute path in normal form"),
        ("", "wrong_input", "not an absolute path in normal form"),
    ],
)
def test_other_directories_are_refused(paths: Paths, directory: str, code: str, text: str) -> None:
    with pytest.raises(OpPrereqError, match=text) as refused:
        host_checks.check_directory(directory, paths)
    assert refused.value.args[1] == code


@pytest.mark.parametrize("name", ["config.data", "ssconf_cluster_name", "queue/job-1"])
def test_a_host_with_files_of_a_cluster_is_refused(paths: Paths, name: str) -> None:
    host_checks.check_unused(paths)
    left = Path(paths.data_dir) / name
    left.parent.mkdir(parents=True)
    left.write_text("")
    with pytest.raises(OpPrereqError):
        host_checks.check_unused(paths)
