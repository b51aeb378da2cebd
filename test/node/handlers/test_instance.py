# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls about instances, with the fake hypervisor."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import simplejson

from ganeti.errors import BlockDeviceError, HotplugError, HypervisorError
from ganeti.model.instance import Instance
from ganeti.node.handlers.instance import InstanceHandlers
from test.support.cluster import a_cluster
from test.support.node_host import NodeHost

REASON = [("gnt:client", "because", 1)]


class World:
    """An instance with a disk on this node."""

    def __init__(self, node: NodeHost) -> None:
        self.node = node
        self.calls = InstanceHandlers(node.host)
        directory = node.root / "disks"
        directory.mkdir()
        node.allow_files(str(directory))
        self.disk = directory / "web" / "disk0"
        self.disk.parent.mkdir()
        self.disk.write_bytes(bytes(4096))
        self.instance = self._instance()

    def _instance(self) -> Instance:
        builder = a_cluster().with_instance("web", template="sharedfile", hypervisor="fake")
        cfg = builder.build()
        found = cfg.for_node(cfg.instance("web"), beparams={"maxmem": 300, "vcpus": 2})
        (disk,) = found.disks_info or ()
        return found.replace(disks_info=[disk.replace(logical_id=("loop", str(self.disk)))])

    def start(self) -> None:
        self.calls.instance_start(self.instance, False, REASON)

    def running(self) -> list[str]:
        return self.calls.instance_list(["fake"], {})

    def links(self) -> list[str]:
        directory = Path(self.node.paths.disk_links_dir)
        return sorted(os.listdir(directory)) if directory.exists() else []

    def trail(self) -> list[Any]:
        text = Path(self.node.paths.instance_reason_dir, "web").read_text()
        return list(simplejson.loads(text))


@pytest.fixture
def world(node: NodeHost) -> World:
    return World(node)


def test_a_start(world: World) -> None:
    world.start()
    assert world.running() == ["web"]
    assert world.links() == ["web:0"]
    info = {"memory": 300, "vcpus": 2, "state": 0, "time": 0}
    assert world.calls.instance_info("web", "fake", {}) == info
    assert world.calls.all_instances_info(["fake"], {}) == {"web": info}


def test_a_start_leaves_word_why(world: World) -> None:
    world.start()
    now = int(world.node.clock.now() * 1e9)
    assert world.trail() == [["gnt:client", "because", 1], ["gnt:daemon:noded:start", "", now]]


def test_what_runs_is_started_already(world: World) -> None:
    world.start()
    world.node.clock.pass_time(5)
    before = world.trail()
    world.start()
    assert world.running() == ["web"]
    assert world.trail() == before


def test_a_start_without_its_disk_leaves_nothing(world: World) -> None:
    world.disk.unlink()
    with pytest.raises(BlockDeviceError, match="does not exist"):
        world.start()
    assert world.running() == []
    assert world.links() == []


def test_a_start_that_the_hypervisor_refuses_leaves_nothing(world: World) -> None:
    Path(world.node.paths.fake_dir).touch()
    with pytest.raises(OSError):
        world.start()
    assert world.links() == []


def test_a_shutdown(world: World) -> None:
    world.start()
    world.calls.instance_shutdown(world.instance, 120, REASON)
    assert world.running() == []
    assert world.links() == []
    assert world.trail()[-1][0] == "gnt:daemon:noded:shutdown"
    assert world.calls.instance_info("web", "fake", {}) == {}


def test_what_is_done_is_done_although_its_reason_cannot_be_kept(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    Path(world.node.paths.instance_reason_dir).write_text("in the way")
    world.start()
    assert world.running() == ["web"]
    assert world.links() == ["web:0"]
    assert "the reason of the start of web cannot be kept" in caplog.text
    world.calls.instance_shutdown(world.instance, 120, REASON)
    assert world.links() == []


def test_what_does_not_run_is_shut_down_already(world: World) -> None:
    world.calls.instance_shutdown(world.instance, 120, REASON)
    assert not os.path.exists(world.node.paths.instance_reason_dir)


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_a_reboot(world: World, kind: str) -> None:
    world.start()
    world.calls.instance_reboot(world.instance, kind, 120, REASON)
    assert world.running() == ["web"]
    assert world.links() == ["web:0"]
    assert world.trail()[-1][0] == "gnt:daemon:noded:reboot"


def test_reboots_that_make_no_sense(world: World) -> None:
    with pytest.raises(HypervisorError, match="web does not run on this node"):
        world.calls.instance_reboot(world.instance, "soft", 120, REASON)
    world.start()
    with pytest.raises(HypervisorError, match="unknown kind of reboot"):
        world.calls.instance_reboot(world.instance, "full", 120, REASON)


def test_memory(world: World) -> None:
    with pytest.raises(HypervisorError, match="does not run"):
        world.calls.instance_balloon_memory(world.instance, 200)
    world.start()
    world.calls.instance_balloon_memory(world.instance, 200)
    assert world.calls.instance_info("web", "fake", {})["memory"] == 200


def test_what_can_be_migrated(world: World) -> None:
    with pytest.raises(HypervisorError, match="does not run"):
        world.calls.instance_migratable(world.instance)
    world.start()
    world.calls.instance_migratable(world.instance)
    os.unlink(f"{world.node.paths.disk_links_dir}/web:0")
    with pytest.raises(BlockDeviceError, match="web:0 is missing"):
        world.calls.instance_migratable(world.instance)


def test_a_migration_as_the_source_sees_it(world: World) -> None:
    world.start()
    calls, instance = world.calls, world.instance
    assert calls.migration_info(instance) == ""
    calls.instance_migrate("cluster", instance, "10.0.0.2", True)
    assert calls.instance_get_migration_status(instance) == {
        "status": "completed",
        "transferred_ram": None,
        "total_ram": None,
        "postcopy_status": None,
    }
    calls.instance_finalize_migration_src(instance, True, True)
    assert world.running() == []


@pytest.mark.parametrize("success", [True, False])
def test_a_migration_as_the_target_sees_it(world: World, success: bool) -> None:
    world.calls.accept_instance(world.instance, "", "10.0.0.2")
    world.calls.instance_finalize_migration_dst(world.instance, "", success)
    assert world.running() == (["web"] if success else [])


def test_unknown_hypervisors_are_named(world: World) -> None:
    for ask in (
        lambda: world.calls.instance_list(["xen-pvm"], {}),
        lambda: world.calls.instance_info("web", "xen-pvm", {}),
        lambda: world.calls.hypervisor_validate_params("xen-pvm", {}),
        lambda: world.calls.instance_start(
            world.instance.replace(hypervisor="xen-pvm"), False, REASON
        ),
    ):
        with pytest.raises(HypervisorError, match="'xen-pvm' cannot be used"):
            ask()


def test_parameters_are_validated(world: World) -> None:
    world.calls.hypervisor_validate_params("fake", {"migration_mode": "live"})
    with pytest.raises(HypervisorError, match="migration_mode"):
        world.calls.hypervisor_validate_params("fake", {"migration_mode": "dead"})


def test_devices_of_running_guests(world: World) -> None:
    """The fake hypervisor cannot change them, but what is asked for must make sense."""
    instance = world.instance
    (disk,) = instance.disks_info or ()
    known: list[tuple[str, str, Any]] = [
        ("hotadd", "disk", disk),
        ("hotremove", "disk", disk),
        ("hotadd", "nic", instance.nics[0]),
        ("hotremove", "nic", instance.nics[0]),
        ("hotmod", "nic", instance.nics[0]),
    ]
    for action, kind, device in known:
        with pytest.raises(HypervisorError, match="fake cannot change devices"):
            world.calls.hotplug_device(instance, action, kind, device, None, 0)
    assert world.calls.hotplug_device(instance, "hotmod", "disk", disk, None, 0) is None
    with pytest.raises(HotplugError, match="'add' of a device 'disk' is unknown"):
        world.calls.hotplug_device(instance, "add", "disk", disk, None, 0)
    with pytest.raises(HypervisorError, match="cannot change devices"):
        world.calls.hotplug_supported(instance)
