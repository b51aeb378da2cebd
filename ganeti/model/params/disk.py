# SPDX-License-Identifier: GPL-2.0-or-later
"""Disk parameters by template. Filled built-in < cluster < group; a disk has none of its own.

What a call to a node carries (`for_device`) is per device: the values of a DRBD disk are split over
it and its two volumes, some under another name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from ganeti.errors import Code, OpPrereqError, TypeEnforcementError
from ganeti.model.params.declare import DEFAULT, ParamSet, Port, param
from ganeti.schema.types import NonNegative, Positive

Access = Literal["kernelspace", "userspace"]
BARRIERS = ("n", "b", "d", "f", "bd", "bf", "df", "bdf")


class DiskParams(ParamSet):
    """Base of all; subclasses name their template."""

    WHAT = "disk parameter"
    SEPARATOR = "-"
    TEMPLATES: ClassVar[dict[str, type[DiskParams]]] = {}

    def __init_subclass__(cls, *, template: str) -> None:
        super().__init_subclass__()
        cls.WHAT = f"disk parameter of {template}"
        DiskParams.TEMPLATES[template] = cls

    @classmethod
    def for_device(cls, filled: Mapping[str, Any]) -> dict[str, Any]:
        """As calls to nodes carry them for the disk itself."""
        return dict(filled)

    @classmethod
    def for_children(cls, filled: Mapping[str, Any]) -> list[dict[str, Any]]:
        """As calls carry them for the disk's children, in order."""
        return []


class DisklessParams(DiskParams, template="diskless"):
    pass


class FileParams(DiskParams, template="file"):
    pass


class SharedFileParams(DiskParams, template="sharedfile"):
    pass


class BlockdevParams(DiskParams, template="blockdev"):
    pass


class PlainParams(DiskParams, template="plain"):
    stripes: Positive = param("Physical volumes a volume is striped over", default=1)


class DrbdParams(DiskParams, template="drbd"):
    c_delay_target: NonNegative = param("Target delay of the resync, 0.1 s", default=1)
    c_fill_target: NonNegative = param("Data in flight during resync, sectors", default=0)
    c_max_rate: NonNegative = param("Highest resync rate, KiB/s", default=61440)
    c_min_rate: NonNegative = param("Lowest resync rate, KiB/s", default=4096)
    c_plan_ahead: NonNegative = param("Look-ahead of the resync controller, 0.1 s", default=20)
    data_stripes: Positive = param("Stripes of the data volume", default=1)
    disk_barriers: str = param("What to switch off: letters b, d, f, or n for none", default="n")
    disk_custom: str = param("More options of the disk", default="")
    dynamic_resync: bool = param("Let DRBD control the resync rate", default=False)
    meta_barriers: bool = param("Switch flushes of the metadata off", default=False)
    meta_stripes: Positive = param("Stripes of the metadata volume", default=1)
    metavg: str = param("Volume group of the metadata", default="xenvg")
    net_custom: str = param("More options of the connection", default="")
    protocol: Literal["A", "B", "C"] = param("Replication protocol", default="C")
    resync_rate: NonNegative = param("Fixed resync rate, KiB/s", default=61440)

    # Names on the device that differ from those of the template.
    _DEVICE_NAMES: ClassVar[dict[str, str]] = {
        "disk-barriers": "disabled-barriers",
        "meta-barriers": "disable-meta-flush",
        "metavg": "default-metavg",
    }
    _VOLUMES: ClassVar[tuple[str, str]] = ("data-stripes", "meta-stripes")

    @classmethod
    def together(cls, filled: Mapping[str, Any]) -> Iterator[str]:
        if "".join(sorted(filled["disk-barriers"])) not in BARRIERS:
            yield (
                f"parameter disk-barriers: '{filled['disk-barriers']}' is not n or letters of b, d, f"
            )

    @classmethod
    def for_device(cls, filled: Mapping[str, Any]) -> dict[str, Any]:
        own = {name: value for name, value in filled.items() if name not in cls._VOLUMES}
        return {cls._DEVICE_NAMES.get(name, name): value for name, value in own.items()}

    @classmethod
    def for_children(cls, filled: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{"stripes": filled[name]} for name in cls._VOLUMES]


def _access(what: str) -> Any:
    return param(f"Who opens the {what}: the kernel or the guest's process", default="kernelspace")


class RbdParams(DiskParams, template="rbd"):
    access: Access = _access("image")
    pool: str = param("Pool of the images", default="rbd")


class ExtParams(DiskParams, template="ext"):
    access: Access = _access("volume")


class GlusterParams(DiskParams, template="gluster"):
    access: Access = _access("file")
    host: str = param("Host of the volume", default="127.0.0.1")
    port: Port = param("Port of the host", default=24007)
    volume: str = param("Name of the volume", default="gv0")


def of(template: str) -> type[DiskParams]:
    """The declarations of a template; raises TypeEnforcementError for an unknown one."""
    if template not in DiskParams.TEMPLATES:
        raise TypeEnforcementError(f"unknown disk template '{template}'")
    return DiskParams.TEMPLATES[template]


def typed(template: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values in their types; ``default`` stays."""
    return of(template).typed(values, keep=(DEFAULT,))


def check(template: str, filled: Mapping[str, Any]) -> None:
    """Raises OpPrereqError for values that make no sense."""
    problems = of(template).problems(filled)
    if problems:
        raise OpPrereqError(f"disk template {template}: {'; '.join(problems)}", Code.WRONG_INPUT)


def all_defaults() -> dict[str, dict[str, Any]]:
    return {template: params.defaults() for template, params in DiskParams.TEMPLATES.items()}
