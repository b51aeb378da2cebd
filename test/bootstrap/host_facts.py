# SPDX-License-Identifier: GPL-2.0-or-later
"""What a host that becomes the first node of a cluster has found out about itself."""

from __future__ import annotations

from ganeti.bootstrap.new_cluster import HostFacts

FACTS = HostFacts(
    node_name="n1.example.com",
    primary_ip="192.0.2.1",
    secondary_ip="192.0.2.1",
    cluster_ip="192.0.2.9",
    family=2,
    rsa_key="AAAA",
    dsa_key="",
    client_digest="AA:BB",
    default_iallocator="",
    directories={},
)
