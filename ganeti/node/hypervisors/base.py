# SPDX-License-Identifier: GPL-2.0-or-later
"""What a hypervisor's driver must be able to do, and what is the same for all of them.

A driver keeps nothing that matters in RAM: guests outlive the node daemon, so everything is read from
the hypervisor or from files below the run directory. Errors are `HypervisorError`.
"""

from __future__ import annotations

import abc
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any, ClassVar, NamedTuple

from ganeti.errors import HypervisorError
from ganeti.model.disk import Disk
from ganeti.model.instance import Instance
from ganeti.model.nic import Nic
from ganeti.model.params.hv import registry
from ganeti.node.machine import Machine
from ganeti.paths import Paths
from ganeti.utils import retry
from ganeti.utils.clock import Clock
from ganeti.utils.process import Runner

log = logging.getLogger(__name__)

Params = Mapping[str, Any]

ASK_AGAIN_S = 5.0
AFTER_FORCE_S = 1.0


class GuestState(IntEnum):
    """As the calls carry it."""

    RUNNING = 0
    SHUT_DOWN = 1


class Guest(NamedTuple):
    """A guest that the hypervisor knows; its name is that of the instance."""

    name: str
    memory: int
    vcpus: int
    state: GuestState
    time: float

    def info(self) -> dict[str, Any]:
        """The form in calls."""
        return {"memory": self.memory, "vcpus": self.vcpus, "state": self.state, "time": self.time}


class Attached(NamedTuple):
    """A disk that is up on this node: its link, or the URI by which the guest's process opens it."""

    disk: Disk
    link: str
    uri: str | None


@dataclass(frozen=True)
class MigrationStatus:
    """How far a migration is, told by its source; RAM in bytes."""

    status: str
    transferred_ram: int | None = None
    total_ram: int | None = None
    postcopy_status: str | None = None

    def info(self) -> dict[str, Any]:
        """The form in calls."""
        return asdict(self)


class Hypervisor(abc.ABC):
    """The driver of one hypervisor; `NAME` is how the cluster calls it."""

    NAME: ClassVar[str]

    def __init__(self, paths: Paths, runner: Runner, clock: Clock, machine: Machine) -> None:
        self._paths, self._runner, self._clock = paths, runner, clock
        self._machine = machine

    # What runs

    @abc.abstractmethod
    def names(self) -> list[str]:
        """Names of the running guests."""

    @abc.abstractmethod
    def guest(self, name: str) -> Guest | None:
        """A guest, None if it does not run."""

    def is_running(self, name: str) -> bool:
        """Whether there is such a guest, without a closer look at it."""
        guest = self.guest(name)
        return guest is not None and guest.state is GuestState.RUNNING

    def guests(self) -> list[Guest]:
        """All guests; one that ends meanwhile is left out."""
        found = (self.guest(name) for name in self.names())
        return [guest for guest in found if guest is not None]

    # Start and stop

    @abc.abstractmethod
    def start(self, instance: Instance, disks: Sequence[Attached], *, paused: bool) -> None:
        """Start a guest that does not run; nothing is left if it does not start."""

    @abc.abstractmethod
    def ask_to_stop(self, instance: Instance) -> None:
        """Press the power button; must be harmless on a guest that goes down already."""

    @abc.abstractmethod
    def kill(self, instance: Instance) -> None:
        """End the guest at once."""

    @abc.abstractmethod
    def clean_up(self, name: str) -> None:
        """Remove what a guest that runs no more has left."""

    @abc.abstractmethod
    def reboot(self, instance: Instance, timeout_s: float) -> None:
        """Restart the guest with the devices it has now."""

    def shut_down(self, instance: Instance, timeout_s: float) -> None:
        """Ask, wait, and kill when the time is over; raises if the guest runs on even then."""
        deadline = self._clock.monotonic() + timeout_s
        while (left := deadline - self._clock.monotonic()) > 0:
            self.ask_to_stop(instance)
            if self._is_gone(instance.name, min(ASK_AGAIN_S, left)):
                return
        log.warning("%s did not shut down within %.0f s: killing it", instance.name, timeout_s)
        self.kill(instance)
        if not self._is_gone(instance.name, AFTER_FORCE_S):
            raise HypervisorError(
                f"instance {instance.name} still runs after it was killed; look at its processes"
            )

    def _is_gone(self, name: str, timeout_s: float) -> bool:
        return retry.until(
            lambda: not self.is_running(name), timeout_s=timeout_s, clock=self._clock
        )

    # The node

    @abc.abstractmethod
    def node_info(self, hvparams: Params) -> dict[str, Any]:
        """Memory, processors and version."""

    @abc.abstractmethod
    def problem(self, hvparams: Params) -> str | None:
        """Why this hypervisor cannot work on this node with the cluster's parameters."""

    def validate(self, hvparams: Params) -> None:
        """Whether filled parameters fit this node; raises HypervisorError."""
        registry.check_syntax(self.NAME, hvparams)
        registry.check_on_node(self.NAME, hvparams)

    # Memory and migration

    @abc.abstractmethod
    def balloon(self, instance: Instance, memory_mib: int) -> None:
        """Let the guest have so much memory."""

    @abc.abstractmethod
    def migration_info(self, instance: Instance) -> str:
        """What `accept` on the target needs to know."""

    @abc.abstractmethod
    def accept(self, instance: Instance, info: str, address: str) -> None:
        """On the target: wait for the guest at an address of this node."""

    @abc.abstractmethod
    def migrate(self, instance: Instance, address: str, *, live: bool) -> None:
        """On the source: begin to send the guest."""

    @abc.abstractmethod
    def migration_status(self, instance: Instance) -> MigrationStatus:
        """On the source: how far it is."""

    @abc.abstractmethod
    def finish_on_source(self, instance: Instance, *, success: bool) -> None:
        """The guest has gone, or it goes on here."""

    @abc.abstractmethod
    def finish_on_target(self, instance: Instance, info: str | None, *, success: bool) -> None:
        """The guest is here, or does not come."""

    # Devices of running guests

    def check_hotplug(self, instance: Instance) -> None:
        """Raises HypervisorError if the guest's devices cannot change while it runs."""
        raise HypervisorError(f"hypervisor {self.NAME} cannot change devices of running guests")

    def plug_disk(self, instance: Instance, disk: Attached, seq: int) -> None:
        self.check_hotplug(instance)

    def unplug_disk(self, instance: Instance, disk: Disk, seq: int) -> None:
        self.check_hotplug(instance)

    def plug_nic(self, instance: Instance, nic: Nic, seq: int) -> None:
        self.check_hotplug(instance)

    def unplug_nic(self, instance: Instance, nic: Nic, seq: int) -> None:
        self.check_hotplug(instance)

    def replug_nic(self, instance: Instance, nic: Nic, seq: int) -> None:
        """Give the guest's interface other settings, in the same place."""
        self.check_hotplug(instance)
