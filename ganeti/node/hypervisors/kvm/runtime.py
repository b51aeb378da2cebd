# SPDX-License-Identifier: GPL-2.0-or-later
"""What a running guest was started with: ``conf/<instance>.runtime``, and the text that migrates.

JSON ``[command, [nic, ...], hvparams, [[disk, link, uri], ...]]``; the command is without what belongs
to NICs, disks and the node. Older files lack the disks, and tell the place of a device by ``pci``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import simplejson

from ganeti.errors import HypervisorError
from ganeti.model.disk import Disk
from ganeti.model.nic import Nic
from ganeti.node.hypervisors.base import Attached
from ganeti.node.hypervisors.kvm import devices
from ganeti.schema import types

MODE = 0o600


@dataclass(frozen=True)
class Runtime:
    """The parts of the file; devices have `hvinfo`, their place in the guest."""

    command: list[str]
    nics: list[Nic]
    hvparams: Mapping[str, Any]
    disks: list[Attached]

    def text(self) -> str:
        """The form on disk and between nodes."""
        rows = [[a.disk.raw(), a.link, a.uri] for a in self.disks]
        nics = [nic.raw() for nic in self.nics]
        return simplejson.dumps([self.command, nics, dict(self.hvparams), rows])


def parse(text: str) -> Runtime:
    """Raises HypervisorError for a text that is no runtime."""
    try:
        command, nics, hvparams, *rest = simplejson.loads(text)
        rows = rest[0] if rest else []
        return Runtime(
            [str(word) for word in command],
            [_placed(Nic.from_raw(raw), devices.NIC, hvparams) for raw in nics],
            hvparams,
            [_attached(row, hvparams) for row in rows],
        )
    except (ValueError, TypeError, KeyError, types.Mismatch) as err:
        raise HypervisorError(f"the description of the running guest is damaged: {err}") from err


def _attached(row: list[Any], hvparams: Mapping[str, Any]) -> Attached:
    disk, link, *uri = row
    placed = _placed(Disk.from_raw(disk), devices.DISK, hvparams)
    return Attached(placed, link, uri[0] if uri else None)


def _placed(device: Any, kind: devices.Kind, hvparams: Mapping[str, Any]) -> Any:
    """Devices of older files: from the PCI slot the whole place follows."""
    if device.hvinfo is None and device.pci is not None:
        return device.replace(hvinfo=devices.at_slot(device, kind, hvparams, device.pci))
    return device


def load(path: str) -> Runtime:
    """Raises HypervisorError if the guest has none."""
    try:
        with open(path, encoding="utf-8") as file:
            return parse(file.read())
    except FileNotFoundError:
        raise HypervisorError(
            f"{path} is missing, so it is not known what the guest was started with;"
            " shut it down and start it again"
        ) from None


def save(path: str, runtime: Runtime) -> None:
    """Not durable on purpose: the directory lies in RAM, the guest dies with it."""
    new = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "w", encoding="utf-8") as f:
        f.write(runtime.text())
    os.rename(new, path)
