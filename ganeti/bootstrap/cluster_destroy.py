# SPDX-License-Identifier: GPL-2.0-or-later
"""`gnt-cluster destroy`, after the master has agreed: end the daemons and remove the files.

The master daemon ends, so the calls to the node daemon of this host are made from here.
"""

from __future__ import annotations

from collections.abc import Callable

from ganeti.contracts.node.system import SystemCalls
from ganeti.errors import GenericError
from ganeti.rpc.runner import Rpc, Target
from ganeti.ssconf import Ssconf


def finish(rpc: Rpc, ssconf: Ssconf, master_uuid: str, warn: Callable[[str], None]) -> None:
    """Stop the master and let the last node leave; problems are told, not raised."""
    modify_ssh = True
    name = ssconf.get("master_node")
    target = Target(uuid=master_uuid, name=name, address=ssconf.address_of(name), offline=False)
    try:
        rpc.one(target, SystemCalls.node_stop_master)()
    except GenericError as err:
        warn(f"the master daemon could not be stopped: {err}")
    try:
        rpc.one(target, SystemCalls.node_leave_cluster)(modify_ssh)
    except GenericError as err:
        warn(f"the files of the cluster could not be removed: {err}")
