# SPDX-License-Identifier: GPL-2.0-or-later
"""Parameters of the fake hypervisor, which only pretends to run guests."""

from __future__ import annotations

from typing import ClassVar

from ganeti.model.params.declare import param
from ganeti.model.params.hv.base import HvParams, MigrationMode


class FakeParams(HvParams, hypervisor="fake"):
    can_migrate: ClassVar[bool] = True

    migration_mode: MigrationMode = param(
        "How a migration is done by default", default="live", cluster_only=True
    )
