# SPDX-License-Identifier: GPL-2.0-or-later
"""What every driver must do, held against each of them; KVM with real QEMU processes, where there is one."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ganeti.errors import HypervisorError
from ganeti.model.instance import Instance
from ganeti.node.hypervisors.base import Attached, Hypervisor
from ganeti.node.hypervisors.fake import FakeHypervisor
from ganeti.node.hypervisors.kvm.driver import KvmHypervisor
from ganeti.node.machine import Machine
from ganeti.node.storage import links
from ganeti.paths import Paths
from ganeti.utils.clock import Clock
from ganeti.utils.process import Runner
from test.node.hypervisors.kvm.guests import QEMU, an_instance

TCG = {"kvm_extra": "-accel tcg,tb-size=32", "migration_bandwidth": 1024, "migration_downtime": 300}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Host:
    """A node with one driver; `path` is short, for sockets lie below it."""

    driver: Hypervisor
    path: str


@dataclass
class World:
    """Two nodes that reach the same disk, and an instance."""

    here: Host
    there: Host
    instance: Instance
    disk: str

    def open_disk(self, host: Host) -> list[Attached]:
        link = links.make(Paths(host.path), self.instance.name, 0, self.disk)
        return [Attached(disk, link, None) for disk in self.instance.disks_info or ()]

    def start(self) -> None:
        disks = self.open_disk(self.here)
        self.here.driver.start(self.instance, disks, paused=False)

    def migrate(self, *, live: bool) -> None:
        """All steps of the master."""
        source, target = self.here.driver, self.there.driver
        info = self.told(source.migration_info(self.instance))
        self.open_disk(self.there)
        target.accept(self.instance, info, "127.0.0.1")
        source.migrate(self.instance, "127.0.0.1", live=live)
        while (status := source.migration_status(self.instance).status) == "active":
            os.sched_yield()
        assert status == "completed"
        source.finish_on_source(self.instance, success=True)
        target.finish_on_target(self.instance, info, success=True)

    def told(self, info: str) -> str:
        """Both nodes are this machine: the target has its files elsewhere."""
        return info.replace(f"{self.here.path}/", f"{self.there.path}/")


@pytest.fixture(params=[FakeHypervisor, KvmHypervisor], ids=lambda make: make.NAME)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    make: Callable[..., Hypervisor] = request.param
    if make is KvmHypervisor and not os.path.exists(QEMU):
        pytest.skip("there is no QEMU here")
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(1 << 20))
    with tempfile.TemporaryDirectory() as base:
        here, there = (
            Host(make(Paths(path), Runner(), Clock(), Machine()), path)
            for path in (f"{base}/a", f"{base}/b")
        )
        hv = {**TCG, "migration_port": free_port()} if make is KvmHypervisor else {}
        instance = an_instance(
            hv, {"minmem": 32, "maxmem": 48, "vcpus": 2}, hypervisor=request.param.NAME, nics=0
        )
        yield World(here, there, instance, str(disk))
        for host in (here, there):
            host.driver.kill(instance)


def test_a_guest_lives_and_dies(world: World) -> None:
    driver = world.here.driver
    assert driver.names() == []
    assert driver.guest("web") is None
    world.start()
    assert driver.names() == ["web"]
    (guest,) = driver.guests()
    assert (guest.name, guest.memory, guest.vcpus) == ("web", 48, 2)
    assert guest.info()["state"] == 0
    driver.kill(world.instance)
    assert driver.guest("web") is None
    driver.clean_up("web")
    driver.clean_up("web")
    assert driver.guests() == []


def test_a_guest_outlives_its_daemon(world: World) -> None:
    """A new driver finds what an old one has started, and can end it."""
    world.start()
    old = world.here.driver
    new = type(old)(Paths(world.here.path), Runner(), Clock(), Machine())
    assert new.names() == ["web"]
    new.shut_down(world.instance, 0)
    assert old.names() == []


def test_a_guest_starts_again(world: World) -> None:
    for _ in range(2):
        world.start()
        world.here.driver.shut_down(world.instance, 0)
    assert world.here.driver.names() == []


def test_a_reboot_keeps_it_running(world: World) -> None:
    world.start()
    world.here.driver.reboot(world.instance, 0)
    assert world.here.driver.names() == ["web"]


def test_memory_can_shrink(world: World) -> None:
    world.start()
    world.here.driver.balloon(world.instance, 40)
    assert world.here.driver.names() == ["web"]


@pytest.mark.parametrize("live", [True, False])
def test_a_guest_migrates(world: World, live: bool) -> None:
    world.start()
    world.migrate(live=live)
    assert world.here.driver.names() == []
    assert world.there.driver.names() == ["web"]
    assert [guest.memory for guest in world.there.driver.guests()] == [48]


def test_a_migration_that_is_given_up_leaves_the_guest_where_it_was(world: World) -> None:
    """It stops before its last step, which an empty guest would have taken by then."""
    waiting = {"migration_caps": "pause-before-switchover"}
    world.instance = world.instance.replace(hvparams={**world.instance.hvparams, **waiting})
    world.start()
    source, target = world.here.driver, world.there.driver
    info = world.told(source.migration_info(world.instance))
    world.open_disk(world.there)
    target.accept(world.instance, info, "127.0.0.1")
    source.migrate(world.instance, "127.0.0.1", live=True)
    target.finish_on_target(world.instance, None, success=False)
    source.finish_on_source(world.instance, success=False)
    assert source.names() == ["web"]
    assert target.names() == []


def test_the_node_is_described(world: World) -> None:
    hv = world.instance.hvparams
    info = world.here.driver.node_info(hv)
    assert 0 < info["memory_free"] < info["memory_total"]
    assert info["cpu_total"] >= 1
    assert (info["cpu_nodes"], info["cpu_sockets"]) == (1, 1)
    assert world.here.driver.problem(hv) is None
    world.here.driver.validate(hv)


def test_parameters_that_make_no_sense_are_refused(world: World) -> None:
    hv = {**world.instance.hvparams, "migration_mode": "by-carrier-pigeon"}
    with pytest.raises(HypervisorError, match="migration_mode"):
        world.here.driver.validate(hv)
