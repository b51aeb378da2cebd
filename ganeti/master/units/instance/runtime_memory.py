# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory of a running instance: how much it may get, and giving it."""

from __future__ import annotations

from typing import Any

from ganeti.contracts.node.instance import InstanceCalls
from ganeti.errors import Code, OpPrereqError
from ganeti.master.units.instance.subject import InstanceUnit, check_online, free_memory

Unit = InstanceUnit[Any]


def check(unit: Unit, wanted_mib: int, *, force: bool) -> None:
    """Raises unless the running instance can have the memory."""
    check_online(unit.primary)
    info = unit.live_info()
    if not info:
        raise OpPrereqError(
            f"instance {unit.instance.name} does not run; its memory cannot change now",
            Code.WRONG_STATE,
        )
    be = unit.cfg.beparams(unit.instance)
    if not force and not be["minmem"] <= wanted_mib <= be["maxmem"]:
        raise OpPrereqError(
            f"{wanted_mib} MiB is not between the minimum of {be['minmem']} and the maximum of"
            f" {be['maxmem']} MiB of {unit.instance.name}",
            Code.WRONG_INPUT,
        )
    _check_free(unit, wanted_mib - info["memory"])


def check_room(unit: Unit, maxmem_mib: int) -> None:
    """Raises if the primary could not give a larger maximum."""
    if unit.primary.offline:
        return
    used = unit.live_info().get("memory", 0)
    _check_free(unit, maxmem_mib - used)


def _check_free(unit: Unit, more_mib: int) -> None:
    if more_mib <= 0:
        return
    free = free_memory(unit, unit.instance, unit.primary.uuid)
    if free < more_mib:
        raise OpPrereqError(
            f"node {unit.primary.name} has {free} MiB of free memory,"
            f" {unit.instance.name} would need {more_mib} MiB more",
            Code.NO_RESOURCES,
        )


def balloon(unit: Unit, wanted_mib: int) -> None:
    unit.rpc.one(unit.primary.uuid, InstanceCalls.instance_balloon_memory)(
        unit.cfg.for_node(unit.instance), wanted_mib
    )
