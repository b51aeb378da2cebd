# SPDX-License-Identifier: GPL-2.0-or-later
"""What the parts of the master work with; the daemon makes one, tests make one of fakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ganeti.master.config.store import ConfigStore
from ganeti.paths import Paths
from ganeti.rpc.runner import Rpc
from ganeti.utils.clock import Clock
from ganeti.utils.process import Runner

if TYPE_CHECKING:
    from ganeti.master.queue.jobqueue import JobQueue


@dataclass
class Services:
    """`behind`: which candidates lack what was acknowledged, by name, and why."""

    paths: Paths
    clock: Clock
    runner: Runner
    rpc: Rpc
    store: ConfigStore
    behind: Callable[[], Mapping[str, str]]
    architecture: tuple[str, str] = ("64bits", "x86_64")
    jobs: JobQueue = field(init=False)
    """Set once the queue is made; it needs the processor, which needs these services."""
