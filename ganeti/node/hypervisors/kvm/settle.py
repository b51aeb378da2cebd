# SPDX-License-Identifier: GPL-2.0-or-later
"""What is set right between the start of QEMU, which waits, and the guest's first step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ganeti.node.hypervisors.kvm import cpus
from ganeti.node.hypervisors.kvm.qmp import Qmp
from ganeti.utils import files

MIB = 1024 * 1024


def start_memory(beparams: Mapping[str, Any], free_mib: int) -> int:
    """As much as there is, but not below the minimum and not above the maximum."""
    return max(int(beparams["minmem"]), min(int(beparams["maxmem"]), free_mib))


def give_back(qmp: Qmp, beparams: Mapping[str, Any], memory_mib: int) -> None:
    if memory_mib < beparams["maxmem"]:
        qmp.execute("balloon", {"value": memory_mib * MIB})


def pin(qmp: Qmp, mask: str, threads: Iterable[int]) -> None:
    if mask in ("", cpus.ALL):
        return
    rows = qmp.execute("query-cpus-fast")
    cpus.pin(cpus.plan(mask, threads, {row["cpu-index"]: row["thread-id"] for row in rows}))


def set_passwords(qmp: Qmp, hvparams: Mapping[str, Any]) -> None:
    """The first line of a file; it never stands in a command line."""
    for protocol, bind in (("vnc", "vnc_bind_address"), ("spice", "spice_bind")):
        path = hvparams[f"{protocol}_password_file"]
        if hvparams[bind] and path:
            password = files.read_text(path).partition("\n")[0]
            qmp.execute("set_password", {"protocol": protocol, "password": password})
