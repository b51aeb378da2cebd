# SPDX-License-Identifier: GPL-2.0-or-later
"""The cluster's own address as calls and the script that sets it up get it."""

from __future__ import annotations

from typing import Any

from ganeti.model.cluster import Cluster


def parameters(cluster: Cluster) -> dict[str, Any]:
    """``{uuid, ip, netmask, netdev, ip_family}``; the UUID is the master node's."""
    return {
        "uuid": cluster.master_node,
        "ip": cluster.master_ip,
        "netmask": cluster.master_netmask,
        "netdev": cluster.master_netdev,
        "ip_family": cluster.primary_ip_family,
    }
