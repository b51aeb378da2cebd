# SPDX-License-Identifier: GPL-2.0-or-later
"""What every storage driver must do, held against each template that this release has."""

from __future__ import annotations

import os
from typing import Any

import pytest

from ganeti.errors import BlockDeviceError, FileStoragePathError
from ganeti.model import templates
from ganeti.model.disk import Disk
from ganeti.node.storage import registry
from ganeti.node.storage.base import BlockDevice
from test.support.node_host import NodeHost

MIB = 1024 * 1024


def a_device(node: NodeHost, kind: str, name: str = "disk0", **attributes: Any) -> BlockDevice:
    """The device of a disk in a directory that is allowed and there."""
    directory = node.root / "disks" / "web"
    directory.mkdir(parents=True, exist_ok=True)
    node.allow_files(str(node.root / "disks"))
    logical_id = ("loop", f"{directory}/{name}")
    disk = Disk(uuid=name, dev_type=kind, logical_id=logical_id, size=4, **attributes)
    return registry.device(node.host, disk)


every_kind = pytest.mark.parametrize("kind", sorted(registry.DRIVERS))


@every_kind
def test_a_device_is_made_and_removed(node: NodeHost, kind: str) -> None:
    device = a_device(node, kind)
    assert not device.exists()
    device.create(4, exclusive_storage=False)
    assert device.exists()
    assert device.size_bytes() == 4 * MIB
    device.remove()
    assert not device.exists()
    device.remove()


@every_kind
def test_what_is_there_already_is_left_alone(node: NodeHost, kind: str) -> None:
    device = a_device(node, kind)
    device.create(4, exclusive_storage=False)
    device.wipe(0, 1)
    with pytest.raises(BlockDeviceError, match="there already"):
        device.create(8, exclusive_storage=False)
    assert device.size_bytes() == 4 * MIB


@every_kind
@pytest.mark.parametrize(
    ("dry_run", "backing_store", "expected"), [(True, True, 4), (False, False, 4), (False, True, 6)]
)
def test_a_device_grows(
    node: NodeHost, kind: str, dry_run: bool, backing_store: bool, expected: int
) -> None:
    device = a_device(node, kind)
    device.create(4, exclusive_storage=False)
    device.grow(2, dry_run=dry_run, backing_store=backing_store)
    assert device.size_bytes() == expected * MIB


@every_kind
def test_a_device_does_not_shrink(node: NodeHost, kind: str) -> None:
    device = a_device(node, kind)
    device.create(4, exclusive_storage=False)
    with pytest.raises(BlockDeviceError, match="cannot shrink"):
        device.grow(-1, dry_run=False, backing_store=True)


@every_kind
def test_a_device_is_wiped(node: NodeHost, kind: str) -> None:
    """A part of it; never beyond its end."""
    device = a_device(node, kind)
    device.create(4, exclusive_storage=False)
    with open(device.path, "r+b") as file:
        file.write(b"x" * 4 * MIB)
    device.wipe(1, 2)
    with open(device.path, "rb") as file:
        content = file.read()
    assert content == b"x" * MIB + bytes(2 * MIB) + b"x" * MIB
    device.wipe(3, 100)
    assert device.size_bytes() == 4 * MIB


@every_kind
def test_a_missing_device_cannot_be_used(node: NodeHost, kind: str) -> None:
    device = a_device(node, kind)
    attempts = (
        device.assemble,
        device.size_bytes,
        lambda: device.open(exclusive=True),
        lambda: device.wipe(0, 1),
        lambda: device.grow(1, dry_run=True, backing_store=True),
    )
    for attempt in attempts:
        with pytest.raises(BlockDeviceError, match="does not exist"):
            attempt()


@every_kind
def test_a_device_goes_up_and_down(node: NodeHost, kind: str) -> None:
    device = a_device(node, kind)
    device.create(4, exclusive_storage=False)
    device.assemble()
    device.open(exclusive=False)
    device.close()
    device.shut_down()
    assert device.exists()


@every_kind
def test_a_device_gets_another_name(node: NodeHost, kind: str) -> None:
    device, other = a_device(node, kind), a_device(node, kind, "disk1")
    device.create(4, exclusive_storage=False)
    device.rename(["loop", other.path])
    assert not device.exists()
    assert other.exists()
    device.create(4, exclusive_storage=False)
    with pytest.raises(BlockDeviceError, match="there already"):
        device.rename(["loop", other.path])


@every_kind
def test_the_state_of_a_device(node: NodeHost, kind: str) -> None:
    device = a_device(node, kind)
    device.create(4, exclusive_storage=False)
    assert device.status().info() == {
        "dev_path": device.path,
        "major": None,
        "minor": None,
        "sync_percent": None,
        "estimated_time": None,
        "is_degraded": False,
        "ldisk_status": 1,
    }
    assert device.uri("kvm") is None


@pytest.mark.parametrize("kind", ["file", "sharedfile"])
def test_files_are_sparse_and_private(node: NodeHost, kind: str) -> None:
    device = a_device(node, kind)
    device.create(1024, exclusive_storage=False)
    state = os.stat(device.path)
    assert state.st_blocks * 512 < MIB
    assert state.st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["file", "sharedfile"])
def test_files_stay_where_they_are_allowed(node: NodeHost, kind: str) -> None:
    device = a_device(node, kind)
    node.allow_files("/somewhere/else")
    with pytest.raises(FileStoragePathError):
        device.create(4, exclusive_storage=False)
    with pytest.raises(FileStoragePathError):
        device.remove()


NOT_HERE = sorted(set(templates.TEMPLATES) - set(registry.DRIVERS) - {"diskless"})


@pytest.mark.parametrize("kind", NOT_HERE)
def test_what_there_is_no_driver_for_is_named(node: NodeHost, kind: str) -> None:
    with pytest.raises(BlockDeviceError, match=f"'{kind}' cannot be used with this release"):
        a_device(node, kind)
