# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP ports of consoles and DRBD: freed ones are used first, then the next that never was."""

from __future__ import annotations

from collections.abc import Collection

from ganeti.errors import ConfigurationError
from ganeti.model.cluster import Cluster

FIRST_PORT = 11000
LAST_PORT = 14998


def free_port(cluster: Cluster, taken: Collection[int]) -> int:
    """A port that is neither used nor among `taken`; raises ConfigurationError."""
    for port in cluster.tcpudp_port_pool:
        if port not in taken:
            return port
    port = cluster.highest_used_port + 1
    while port in taken:
        port += 1
    if port > LAST_PORT:
        raise ConfigurationError(f"all TCP ports from {FIRST_PORT} to {LAST_PORT} are in use")
    return port


def with_used(cluster: Cluster, ports: Collection[int]) -> Cluster:
    """The cluster when these ports are in use. Those that were skipped become free ones."""
    highest = max([cluster.highest_used_port, *ports])
    skipped = range(cluster.highest_used_port + 1, highest + 1)
    pool = [port for port in (*cluster.tcpudp_port_pool, *skipped) if port not in ports]
    return cluster.replace(highest_used_port=highest, tcpudp_port_pool=pool)


def with_free(cluster: Cluster, ports: Collection[int]) -> Cluster:
    """The cluster when these ports are free again."""
    back = [port for port in sorted(ports) if port not in cluster.tcpudp_port_pool]
    return cluster.replace(tcpudp_port_pool=[*cluster.tcpudp_port_pool, *back])
