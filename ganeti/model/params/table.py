# SPDX-License-Identifier: GPL-2.0-or-later
"""All declared parameters with their defaults, as plain values."""

from __future__ import annotations

from typing import Any

from ganeti.model.params import disk
from ganeti.model.params.be import BeParams
from ganeti.model.params.hv import registry
from ganeti.model.params.nd import NdParams
from ganeti.model.params.nic import NicParams


def table() -> dict[str, dict[str, Any]]:
    """By kind of parameter; those of hypervisors and disks once more by name."""
    return {
        "hvparams": {name: registry.defaults(name) for name in registry.NAMES},
        "beparams": BeParams.defaults(),
        "ndparams": NdParams.defaults(),
        "nicparams": NicParams.defaults(),
        "diskparams": disk.defaults(),
    }
