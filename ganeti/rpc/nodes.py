# SPDX-License-Identifier: GPL-2.0-or-later
"""Nodes of the configuration as the carrier sees them."""

from __future__ import annotations

from ganeti.model.node import Node
from ganeti.rpc.runner import Target


def target(node: Node) -> Target:
    """The node as the configuration has it: an offline one is not contacted."""
    return Target(node.uuid, node.name, node.primary_ip, node.offline)


def direct(node: Node) -> Target:
    """The node whatever its flags, in the configuration or not (yet, or any more)."""
    return Target(node.uuid, node.name, node.primary_ip)
