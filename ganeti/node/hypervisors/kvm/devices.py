# SPDX-License-Identifier: GPL-2.0-or-later
"""Which device of QEMU a disk or NIC becomes, and its place in the guest. Pure functions.

The place (`hvinfo`) is kept with the guest, so that it stays the same over a migration: the driver,
the id, and for PCI devices bus and slot, for SCSI disks bus, channel, id and LUN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ganeti.errors import HypervisorError
from ganeti.model.disk import Disk
from ganeti.model.nic import Nic

PCI_SLOTS = 32
SCSI_BUS = "scsi.0"

_NIC_DRIVERS = {"paravirtual": "virtio-net-pci"}
_ISA_NICS = ("ne2k_isa",)
_DISK_DRIVERS = {
    "paravirtual": "virtio-blk-pci",
    "scsi": "scsi-hd",
    "scsi-generic": "scsi-generic",
    "scsi-block": "scsi-block",
    "scsi-hd": "scsi-hd",
    "scsi-cd": "scsi-cd",
}
"""Disk types that are a device and a backend of their own; the others are an interface of ``-drive``."""


class Kind(NamedTuple):
    """What disks and NICs differ in here."""

    prefix: str
    type_parameter: str


DISK = Kind("disk", "disk_type")
NIC = Kind("nic", "nic_type")


def device_id(kind: Kind, uuid: str) -> str:
    """The id within QEMU: the UUID without its last two parts."""
    return f"{kind.prefix}-{'-'.join(uuid.split('-')[:-2])}"


def driver(kind: Kind, hvparams: Mapping[str, Any]) -> str | None:
    """The QEMU device of this kind; None for disks that are only an interface of ``-drive``."""
    wanted = str(hvparams[kind.type_parameter])
    if kind is NIC:
        return _NIC_DRIVERS.get(wanted, wanted)
    return _DISK_DRIVERS.get(wanted)


def is_scsi(disk_type: str) -> bool:
    return _DISK_DRIVERS.get(disk_type, "").startswith("scsi-")


CDROM_SCSI_IDS = (0, 1)
"""Those of the two CDs, where they are on the SCSI bus; disks come after them."""


def has_scsi_cdroms(hvparams: Mapping[str, Any]) -> bool:
    images = hvparams["cdrom_image_path"] or hvparams["cdrom2_image_path"]
    return bool(images) and is_scsi(hvparams["cdrom_disk_type"] or hvparams["disk_type"])


def needs_scsi_controller(hvparams: Mapping[str, Any]) -> bool:
    return is_scsi(hvparams["disk_type"]) or has_scsi_cdroms(hvparams)


def pci_bus(machine: str) -> str:
    """The bus that a machine type's devices sit on."""
    return "pcie.0" if "q35" in machine else "pci.0"


def at_slot(
    device: Disk | Nic, kind: Kind, hvparams: Mapping[str, Any], slot: int, bus: str = "pci.0"
) -> dict[str, Any]:
    """The place of a PCI device."""
    return {
        "driver": driver(kind, hvparams),
        "id": device_id(kind, device.uuid),
        "bus": bus,
        "addr": hex(slot),
    }


class Board:
    """What is free in a guest: PCI slots beyond those that QEMU has for itself, and SCSI ids."""

    def __init__(
        self, hvparams: Mapping[str, Any], bus: str, taken: Iterable[Disk | Nic] = ()
    ) -> None:
        self._hvparams, self._bus = hvparams, bus
        places = [device.hvinfo for device in taken if device.hvinfo]
        self._slots = {int(p["addr"], 16) for p in places if "addr" in p}
        self._scsi_ids = {p["scsi-id"] for p in places if "scsi-id" in p}
        if has_scsi_cdroms(hvparams):
            self._scsi_ids.update(CDROM_SCSI_IDS)

    def place_disk(self, disk: Disk) -> Disk:
        """The disk with its place, if it is a device of its own."""
        name = driver(DISK, self._hvparams)
        if name is None:
            return disk
        if name.startswith("scsi-"):
            return disk.replace(hvinfo=self._scsi_place(disk, name))
        return disk.replace(hvinfo=at_slot(disk, DISK, self._hvparams, self._slot(), self._bus))

    def place_nic(self, nic: Nic) -> Nic:
        name = driver(NIC, self._hvparams)
        if name in _ISA_NICS:
            return nic.replace(hvinfo={"driver": name, "id": device_id(NIC, nic.uuid)})
        return nic.replace(hvinfo=at_slot(nic, NIC, self._hvparams, self._slot(), self._bus))

    def _slot(self) -> int:
        for slot in range(self._hvparams["kvm_pci_reservations"], PCI_SLOTS):
            if slot not in self._slots:
                self._slots.add(slot)
                return slot
        raise HypervisorError("the guest has no free PCI slot; lower kvm_pci_reservations")

    def _scsi_place(self, disk: Disk, name: str) -> dict[str, Any]:
        free = next(
            number for number in range(len(self._scsi_ids) + 1) if number not in self._scsi_ids
        )
        self._scsi_ids.add(free)
        return {
            "driver": name,
            "id": device_id(DISK, disk.uuid),
            "bus": SCSI_BUS,
            "channel": 0,
            "scsi-id": free,
            "lun": 0,
        }


def properties(hvinfo: Mapping[str, Any]) -> str:
    """The beginning of a ``-device`` argument."""
    rest = ",".join(f"{name}={value}" for name, value in hvinfo.items() if name != "driver")
    return f"{hvinfo['driver']},{rest}"
