# SPDX-License-Identifier: GPL-2.0-or-later
"""What the handlers of a node act on and with; the daemon makes one, tests make one of fakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ganeti.node.fence import Fence
from ganeti.node.hypervisors.registry import Hypervisors
from ganeti.node.machine import Machine
from ganeti.node.powercycle import Kernel
from ganeti.paths import Paths
from ganeti.ssconf import Ssconf
from ganeti.utils.clock import Clock
from ganeti.utils.files import Disk
from ganeti.utils.process import Runner


@dataclass(frozen=True)
class Host:
    """This host, as handlers see it.

    `ssconf_changed` makes the daemon look at the list of candidates again; `stop` ends the daemon
    after the calls in progress, that of the caller included, have been answered.
    """

    paths: Paths
    runner: Runner
    disk: Disk
    clock: Clock
    ssconf: Ssconf
    fence: Fence
    machine: Machine
    kernel: Kernel
    hypervisors: Hypervisors
    ssconf_changed: Callable[[], None]
    stop: Callable[[], None]
