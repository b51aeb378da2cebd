# SPDX-License-Identifier: GPL-2.0-or-later
"""Migration of a running guest, said to QEMU on both sides."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ganeti.errors import HypervisorError
from ganeti.node.hypervisors.base import MigrationStatus
from ganeti.node.hypervisors.kvm.command import migration_uri
from ganeti.node.hypervisors.kvm.qmp import Qmp
from ganeti.utils import retry
from ganeti.utils.clock import Clock

log = logging.getLogger(__name__)

ARRIVAL_S = 30.0
CANCEL_S = 10.0
BAD_ANSWERS = 5
AFTER_BAD_ANSWER_S = 2.0
POSTCOPY = "postcopy-ram"
ROUNDS_BEFORE_POSTCOPY = 2
MIB = 1024 * 1024
_LEFT = ("finish-migrate", "postmigrate")
_FINAL = ("completed", "failed", "cancelled", "postcopy-active")
_UNDER_WAY = ("setup", "active", "device", "pre-switchover", "wait-unplug", "cancelling")


def capabilities(hvparams: Mapping[str, Any]) -> list[str]:
    return [name for name in str(hvparams["migration_caps"]).split(":") if name]


def set_capabilities(qmp: Qmp, hvparams: Mapping[str, Any], *, on: bool) -> None:
    """Both sides must have the same ones set while the guest goes over."""
    rows = [{"capability": name, "state": on} for name in capabilities(hvparams)]
    if rows:
        qmp.execute("migrate-set-capabilities", {"capabilities": rows})


def parameters(hvparams: Mapping[str, Any]) -> dict[str, int]:
    """Limits in QEMU's units: bytes a second and milliseconds."""
    bandwidth = hvparams["migration_bandwidth"] * MIB
    values = {"max-bandwidth": bandwidth, "downtime-limit": hvparams["migration_downtime"]}
    if POSTCOPY in capabilities(hvparams):
        values["max-postcopy-bandwidth"] = bandwidth
    return values


def begin(qmp: Qmp, hvparams: Mapping[str, Any], address: str, *, live: bool) -> None:
    """Send the guest to an address; `live` lets it run meanwhile."""
    if not live:
        qmp.execute("stop")
    qmp.execute("migrate-set-parameters", parameters(hvparams))
    set_capabilities(qmp, hvparams, on=True)
    qmp.execute("migrate", {"uri": migration_uri(address, hvparams["migration_port"])})


def status(qmp: Qmp) -> MigrationStatus:
    """How far it is; starts the second phase where that is wanted. Raises if there is no migration."""
    answer = qmp.execute("query-migrate")
    found = answer.get("status")
    if found in (None, "none") or (found == "completed" and not _has_left(qmp)):
        raise HypervisorError("QEMU knows of no migration")
    if found == "failed":
        log.warning("migration failed: %s", answer.get("error-desc", "QEMU does not say why"))
    ram = answer.get("ram", {})
    if found == "active" and ram.get("dirty-sync-count", 0) >= ROUNDS_BEFORE_POSTCOPY:
        _start_postcopy(qmp)
    return MigrationStatus(
        status=found if found in _FINAL else "active",
        transferred_ram=ram.get("transferred"),
        total_ram=ram.get("total"),
        postcopy_status=found if found.startswith("postcopy") else None,
    )


def _has_left(qmp: Qmp) -> bool:
    """A guest that once came here says ``completed`` for ever, of its coming."""
    return qmp.execute("query-status")["status"] in _LEFT


def _start_postcopy(qmp: Qmp) -> None:
    rows = qmp.execute("query-migrate-capabilities")
    if any(row["capability"] == POSTCOPY and row["state"] for row in rows):
        qmp.execute("migrate-start-postcopy")


def give_up(qmp: Qmp, clock: Clock) -> None:
    """On the source: end the migration, and let the guest go on, unless it may run on the target."""
    statuses: list[str | None] = []

    def has_ended() -> bool:
        statuses.append(qmp.execute("query-migrate").get("status"))
        return statuses[-1] not in _UNDER_WAY

    qmp.execute("migrate_cancel")
    if not retry.until(has_ended, timeout_s=CANCEL_S, clock=clock):
        raise HypervisorError("QEMU does not end the migration")
    if statuses[-1] == "completed" and _has_left(qmp):
        raise HypervisorError("the memory has gone over; the guest does not go on here")
    qmp.execute("cont")


def complete(qmp: Qmp, hvparams: Mapping[str, Any], clock: Clock) -> None:
    """On the target: wait until the guest is whole; one that was stopped for the way goes on."""

    def has_arrived() -> bool:
        return bool(qmp.execute("query-status")["status"] != "inmigrate")

    if not retry.until(has_arrived, timeout_s=ARRIVAL_S, clock=clock):
        raise HypervisorError("the guest has not arrived, though its source says so")
    set_capabilities(qmp, hvparams, on=False)
    if not qmp.execute("query-status")["running"]:
        qmp.execute("cont")
