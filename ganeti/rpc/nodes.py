# SPDX-License-Identifier: GPL-2.0-or-later
"""From nodes of the configuration to targets of calls."""

from __future__ import annotations

from ganeti.model.node import Node
from ganeti.rpc.runner import Target


def target(node: Node) -> Target:
    """The node as it stands in the configuration."""
    return Target(node.uuid, node.name, node.primary_ip, bool(node.offline))


def direct(node: Node) -> Target:
    """The node whatever its mark: it is asked even if it is offline, or not yet in the configuration."""
    return Target(node.uuid, node.name, node.primary_ip)
