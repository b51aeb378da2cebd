# SPDX-License-Identifier: GPL-2.0-or-later
"""Opcodes about nodes."""

from __future__ import annotations

from ganeti.opcodes.base import OpCode, param
from ganeti.opcodes.shared import Changes, NodeOpCode, Params
from ganeti.schema.types import NonEmpty


class OpNodeAdd(OpCode):
    """Make a host a node of the cluster, or take a known node in again."""

    SUBJECT = "node_name"
    RESULT = None
    node_name: NonEmpty = param("Name of the node")
    hv_state: Params | None = param("State of the hypervisor, as the admin sets it", default=None)
    disk_state: Params | None = param("State of the storage, as the admin sets it", default=None)
    primary_ip: NonEmpty | None = param("Primary address; resolved if absent", default=None)
    secondary_ip: NonEmpty | None = param("Address for replication", default=None)
    readd: bool = param("The node is known and comes back", default=False)
    group: NonEmpty | None = param("Node group to put it in", default=None)
    master_capable: bool | None = param("May become master", default=None)
    vm_capable: bool | None = param("May run instances", default=None)
    ndparams: Params | None = param("Node parameters", default=None)
    node_setup: bool = param("Set up SSH between the nodes", default=False)


class OpNodeRemove(NodeOpCode):
    """Take a node out of the cluster."""

    RESULT = None


class OpNodeSetParams(NodeOpCode):
    """Change the role or the settings of a node."""

    RESULT = Changes
    force: bool = param("Change it although something speaks against it", default=False)
    hv_state: Params | None = param("State of the hypervisor, as the admin sets it", default=None)
    disk_state: Params | None = param("State of the storage, as the admin sets it", default=None)
    master_candidate: bool | None = param("Keeps a copy of the configuration", default=None)
    offline: bool | None = param("Is not spoken to", default=None)
    drained: bool | None = param("Gets no new instances", default=None)
    auto_promote: bool = param("Promote other nodes if candidates become few", default=False)
    master_capable: bool | None = param("May become master", default=None)
    vm_capable: bool | None = param("May run instances", default=None)
    secondary_ip: NonEmpty | None = param("Address for replication", default=None)
    ndparams: Params | None = param("Node parameters", default=None)
    powered: bool | None = param("Has power, as far as the admin knows", default=None)
