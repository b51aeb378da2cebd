# SPDX-License-Identifier: GPL-2.0-or-later
"""Where files of instances may be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganeti import file_storage
from ganeti.errors import FileStoragePathError
from test.support.node_host import NodeHost

PLACES = [
    ("/", True),
    ("/srv", False),
    ("/etc", True),
    ("/etc/ganeti/x", True),
    ("/etcetera", False),
    ("/home/user/disks", True),
    ("/usr/lib/ganeti", True),
    ("/usr/local/lib64/x", True),
    ("/usr/local/share/x", False),
    ("/usr/share/x", False),
    ("/var/lib/x", False),
]


@pytest.fixture
def node(tmp_path: Path) -> NodeHost:
    return NodeHost(tmp_path)


@pytest.mark.parametrize(("path", "expected"), PLACES)
def test_forbidden_places(path: str, expected: bool) -> None:
    assert file_storage.is_forbidden(path) is expected


def test_without_the_list_nothing_is_allowed(node: NodeHost) -> None:
    with pytest.raises(FileStoragePathError, match="not below a directory listed in"):
        file_storage.check(node.paths, "/srv/ganeti/web")


def test_below_a_listed_directory(node: NodeHost) -> None:
    base = f"{node.root}/srv/disks"
    node.allow_files(base + "/")
    file_storage.check(node.paths, f"{base}/web/disk0")
    file_storage.check(node.paths, base, may_be_listed=True)
    for path in (base, f"{base}-other/web", f"{node.root}/srv"):
        with pytest.raises(FileStoragePathError, match="not below"):
            file_storage.check(node.paths, path)


@pytest.mark.parametrize("path", ["srv/disks", "/srv/disks/../x", "/srv//disks", "/srv/disks/"])
def test_only_absolute_paths_in_normal_form(node: NodeHost, path: str) -> None:
    with pytest.raises(FileStoragePathError, match="not an absolute path in normal form"):
        file_storage.check(node.paths, path)


def test_a_listed_place_may_be_forbidden_all_the_same(node: NodeHost) -> None:
    node.allow_files("/etc", "relative/path", "/srv/ok")
    with pytest.raises(FileStoragePathError, match="no file of an instance"):
        file_storage.check(node.paths, "/etc/passwd")
    assert file_storage.bad_entries(node.paths) == ["/etc", "relative/path"]


def test_a_link_does_not_lead_out(node: NodeHost) -> None:
    base = node.root / "disks"
    base.mkdir()
    os.symlink("/var", base / "var")
    node.allow_files(str(base))
    with pytest.raises(FileStoragePathError, match="not below"):
        file_storage.check(node.paths, f"{base}/var/x")


def test_a_listed_link_leads_where_it_leads(node: NodeHost) -> None:
    real = node.root / "big-disk"
    real.mkdir()
    os.symlink(real, node.root / "disks")
    node.allow_files(f"{node.root}/disks")
    file_storage.check(node.paths, f"{node.root}/disks/web")
