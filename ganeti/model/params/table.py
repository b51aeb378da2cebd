# SPDX-License-Identifier: GPL-2.0-or-later
"""All declared parameters with their defaults, as plain values."""

from __future__ import annotations

from typing import Any

from ganeti.model.params import be, disk, nd, nic
from ganeti.model.params.hv import registry


def table() -> dict[str, dict[str, Any]]:
    """By kind of parameter; those of hypervisors and disks once more by name."""
    return {
        "hvparams": {name: registry.defaults(name) for name in registry.names()},
        "beparams": be.defaults(),
        "ndparams": nd.defaults(),
        "nicparams": nic.defaults(),
        "diskparams": disk.all_defaults(),
    }
