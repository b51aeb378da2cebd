# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that are part of the protocol, but need something that this release does not have.

Whoever builds one of these writes its handlers, and takes its line away here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from ganeti.contracts.node.copies import CopyCalls
from ganeti.contracts.node.impexp import ImportExportCalls
from ganeti.contracts.node.lvm import LvmCalls
from ganeti.contracts.node.mirror import MirrorCalls
from ganeti.contracts.node.ssh import SshRenewalCalls
from ganeti.contracts.node.storage import StorageCalls
from ganeti.errors import GenericError
from ganeti.schema.contract import Call, Contract

ABSENT: dict[type[Contract], str] = {
    CopyCalls: "copies of disks",
    ImportExportCalls: "imports and exports",
    LvmCalls: "LVM",
    MirrorCalls: "DRBD",
    SshRenewalCalls: "new SSH keys for all nodes",
    StorageCalls: "storage units and external providers",
}


def procedures() -> Iterator[tuple[Call, Callable[..., Any]]]:
    """Each of these calls, with what answers it."""
    for contract, what in ABSENT.items():
        for call in contract.CALLS.values():
            yield call, _refusal(call, what)


def _refusal(call: Call, what: str) -> Callable[..., NoReturn]:
    def refuse(*_args: object) -> NoReturn:
        raise GenericError(f"{call.name} cannot be done: this release does not have {what}")

    return refuse
