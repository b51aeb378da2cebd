# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ganeti.errors import HypervisorError
from ganeti.model.disk import Disk
from ganeti.model.nic import Nic
from ganeti.node.hypervisors.kvm import devices
from ganeti.node.hypervisors.kvm.devices import Board
from test.node.hypervisors.kvm.guests import an_instance


def hv(**values: Any) -> dict[str, Any]:
    return {**an_instance().hvparams, **values}


def a_disk(number: int, **attributes: Any) -> Disk:
    uuid = f"{number:08x}-1111-2222-3333-444444444444"
    return Disk(uuid=uuid, dev_type="file", logical_id=("loop", "/d"), size=1, **attributes)


def a_nic(number: int, **attributes: Any) -> Nic:
    return Nic(
        uuid=f"{number:08x}-1111-2222-3333-444444444444", mac="aa:00:00:00:00:01", **attributes
    )


def place(device: Disk | Nic) -> Any:
    return device.hvinfo


def test_the_id_is_the_first_half_of_the_uuid() -> None:
    uuid = "01234567-89ab-cdef-0123-456789abcdef"
    assert devices.device_id(devices.DISK, uuid) == "disk-01234567-89ab-cdef"
    assert devices.device_id(devices.NIC, uuid) == "nic-01234567-89ab-cdef"


def test_slots_come_after_those_of_qemu() -> None:
    board = Board(hv(), "pci.0")
    assert place(board.place_disk(a_disk(1))) == {
        "driver": "virtio-blk-pci",
        "id": "disk-00000001-1111-2222",
        "bus": "pci.0",
        "addr": "0xc",
    }
    assert place(board.place_nic(a_nic(2)))["addr"] == "0xd"


def test_a_free_slot_is_used_again() -> None:
    there: list[Disk | Nic] = [
        Board(hv(), "pci.0").place_disk(a_disk(1)),
        a_nic(2, hvinfo={"addr": "0xe"}),
    ]
    board = Board(hv(), "pci.0", there)
    assert [place(board.place_disk(a_disk(n)))["addr"] for n in (3, 4)] == ["0xd", "0xf"]


def test_a_full_board_is_told() -> None:
    board = Board(hv(kvm_pci_reservations=31), "pci.0")
    board.place_disk(a_disk(1))
    with pytest.raises(HypervisorError, match="no free PCI slot"):
        board.place_disk(a_disk(2))


@pytest.mark.parametrize("kind", ["scsi", "scsi-hd"])
def test_scsi_disks_have_ids(kind: str) -> None:
    board = Board(hv(disk_type=kind), "pci.0", [a_disk(9, hvinfo={"scsi-id": 0})])
    assert place(board.place_disk(a_disk(1))) == {
        "driver": "scsi-hd",
        "id": "disk-00000001-1111-2222",
        "bus": "scsi.0",
        "channel": 0,
        "scsi-id": 1,
        "lun": 0,
    }


def test_scsi_disks_leave_room_for_cds() -> None:
    board = Board(hv(disk_type="scsi-hd", cdrom_image_path="/cd"), "pci.0")
    assert place(board.place_disk(a_disk(1)))["scsi-id"] == 2


def test_an_interface_of_drive_has_no_place() -> None:
    assert place(Board(hv(disk_type="ide"), "pci.0").place_disk(a_disk(1))) is None


def test_an_isa_card_has_no_slot() -> None:
    placed = Board(hv(nic_type="ne2k_isa"), "pci.0").place_nic(a_nic(1))
    assert place(placed) == {"driver": "ne2k_isa", "id": "nic-00000001-1111-2222"}


@pytest.mark.parametrize(
    ("machine", "bus"), [("pc-i440fx-7.2", "pci.0"), ("pc-q35-7.2", "pcie.0"), ("", "pci.0")]
)
def test_the_bus_is_the_machines(machine: str, bus: str) -> None:
    assert devices.pci_bus(machine) == bus


CONTROLLER = [
    ({}, False),
    ({"disk_type": "scsi-block"}, True),
    ({"cdrom_disk_type": "scsi-cd"}, False),
    ({"cdrom_disk_type": "scsi-cd", "cdrom2_image_path": "/cd"}, True),
    ({"disk_type": "scsi", "cdrom_disk_type": "ide", "cdrom_image_path": "/cd"}, True),
]


@pytest.mark.parametrize(("values", "expected"), CONTROLLER)
def test_a_scsi_controller_is_there_when_needed(values: dict[str, Any], expected: bool) -> None:
    assert devices.needs_scsi_controller(hv(**values)) is expected
