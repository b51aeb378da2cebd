# SPDX-License-Identifier: GPL-2.0-or-later
"""What templates can do, and where their disks lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ganeti.errors import ProgrammerError
from ganeti.model import templates
from ganeti.model.disk import Disk
from ganeti.model.templates import TEMPLATES, DrbdNumbers

MIRRORED = {"blockdev", "diskless", "drbd", "ext", "gluster", "rbd", "sharedfile"}


def having(attribute: str) -> set[str]:
    return {name for name, template in TEMPLATES.items() if getattr(template, attribute)}


@pytest.mark.parametrize(
    ("attribute", "names"),
    [
        ("mirrored", MIRRORED),
        ("internally_mirrored", {"drbd"}),
        ("externally_mirrored", MIRRORED - {"drbd"}),
        ("uses_vg", {"drbd", "plain"}),
        ("adopts", {"blockdev", "plain"}),
        ("must_adopt", {"blockdev"}),
        ("file_based", {"file", "gluster", "sharedfile"}),
        ("has_directory", {"file", "sharedfile"}),
        ("has_access", {"ext", "gluster", "rbd"}),
    ],
)
def test_capabilities(attribute: str, names: set[str]) -> None:
    assert having(attribute) == names


@pytest.mark.parametrize(
    ("template", "size"), [("plain", 100), ("drbd", 228), ("diskless", 0), ("blockdev", 0)]
)
def test_space_that_a_disk_takes(template: str, size: int) -> None:
    assert TEMPLATES[template].space_mib(100) == size


def new_disk(template: str, request: dict[str, Any] | None = None, **place: Any) -> Disk:
    uuids = iter(f"uuid-{number}" for number in range(10))
    (disk,) = templates.new_disks(
        template,
        [{"size": 100, "adopt": "/dev/disk/x", "provider": "prov", **(request or {})}],
        nodes=("node-a", "node-b")[: TEMPLATES[template].nodes],
        new_uuid=lambda: next(uuids),
        first_index=2,
        directory="/srv/dir/web",
        file_driver="loop",
        vg="vg0",
        metavg="meta0",
        instance_uuid="inst",
        **place,
    )
    return disk


@pytest.mark.parametrize(
    ("template", "logical_id", "nodes"),
    [
        ("file", ("loop", "/srv/dir/web/uuid-0.file.disk2"), ("node-a",)),
        ("sharedfile", ("loop", "/srv/dir/web/uuid-0.sharedfile.disk2"), ()),
        ("gluster", ("loop", "ganeti/inst.2"), ()),
        ("blockdev", ("manual", "/dev/disk/x"), ()),
        ("rbd", ("rbd", "uuid-0.rbd.disk2"), ()),
        ("ext", ("prov", "uuid-0.ext.disk2"), ()),
    ],
)
def test_where_a_disk_lies(template: str, logical_id: Any, nodes: Any) -> None:
    disk = new_disk(template)
    assert (disk.logical_id, disk.nodes) == (logical_id, nodes)
    assert (disk.dev_type, disk.size, disk.mode, disk.iv_name) == (template, 100, "rw", "disk/2")
    assert disk.uuid.startswith("uuid-")


def test_plain_disks_are_volumes_new_or_adopted() -> None:
    assert new_disk("plain", {"adopt": None}).logical_id == ("vg0", "uuid-0.disk2")
    assert new_disk("plain", {"adopt": None, "vg": "vg1"}).logical_id[0] == "vg1"
    assert new_disk("plain", {"adopt": "old", "mode": "ro"}).logical_id == ("vg0", "old")


def test_a_drbd_disk_has_two_volumes_on_two_nodes() -> None:
    def numbers(nodes: Sequence[str]) -> DrbdNumbers:
        assert tuple(nodes) == ("node-a", "node-b")
        return DrbdNumbers(11000, (3, 4), "secret")

    disk = new_disk("drbd", drbd=numbers)
    assert disk.logical_id == ("node-a", "node-b", 11000, 3, 4, "secret")
    data, meta = disk.children
    assert data.logical_id == ("vg0", "uuid-0.disk2_data")
    assert meta.logical_id == ("meta0", "uuid-0.disk2_meta")
    assert (data.size, meta.size) == (100, 128)
    assert disk.nodes == data.nodes == meta.nodes == ("node-a", "node-b")
    assert [disk.iv_name, data.iv_name] == ["disk/2", ""]
    assert disk.volumes() == [data.logical_id, meta.logical_id]
    assert disk.drbd is not None
    assert (disk.drbd.port, disk.drbd.minor_b) == (11000, 4)


def test_what_else_a_request_says() -> None:
    disk = new_disk("rbd", {"name": "data", "access": "userspace", "spindles": "2", "size": "64"})
    assert (disk.name, disk.params, disk.spindles, disk.size) == (
        "data",
        {"access": "userspace"},
        2,
        64,
    )
    assert new_disk("rbd", {"name": "none"}).name is None


def test_unknown_settings_go_to_an_external_provider() -> None:
    assert new_disk("ext", {"speed": "fast"}).params == {"speed": "fast"}
    assert new_disk("plain", {"speed": "fast"}).params == {}


def test_a_diskless_instance_has_no_disks() -> None:
    with pytest.raises(ProgrammerError):
        new_disk("diskless")


def test_the_template_of_an_instance_follows_from_its_disks() -> None:
    plain, rbd = new_disk("plain"), new_disk("rbd")
    assert templates.template_of([]) == "diskless"
    assert templates.template_of([plain, plain]) == "plain"
    assert templates.template_of([plain, rbd]) == "mixed"
