# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts are told of the network that an interface is in."""

from __future__ import annotations

from ganeti.model.nic import Nic


def of(nic: Nic) -> dict[str, str]:
    """Variables by name; none if the interface is in no network."""
    info = nic.netinfo
    if not info:
        return {}
    values = {
        "NETWORK_NAME": info["name"],
        "NETWORK_UUID": info["uuid"],
        "NETWORK_SUBNET": info.get("network"),
        "NETWORK_GATEWAY": info.get("gateway"),
        "NETWORK_SUBNET6": info.get("network6"),
        "NETWORK_GATEWAY6": info.get("gateway6"),
        "NETWORK_MAC_PREFIX": info.get("mac_prefix"),
        "NETWORK_TAGS": " ".join(info.get("tags") or ()),
    }
    return {name: value for name, value in values.items() if value}
