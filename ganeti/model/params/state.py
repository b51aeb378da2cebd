# SPDX-License-Identifier: GPL-2.0-or-later
"""What the administrator says about the state of hypervisors and storage (``*_state_static``).

Numbers that are kept and shown; nothing is decided by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.errors import TypeEnforcementError
from ganeti.model.params.declare import ParamSet, param
from ganeti.model.params.hv import registry

STORAGE_TYPES = ("plain",)


class HvState(ParamSet):
    WHAT = "state of a hypervisor"

    cpu_node: int = param("CPUs that the node uses itself", default=1)
    cpu_total: int = param("CPUs of the node", default=1)
    mem_hv: int = param("Memory that the hypervisor uses, in MiB", default=0)
    mem_node: int = param("Memory that the node uses itself, in MiB", default=0)
    mem_total: int = param("Memory of the node, in MiB", default=0)


class DiskState(ParamSet):
    WHAT = "state of storage"

    disk_overhead: int = param("Overhead of each disk, in MiB", default=0)
    disk_reserved: int = param("What disks may not use, in MiB", default=0)
    disk_total: int = param("Size of the storage, in MiB", default=0)


def hv_state(values: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """The stored state by hypervisor with the values in it; raises TypeEnforcementError."""
    for hypervisor in values:
        registry.of(hypervisor)
    return {**old, **{hv: _filled(HvState, own, old.get(hv)) for hv, own in values.items()}}


def disk_state(values: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """The same by type of storage and its name."""
    result = dict(old)
    for storage, by_name in values.items():
        if storage not in STORAGE_TYPES:
            raise TypeEnforcementError(f"there is no state of storage '{storage}' to set")
        names = old.get(storage, {})
        new = {name: _filled(DiskState, own, names.get(name)) for name, own in by_name.items()}
        result[storage] = {**names, **new}
    return result


def _filled(kind: type[ParamSet], own: Any, old: Mapping[str, Any] | None) -> dict[str, Any]:
    if not isinstance(own, dict):
        raise TypeEnforcementError(f"{kind.WHAT}: {own!r} is no set of names and values")
    return {**kind.defaults(), **(old or {}), **kind.typed(own)}
