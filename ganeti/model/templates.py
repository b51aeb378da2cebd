# SPDX-License-Identifier: GPL-2.0-or-later
"""Disk templates: what each can do, as data, and how its disks are laid out.

Callers ask a template (``TEMPLATES["drbd"].mirrored``), never for its name. A layout is a pure
function: a request and where the disk shall be in, a tree of disks out (names as in "Disk
templates" of the node daemon). A new template is one record here and a storage driver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from ganeti.errors import ProgrammerError
from ganeti.model.disk import Disk

MIXED = "mixed"
"""Stands for the template of an instance whose disks are of several."""

DRBD_META_MIB = 128


class Mirror(Enum):
    NONE = "the data is on one node"
    INTERNAL = "the template copies the data to a secondary node"
    EXTERNAL = "every node reaches the data"


class DrbdNumbers(NamedTuple):
    """What a DRBD disk needs of the cluster; a minor for each of its nodes."""

    port: int
    minors: tuple[int, int]
    secret: str


def _no_drbd(nodes: Sequence[str]) -> DrbdNumbers:
    raise ProgrammerError("a DRBD disk is laid out without port, minors and secret")


@dataclass(frozen=True)
class Place:
    """Where new disks shall be, and where their names and numbers come from."""

    nodes: Sequence[str]
    new_uuid: Callable[[], str]
    directory: str | None = None
    file_driver: str | None = None
    vg: str = ""
    metavg: str = ""
    instance_uuid: str = ""
    drbd: Callable[[Sequence[str]], DrbdNumbers] = _no_drbd


Request = Mapping[str, Any]
"""A disk as requested: size, mode, name, vg, metavg, adopt, access, provider, spindles, …"""

Layout = Callable[[Request, int, Place], dict[str, Any]]
"""Request, index, place → the attributes that depend on the template."""


@dataclass(frozen=True)
class DiskTemplate:
    """`layout` is None where an instance has no disks. Sizes are in MiB."""

    name: str
    mirror: Mirror
    storage_type: str
    layout: Layout | None = None
    uses_vg: bool = False
    adopts: bool = False
    must_adopt: bool = False
    file_based: bool = False
    has_directory: bool = False
    """Each instance has a directory of its own for its files."""
    has_access: bool = False
    nodes: int = 1
    overhead_mib: int = 0

    @property
    def mirrored(self) -> bool:
        return self.mirror is not Mirror.NONE

    @property
    def internally_mirrored(self) -> bool:
        return self.mirror is Mirror.INTERNAL

    @property
    def externally_mirrored(self) -> bool:
        return self.mirror is Mirror.EXTERNAL

    def space_mib(self, size_mib: int) -> int:
        """What a disk of this size takes of the storage that the cluster looks after."""
        return 0 if self.must_adopt or self.layout is None else size_mib + self.overhead_mib


def _volume(vg: str, name: str, size_mib: int, nodes: Sequence[str], uuid: str) -> Disk:
    return Disk(
        uuid=uuid, dev_type="plain", logical_id=(vg, name), size=size_mib, nodes=tuple(nodes)
    )


def _plain(request: Request, index: int, place: Place) -> dict[str, Any]:
    name = request.get("adopt") or f"{place.new_uuid()}.disk{index}"
    return {"logical_id": (request.get("vg") or place.vg, name), "nodes": tuple(place.nodes[:1])}


def _drbd(request: Request, index: int, place: Place) -> dict[str, Any]:
    primary, secondary = nodes = tuple(place.nodes)
    port, minors, secret = place.drbd(nodes)
    base = f"{place.new_uuid()}.disk{index}"
    vg = request.get("vg") or place.vg
    metavg = request.get("metavg") or place.metavg or vg
    size = int(request["size"])
    return {
        "logical_id": (primary, secondary, port, *minors, secret),
        "nodes": nodes,
        "children": (
            _volume(vg, f"{base}_data", size, nodes, place.new_uuid()),
            _volume(metavg, f"{base}_meta", DRBD_META_MIB, nodes, place.new_uuid()),
        ),
    }


def _file(kind: str, *, on_nodes: int) -> Layout:
    def layout(request: Request, index: int, place: Place) -> dict[str, Any]:
        path = f"{place.directory}/{place.new_uuid()}.{kind}.disk{index}"
        return {
            "logical_id": (place.file_driver, path),
            "nodes": tuple(place.nodes[:on_nodes]),
        }

    return layout


def _gluster(request: Request, index: int, place: Place) -> dict[str, Any]:
    return {"logical_id": (place.file_driver, f"ganeti/{place.instance_uuid}.{index}")}


def _blockdev(request: Request, index: int, place: Place) -> dict[str, Any]:
    return {"logical_id": ("manual", request["adopt"])}


def _rbd(request: Request, index: int, place: Place) -> dict[str, Any]:
    return {"logical_id": ("rbd", f"{place.new_uuid()}.rbd.disk{index}")}


def _ext(request: Request, index: int, place: Place) -> dict[str, Any]:
    own = {key: value for key, value in request.items() if key not in REQUEST_KEYS}
    volume = f"{place.new_uuid()}.ext.disk{index}"
    return {"logical_id": (request["provider"], volume), "params": own}


REQUEST_KEYS = frozenset(
    {"size", "mode", "name", "vg", "metavg", "adopt", "access", "provider", "spindles", "dev_type"}
)
"""The settings that mean the same for all templates; others go to an external provider."""


TEMPLATES: dict[str, DiskTemplate] = {
    template.name: template
    for template in (
        DiskTemplate(
            "blockdev", Mirror.EXTERNAL, "blockdev", _blockdev, adopts=True, must_adopt=True
        ),
        DiskTemplate("diskless", Mirror.EXTERNAL, "diskless"),
        DiskTemplate(
            "drbd",
            Mirror.INTERNAL,
            "lvm-vg",
            _drbd,
            uses_vg=True,
            nodes=2,
            overhead_mib=DRBD_META_MIB,
        ),
        DiskTemplate("ext", Mirror.EXTERNAL, "ext", _ext, has_access=True),
        DiskTemplate(
            "file",
            Mirror.NONE,
            "file",
            _file("file", on_nodes=1),
            file_based=True,
            has_directory=True,
        ),
        DiskTemplate(
            "gluster", Mirror.EXTERNAL, "gluster", _gluster, file_based=True, has_access=True
        ),
        DiskTemplate("plain", Mirror.NONE, "lvm-vg", _plain, uses_vg=True, adopts=True),
        DiskTemplate("rbd", Mirror.EXTERNAL, "rados", _rbd, has_access=True),
        DiskTemplate(
            "sharedfile",
            Mirror.EXTERNAL,
            "sharedfile",
            _file("sharedfile", on_nodes=0),
            file_based=True,
            has_directory=True,
        ),
    )
}


def new_disk(template: str, request: Request, index: int, place: Place) -> Disk:
    """The disk (tree) for a request."""
    layout = TEMPLATES[template].layout
    if layout is None:
        raise ProgrammerError(f"disk template {template} has no disks")
    own = layout(request, index, place)
    params = dict(own.pop("params", {}))
    if request.get("access"):
        params["access"] = request["access"]
    spindles = request.get("spindles")
    return Disk(
        uuid=place.new_uuid(),
        dev_type=template,
        size=int(request["size"]),
        mode=request.get("mode") or "rw",
        iv_name=f"disk/{index}",
        name=None if request.get("name") in (None, "none") else request["name"],
        spindles=None if spindles is None else int(spindles),
        params=params,
        **own,
    )


def new_disks(
    template: str,
    requests: Iterable[Request],
    *,
    nodes: Sequence[str],
    new_uuid: Callable[[], str],
    first_index: int = 0,
    **place: Any,
) -> tuple[Disk, ...]:
    """The disks for requests, in order; the keywords are those of `Place`."""
    where = Place(nodes, new_uuid, **place)
    return tuple(
        new_disk(template, request, index, where)
        for index, request in enumerate(requests, first_index)
    )


def template_of(disks: Iterable[Disk]) -> str:
    """The template of an instance with these disks: diskless, a name, or `MIXED`."""
    kinds = {disk.dev_type for disk in disks}
    if not kinds:
        return "diskless"
    return kinds.pop() if len(kinds) == 1 else MIXED
