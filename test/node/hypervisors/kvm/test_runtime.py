# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
import simplejson

from ganeti.errors import HypervisorError
from ganeti.node.hypervisors.kvm import runtime
from ganeti.node.hypervisors.kvm.devices import Board
from ganeti.node.hypervisors.kvm.runtime import Runtime
from test.node.hypervisors.kvm.guests import an_instance, attached


def a_guest() -> Runtime:
    instance = an_instance()
    board = Board(instance.hvparams, "pci.0")
    disks = [a._replace(disk=board.place_disk(a.disk)) for a in attached(instance)]
    nics = [board.place_nic(nic) for nic in instance.nics]
    return Runtime(["/usr/bin/kvm", "-name", "web"], nics, instance.hvparams, disks)


def test_the_text_has_four_parts() -> None:
    guest = a_guest()
    command, nics, hvparams, disks = simplejson.loads(guest.text())
    assert command == ["/usr/bin/kvm", "-name", "web"]
    assert nics[0]["hvinfo"]["addr"] == "0xd"
    assert hvparams["kvm_path"] == "/usr/bin/qemu-system-x86_64"
    ((disk, link, uri),) = disks
    assert disk["hvinfo"]["addr"] == "0xc"
    assert (link, uri) == ("/run/ganeti/instance-disks/web:0", None)


def test_saved_is_loaded_again(tmp_path: Path) -> None:
    path = str(tmp_path / "web.runtime")
    for _ in range(2):
        runtime.save(path, a_guest())
    assert runtime.load(path) == a_guest()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert os.listdir(tmp_path) == ["web.runtime"]


def old(device: Any, slot: int) -> dict[str, Any]:
    raw = dict(device.raw())
    del raw["hvinfo"]
    return {**raw, "pci": slot}


def test_older_files_tell_slots_only() -> None:
    guest = a_guest()
    disks = [[old(a.disk, 5), a.link, a.uri] for a in guest.disks]
    rows = [guest.command, [old(nic, 6) for nic in guest.nics], dict(guest.hvparams), disks]
    found = runtime.parse(simplejson.dumps(rows))
    assert dict(found.nics[0].hvinfo or {})["addr"] == "0x6"
    assert dict(found.disks[0].disk.hvinfo or {}) == {
        "driver": "virtio-blk-pci",
        "id": "disk-00000000-0000-4000",
        "bus": "pci.0",
        "addr": "0x5",
    }


def test_the_oldest_files_have_no_disks() -> None:
    guest = a_guest()
    text = simplejson.dumps([guest.command, [n.raw() for n in guest.nics], dict(guest.hvparams)])
    assert runtime.parse(text).disks == []


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[[], [{"ip": "10.0.0.1"}], {}, []]'])
def test_damaged_texts_are_refused(text: str) -> None:
    with pytest.raises(HypervisorError, match="is damaged"):
        runtime.parse(text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(HypervisorError, match="runtime is missing"):
        runtime.load(str(tmp_path / "web.runtime"))
