# SPDX-License-Identifier: GPL-2.0-or-later
"""The drivers that this node has, one object of each."""

from __future__ import annotations

from ganeti.errors import HypervisorError
from ganeti.node.hypervisors.base import Hypervisor
from ganeti.node.hypervisors.fake import FakeHypervisor
from ganeti.node.hypervisors.kvm.driver import KvmHypervisor
from ganeti.node.machine import Machine
from ganeti.paths import Paths
from ganeti.utils.clock import Clock
from ganeti.utils.process import Runner

_DRIVERS: tuple[type[Hypervisor], ...] = (FakeHypervisor, KvmHypervisor)


class Hypervisors:
    """Finds drivers by the cluster's names for them."""

    def __init__(self, paths: Paths, runner: Runner, clock: Clock, machine: Machine) -> None:
        self._drivers = {make.NAME: make(paths, runner, clock, machine) for make in _DRIVERS}

    def of(self, name: str) -> Hypervisor:
        """The driver; raises HypervisorError if this release has none of that name."""
        try:
            return self._drivers[name]
        except KeyError:
            known = ", ".join(sorted(self._drivers))
            raise HypervisorError(
                f"hypervisor '{name}' cannot be used with this release (it has: {known})"
            ) from None
