# SPDX-License-Identifier: GPL-2.0-or-later
"""The hypervisor that only pretends: a guest is a file with its domain id, memory and processors.

``/run/ganeti/fake-hypervisor/<instance>`` holds ``0``, MiB and the number of processors, a line each.
Everything works at once; for tests of clusters and for trying things out.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any

from ganeti.errors import HypervisorError
from ganeti.model.instance import Instance
from ganeti.node.hypervisors.base import (
    Attached,
    Guest,
    GuestState,
    Hypervisor,
    MigrationStatus,
    Params,
)
from ganeti.utils import files

DIRECTORY_MODE = 0o755


class FakeHypervisor(Hypervisor):
    NAME = "fake"

    def _path(self, name: str) -> str:
        return f"{self._paths.fake_dir}/{name}"

    def _write(self, instance: Instance, memory_mib: int) -> None:
        os.makedirs(self._paths.fake_dir, DIRECTORY_MODE, exist_ok=True)
        path = self._path(instance.name)
        new = f"{self._paths.fake_dir}/.{instance.name}"
        with open(new, "w", encoding="ascii") as file:
            file.write(f"0\n{memory_mib}\n{instance.beparams['vcpus']}\n")
        os.rename(new, path)

    def names(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            found = os.listdir(self._paths.fake_dir)
            return sorted(name for name in found if not name.startswith("."))
        return []

    def guest(self, name: str) -> Guest | None:
        try:
            _, memory, vcpus = map(int, files.read_lines(self._path(name)))
        except FileNotFoundError:
            return None
        except ValueError as err:
            raise HypervisorError(f"{self._path(name)} is damaged: {err}; remove it") from err
        return Guest(name, memory, vcpus, GuestState.RUNNING, 0)

    def start(self, instance: Instance, disks: Sequence[Attached], *, paused: bool) -> None:
        self._write(instance, instance.beparams["maxmem"])

    def ask_to_stop(self, instance: Instance) -> None:
        self.kill(instance)

    def kill(self, instance: Instance) -> None:
        self.clean_up(instance.name)

    def clean_up(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(name))

    def reboot(self, instance: Instance, timeout_s: float) -> None:
        return None

    def node_info(self, hvparams: Params) -> dict[str, Any]:
        info: dict[str, Any] = dict(self._machine.node_info())
        used = sum(guest.memory for guest in self.guests())
        info["memory_free"] -= used
        return info

    def problem(self, hvparams: Params) -> str | None:
        return None

    def balloon(self, instance: Instance, memory_mib: int) -> None:
        self._write(instance, memory_mib)

    def migration_info(self, instance: Instance) -> str:
        return ""

    def accept(self, instance: Instance, info: str, address: str) -> None:
        return None

    def migrate(self, instance: Instance, address: str, *, live: bool) -> None:
        return None

    def migration_status(self, instance: Instance) -> MigrationStatus:
        return MigrationStatus("completed")

    def finish_on_source(self, instance: Instance, *, success: bool) -> None:
        if success:
            self.clean_up(instance.name)

    def finish_on_target(self, instance: Instance, info: str | None, *, success: bool) -> None:
        if success:
            self._write(instance, instance.beparams["maxmem"])
