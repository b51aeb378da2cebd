# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts of a master daemon by which it touches the world.

The torture of the master puts others in their place, which end the process between two of their steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ganeti.contracts.luxi import LuxiCalls
from ganeti.master.luxi_requests import Requests
from ganeti.rpc.transport import Credentials, Transport
from ganeti.utils.files import Disk


@dataclass(frozen=True)
class Parts:
    """All that is durable goes through the disk, all calls to nodes and all answers through the others."""

    disk: Disk = field(default_factory=Disk)
    transport: Callable[[Credentials], Transport] = Transport
    requests: Callable[[LuxiCalls], Requests] = Requests
