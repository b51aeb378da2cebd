# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls about block devices, with files."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import BlockDeviceError
from ganeti.model.disk import Disk
from ganeti.node.handlers.blockdev import BlockdevHandlers
from test.support.cluster import a_cluster
from test.support.node_host import NodeHost

MIB = 1024 * 1024


class World:
    def __init__(self, node: NodeHost) -> None:
        self.node, self.calls = node, BlockdevHandlers(node.host)
        self.directory = node.root / "disks" / "web"
        self.directory.mkdir(parents=True)
        node.allow_files(str(node.root / "disks"))
        cfg = a_cluster().with_instance("web").build()
        self.instance = cfg.for_node(cfg.instance("web"))

    def disk(self, number: int = 0) -> Disk:
        path = f"{self.directory}/disk{number}"
        return Disk(
            uuid=f"disk{number}",
            dev_type="file",
            logical_id=("loop", path),
            size=4,
            iv_name=f"disk/{number}",
        )

    def create(self, disk: Disk) -> Any:
        return self.calls.blockdev_create(disk, 4, "web", True, "originstname+web", False)

    def cached(self) -> list[str]:
        files = Path(self.node.paths.bdev_cache_dir).glob("*")
        return sorted(file.read_text() for file in files)

    def link(self, number: int) -> str | None:
        path = f"{self.node.paths.disk_links_dir}/web:{number}"
        return os.readlink(path) if os.path.islink(path) else None


@pytest.fixture
def world(node: NodeHost) -> World:
    return World(node)


def test_create_and_remove(world: World) -> None:
    disk = world.disk()
    assert world.create(disk) is None
    assert os.path.getsize(disk.logical_id[1]) == 4 * MIB
    assert world.cached() == ["web primary disk/0\n"]
    world.calls.blockdev_remove(disk)
    assert not os.path.exists(disk.logical_id[1])
    assert world.cached() == []
    world.calls.blockdev_remove(disk)


def test_removal_is_tried_for_a_while(world: World) -> None:
    """A directory cannot be unlinked."""
    disk = world.disk()
    os.mkdir(disk.logical_id[1])
    with pytest.raises(BlockDeviceError, match="cannot be removed"):
        world.calls.blockdev_remove(disk)
    assert world.node.clock.slept == [3.0] * 10


def test_assemble(world: World) -> None:
    disk = world.disk()
    world.create(disk)
    path = disk.logical_id[1]
    link = f"{world.node.paths.disk_links_dir}/web:3"
    assert world.calls.blockdev_assemble(disk, world.instance, True, 3) == (path, link, None)
    assert world.link(3) == path
    assert world.calls.blockdev_assemble(disk, world.instance, False, 4) == (path, None, None)
    assert world.link(4) is None
    assert world.cached() == ["web secondary disk/0\n"]
    world.calls.blockdev_shutdown(disk)
    assert world.cached() == []
    assert os.path.exists(path)


def test_a_missing_device_cannot_be_assembled(world: World) -> None:
    with pytest.raises(BlockDeviceError, match="does not exist"):
        world.calls.blockdev_assemble(world.disk(), world.instance, True, 0)
    assert world.link(0) is None


def test_open_and_close(world: World) -> None:
    disks = [world.disk(0), world.disk(1)]
    for disk in disks:
        world.create(disk)
    world.calls.blockdev_open("web", disks, False)
    assert world.cached() == ["web secondary disk/0\n", "web secondary disk/1\n"]
    assert [world.link(n) for n in (0, 1)] == [disk.logical_id[1] for disk in disks]
    world.calls.blockdev_close("web", disks)
    assert [world.link(n) for n in (0, 1)] == [None, None]
    assert world.cached() == []


def test_looking(world: World) -> None:
    there, missing = world.disk(0), world.disk(1)
    world.create(there)
    status = world.calls.blockdev_find(there)
    assert status is not None
    assert (status["dev_path"], status["ldisk_status"]) == (there.logical_id[1], 1)
    assert world.calls.blockdev_find(missing) is None
    assert world.calls.blockdev_getmirrorstatus([there]) == [status]
    with pytest.raises(BlockDeviceError, match="no device for disk/1"):
        world.calls.blockdev_getmirrorstatus([there, missing])
    rows = world.calls.blockdev_getmirrorstatus_multi([there, missing])
    assert rows == [(True, status), (False, "there is no device for disk/1")]
    assert world.calls.blockdev_getdimensions([there, missing]) == [(4 * MIB, None), None]


def test_other_templates_do_not_spoil_the_answer(world: World) -> None:
    there, strange = world.disk(0), world.disk(1).replace(dev_type="rbd")
    world.create(there)
    first, (good, text) = world.calls.blockdev_getmirrorstatus_multi([there, strange])
    assert first[0]
    assert not good
    assert "'rbd' cannot be used" in text


def test_grow_and_wipe(world: World) -> None:
    disk = world.disk()
    world.create(disk)
    world.calls.blockdev_grow(disk, 2, True, True, False)
    world.calls.blockdev_grow(disk, 2, False, False, False)
    assert os.path.getsize(disk.logical_id[1]) == 4 * MIB
    world.calls.blockdev_grow(disk, 2, False, True, False)
    assert os.path.getsize(disk.logical_id[1]) == 6 * MIB
    world.calls.blockdev_wipe(disk, 4, 2)
    world.calls.blockdev_setinfo(disk, "originstname+web")


def test_renames_are_all_tried(world: World) -> None:
    first, second, third = (world.disk(n) for n in range(3))
    for disk in (first, third):
        world.create(disk)
    new = ["loop", f"{world.directory}/new"]
    pairs = [(second, ["loop", f"{world.directory}/x"]), (first, new), (third, new)]
    with pytest.raises(BlockDeviceError) as caught:
        world.calls.blockdev_rename([(disk, list(to)) for disk, to in pairs])
    assert "disk1 cannot be renamed" in str(caught.value)
    assert "new is there already" in str(caught.value)
    assert sorted(os.listdir(world.directory)) == ["disk2", "new"]


def block_devices() -> dict[str, int]:
    """Those of this host that may be opened, with their sizes in MiB; there may be none."""
    found = {}
    for size in Path("/sys/block").glob("*/size"):
        device = f"/dev/{size.parent.name}"
        with contextlib.suppress(OSError), open(device, "rb", buffering=0):
            found[device] = int(size.read_text()) * 512 // MIB
    return found


def test_sizes_are_those_of_block_devices_below_dev(world: World, tmp_path: Path) -> None:
    devices = block_devices()
    link = tmp_path / "link"
    link.symlink_to("/dev/null")
    others = ["/dev/null", "/dev/missing", str(link), "/dev/../etc/hosts", "/dev/shm", "/etc/hosts"]
    assert world.calls.bdev_sizes([*devices, *others]) == devices
