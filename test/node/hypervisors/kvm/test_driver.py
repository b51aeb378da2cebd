# SPDX-License-Identifier: GPL-2.0-or-later
"""The driver with real QEMU processes, which boot nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import HotplugError, HypervisorError
from ganeti.model.disk import Disk
from ganeti.model.instance import Instance
from ganeti.node.hypervisors.base import Attached
from ganeti.node.hypervisors.kvm import runtime
from ganeti.node.hypervisors.kvm.driver import KvmHypervisor
from ganeti.node.hypervisors.kvm.places import GuestFiles
from ganeti.node.hypervisors.kvm.qmp import Qmp
from ganeti.node.machine import Machine
from ganeti.node.storage import links
from ganeti.paths import Paths
from ganeti.utils.clock import Clock
from ganeti.utils.process import Runner
from test.node.hypervisors.kvm.guests import QEMU, an_instance

pytestmark = pytest.mark.skipif(not os.path.exists(QEMU), reason="there is no QEMU here")

TCG = {"kvm_extra": "-accel tcg,tb-size=32"}
BE = {"minmem": 32, "maxmem": 48}


class Node:
    """A node with the driver; its root is short, for sockets lie below it."""

    def __init__(self, root: str) -> None:
        self.paths = Paths(root)
        self.driver = KvmHypervisor(self.paths, Runner(), Clock(), Machine())
        self.files = GuestFiles(self.paths, "web")

    def instance(self, hv: dict[str, Any] | None = None, **attributes: Any) -> Instance:
        return an_instance({**TCG, **(hv or {})}, BE, nics=0, **attributes)

    def disk(self, disk: Disk, name: str = "disk") -> Attached:
        path = f"{self.paths.root}/{name}"
        Path(path).write_bytes(bytes(1 << 20))
        return Attached(disk, path, None)

    def start(self, instance: Instance, *, paused: bool = False) -> None:
        disks = [self.disk(d, f"disk{n}") for n, d in enumerate(instance.disks_info or ())]
        self.driver.start(instance, disks, paused=paused)

    def ask(self, command: str) -> Any:
        with Qmp(self.files.qmp) as qmp:
            return qmp.execute(command)

    def left_over(self) -> list[str]:
        found = [name for _, _, names in os.walk(self.paths.kvm_dir) for name in names]
        return sorted(found)


@pytest.fixture
def node() -> Iterator[Node]:
    with tempfile.TemporaryDirectory() as root:
        found = Node(root)
        yield found
        found.driver.kill(found.instance())


@pytest.mark.parametrize(("paused", "status"), [(False, "running"), (True, "prelaunch")])
def test_a_guest_may_start_paused(node: Node, paused: bool, status: str) -> None:
    node.start(node.instance(), paused=paused)
    assert node.ask("query-status")["status"] == status


def test_the_guest_is_pinned(node: Node) -> None:
    node.start(node.instance({"cpu_mask": "0"}))
    pid = int(Path(node.files.pid).read_text())
    assert {0} == os.sched_getaffinity(pid)


def test_what_qemu_says_is_told_and_nothing_stays(node: Node) -> None:
    instance = node.instance()
    (disk,) = instance.disks_info or ()
    missing = Attached(disk, f"{node.paths.root}/missing", None)
    with pytest.raises(HypervisorError, match=r"web: it exited with code 1\n.*missing'?: No such"):
        node.driver.start(instance, [missing], paused=False)
    assert node.left_over() == []
    assert node.driver.names() == []


def test_a_start_that_goes_wrong_half_way_is_taken_back(node: Node) -> None:
    hv = {"vnc_bind_address": "127.0.0.1", "vnc_password_file": "/nowhere/password"}
    with pytest.raises(HypervisorError, match=r"web did not come up: .*password"):
        node.start(node.instance(hv))
    assert node.left_over() == []
    assert node.driver.names() == []


def test_a_name_that_is_too_long_is_refused(node: Node) -> None:
    name = "a-very-long-name." * 6 + "example.com"
    with pytest.raises(HypervisorError, match="is too long"):
        node.start(node.instance().replace(name=name))


def test_a_running_guest_keeps_its_files(node: Node) -> None:
    node.start(node.instance())
    with pytest.raises(HypervisorError, match="web runs"):
        node.driver.clean_up("web")
    assert node.driver.names() == ["web"]


def test_what_a_dead_guest_left_is_no_hindrance(node: Node) -> None:
    node.start(node.instance())
    node.driver.kill(node.instance())
    Path(node.files.pid).write_text("1\n")
    assert node.driver.names() == []
    node.start(node.instance())
    assert node.driver.names() == ["web"]


def test_a_guest_without_acpi_is_killed(node: Node) -> None:
    instance = node.instance({"acpi": False})
    node.start(instance)
    node.driver.ask_to_stop(instance)
    assert node.driver.names() == []


def test_asking_a_guest_that_is_gone_is_no_error(node: Node) -> None:
    node.driver.ask_to_stop(node.instance())


def test_a_frozen_guest_is_still_seen(node: Node) -> None:
    """It does not answer, so it counts with all its memory."""
    node.start(node.instance())
    pid = int(Path(node.files.pid).read_text())
    os.kill(pid, 19)
    try:
        (guest,) = node.driver.guests()
    finally:
        os.kill(pid, 18)
    assert guest.memory == 48


def test_a_disk_is_plugged(node: Node) -> None:
    instance = node.instance()
    node.start(instance)
    node.driver.check_hotplug(instance)
    (disk,) = instance.disks_info or ()
    new = disk.replace(uuid="99999999-1111-2222-3333-444444444444")
    node.driver.plug_disk(instance, node.disk(new, "second"), 1)
    devices = {row["device"] or row["qdev"] for row in node.ask("query-block")}
    assert any("disk-99999999-1111-2222" in name for name in devices)
    guest = runtime.load(node.files.runtime)
    assert [dict(a.disk.hvinfo or {})["addr"] for a in guest.disks] == ["0xc", "0xd"]


def test_a_plug_that_fails_leaves_nothing(node: Node) -> None:
    """The slot is taken by a device that the runtime does not know."""
    instance = node.instance({"kvm_extra": "-accel tcg -device virtio-rng-pci,addr=0xd"})
    node.start(instance)
    (disk,) = instance.disks_info or ()
    new = disk.replace(uuid="99999999-1111-2222-3333-444444444444")
    with pytest.raises(HypervisorError, match="device_add"):
        node.driver.plug_disk(instance, node.disk(new, "second"), 1)
    names = {row.get("node-name") for row in node.ask("query-named-block-nodes")}
    assert "disk-99999999-1111-2222" not in names
    assert len(runtime.load(node.files.runtime).disks) == 1


@pytest.mark.parametrize(
    ("hv", "text"),
    [({"machine_version": "q35"}, "takes no devices"), ({}, "does not run")],
)
def test_guests_that_take_no_devices(node: Node, hv: dict[str, Any], text: str) -> None:
    instance = node.instance(hv)
    if hv:
        node.start(instance)
    with pytest.raises(HotplugError, match=text):
        node.driver.check_hotplug(instance)


def test_a_reboot_finds_its_disks_by_what_they_are(node: Node) -> None:
    """Another disk has their number since one was taken from the running guest."""
    instance = node.instance(disks=2)
    first, second = instance.disks_info or ()
    node.start(instance)
    link = links.make(node.paths, "web", 0, f"{node.paths.root}/disk1")
    guest = runtime.load(node.files.runtime)
    runtime.save(node.files.runtime, replace(guest, disks=guest.disks[1:]))
    with pytest.raises(HypervisorError, match="disks that the cluster does not know"):
        node.driver.reboot(instance.replace(disks_info=(first,)), 0)
    node.driver.reboot(instance.replace(disks_info=(second,)), 0)
    (left,) = runtime.load(node.files.runtime).disks
    assert (left.disk.uuid, left.link) == (second.uuid, link)


def test_an_unknown_device_cannot_be_unplugged(node: Node) -> None:
    instance = node.instance()
    node.start(instance)
    (disk,) = instance.disks_info or ()
    with pytest.raises(HotplugError, match="has no device 99999999"):
        node.driver.unplug_disk(instance, disk.replace(uuid="99999999-1-2-3-4"), 0)


def test_the_node_tells_its_qemu(node: Node) -> None:
    version = node.driver.node_info(node.instance().hvparams)["hv_version"]
    assert len(version) == 3
    assert version[0] >= 7


def test_a_node_without_qemu_is_described_all_the_same(node: Node) -> None:
    hv = {**node.instance().hvparams, "kvm_path": "/nowhere/qemu"}
    assert "hv_version" not in node.driver.node_info(hv)
    assert "/nowhere/qemu" in (node.driver.problem(hv) or "")
