# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends the files that all nodes share (keys, certificates, known_hosts, …) to nodes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from ganeti.contracts.node.files import FileCalls
from ganeti.contracts.node.system import SystemCalls
from ganeti.master.unit import LogicalUnit
from ganeti.master.verify import files
from ganeti.rpc import upload


def distribute(unit: LogicalUnit[Any], nodes: Iterable[str]) -> None:
    """Send every file that is there; a node that fails is warned about."""
    everywhere, vm_capable = files.uploaded(unit.cfg, unit.paths)
    others = _answering(unit, [n for n in nodes if n != unit.cfg.cluster.master_node])
    for path in sorted(everywhere):
        _send(unit, path, others)
    for path in sorted(vm_capable):
        _send(unit, path, [uuid for uuid in others if unit.cfg.nodes[uuid].vm_capable])


def _answering(unit: LogicalUnit[Any], nodes: list[str]) -> list[str]:
    """A node that is down is waited for once, not for each file."""
    replies = unit.rpc.all(nodes, SystemCalls.version)()
    for uuid, reply in replies.items():
        if reply.failed:
            unit.log.warning(
                f"the files that all nodes share were not copied to node {unit.cfg.nodes[uuid].name},"
                f" which does not answer: {reply.error}"
            )
    return [uuid for uuid in nodes if not replies[uuid].failed]


def _send(unit: LogicalUnit[Any], path: str, nodes: list[str]) -> None:
    if not nodes or not os.path.exists(path):
        return
    try:
        details = upload.details(path)
    except (OSError, KeyError) as err:  # a user or group without a name is a KeyError
        unit.log.warning(f"{path} was not copied to other nodes: {err}")
        return
    replies = unit.rpc.all(nodes, FileCalls.upload_file)(details)
    for uuid, reply in replies.items():
        if reply.failed:
            name = unit.cfg.nodes[uuid].name
            unit.log.warning(f"{path} could not be copied to node {name}: {reply.error}")
