# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganeti.errors import BlockDeviceError
from ganeti.node.storage import cache, links
from test.support.node_host import NodeHost


def test_a_link_follows_its_device(node: NodeHost) -> None:
    link = links.make(node.paths, "web", 0, "/disks/a")
    assert link == f"{node.root}/run/ganeti/instance-disks/web:0"
    assert links.make(node.paths, "web", 0, "/disks/a") == link
    links.make(node.paths, "web", 0, "/disks/b")
    assert os.readlink(link) == "/disks/b"


def test_the_links_of_one_instance_go(node: NodeHost) -> None:
    links.remove_all(node.paths, "web")
    for name, index in (("web", 0), ("web", 11), ("web2", 0), ("web:1", 0)):
        links.make(node.paths, name, index, "/disks/a")
    links.remove_all(node.paths, "web")
    assert sorted(os.listdir(node.paths.disk_links_dir)) == ["web2:0", "web:1:0"]


def test_a_lost_link_is_told(node: NodeHost) -> None:
    links.make(node.paths, "web", 0, "/disks/a")
    links.require(node.paths, "web", 0)
    with pytest.raises(BlockDeviceError, match="web:1 is missing"):
        links.require(node.paths, "web", 1)


def test_a_link_that_cannot_be_made_is_told(node: NodeHost) -> None:
    Path(node.paths.disk_links_dir).touch()
    with pytest.raises(BlockDeviceError, match="web:0 cannot be made"):
        links.make(node.paths, "web", 0, "/disks/a")


def test_whose_a_device_is(node: NodeHost) -> None:
    cache.note(node.paths, "/dev/xenvg/disk", "web", "disk/0", on_primary=True)
    file = Path(node.paths.bdev_cache_dir, "bdev__dev_xenvg_disk")
    assert file.read_text() == "web primary disk/0\n"
    cache.note(node.paths, "/dev/xenvg/disk", "web", "disk/0", on_primary=False)
    assert file.read_text() == "web secondary disk/0\n"
    for _ in range(2):
        cache.forget(node.paths, "/dev/xenvg/disk")
    assert not file.exists()


def test_a_cache_that_cannot_be_written_stops_nobody(node: NodeHost) -> None:
    Path(node.paths.bdev_cache_dir).touch()
    cache.note(node.paths, "/dev/x", "web", "", on_primary=True)
    cache.forget(node.paths, "/dev/x")
