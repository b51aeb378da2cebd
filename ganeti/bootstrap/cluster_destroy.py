# SPDX-License-Identifier: GPL-2.0-or-later
"""`gnt-cluster destroy`, after the master has agreed: end the daemons and remove the files.

The master daemon ends, so the calls to the node daemon of this host are made from here.
"""

from __future__ import annotations

from collections.abc import Callable

from ganeti.contracts.node import sender
from ganeti.contracts.node.sender import Sender
from ganeti.contracts.node.system import SystemCalls
from ganeti.errors import GenericError
from ganeti.paths import Paths
from ganeti.rpc.runner import Rpc, Target
from ganeti.rpc.transport import Credentials, Transport
from ganeti.ssconf import Ssconf
from ganeti.utils import net


def finish(
    paths: Paths, master_uuid: str, *, modify_ssh_setup: bool, warn: Callable[[str], None]
) -> None:
    """Stop the master and let the last node leave; problems are told, not raised."""
    ssconf = Ssconf(paths)
    name = ssconf.get("master_node")
    target = Target(uuid=master_uuid, name=name, address=ssconf.address_of(name))
    transport = Transport(Credentials(paths.server_pem, (paths.client_pem, paths.server_pem)))
    try:
        rpc = Rpc(
            transport,
            lambda _uuid: target,
            port=net.daemon_port("ganeti-noded"),
            sender=Sender(name, sender.read_epoch(paths.master_epoch)),
        )
        leave(rpc, target, modify_ssh_setup=modify_ssh_setup, warn=warn)
    finally:
        transport.close()


def leave(rpc: Rpc, target: Target, *, modify_ssh_setup: bool, warn: Callable[[str], None]) -> None:
    """The calls to the one node that is left."""
    try:
        rpc.one(target, SystemCalls.node_stop_master)()
    except GenericError as err:
        warn(f"the master daemon could not be stopped: {err}")
    try:
        rpc.one(target, SystemCalls.node_leave_cluster)(modify_ssh_setup)
    except GenericError as err:
        warn(f"the files of the cluster could not be removed: {err}")
