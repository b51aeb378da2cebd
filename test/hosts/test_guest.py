# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest by itself: plain QEMU in hosts without the product."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from test.lab import accel, guest_build, launch, layer, network, programs
from test.lab.guests import Guest
from test.lab.hosts import Host
from test.lab.lab import Lab

SHARED = "/srv/ganeti/shared-file-storage"
ADDRESS = network.GUESTS[0].primary
MIGRATION_PORT = 8102


class Machine:
    """One QEMU in one host, with its sockets in the shared directory."""

    def __init__(self, lab: Lab, host: Host, name: str, *more: str) -> None:
        self.host = host
        self._directory = lab.place.shared / name
        self._tag = f"{name}-{host.name}"
        host.run(["ip", "tuntap", "add", f"tap-{name}", "mode", "tap"])
        host.run(["ip", "link", "set", f"tap-{name}", "master", network.GUEST_BRIDGE, "up"])
        launch.launch(
            host.place.cgroup,
            host.place.console,
            host.command([*self._command(name), *more]),
        )

    def _command(self, name: str) -> list[str]:
        inside = f"{SHARED}/{name}"
        kernel = ["-kernel", layer.GUEST_KERNEL, "-initrd", layer.GUEST_INITRD]
        words = f"console=ttyS0 {guest_build.KERNEL_ARGS}"
        drive = f"file={inside}/disk,format=raw,if=none,id=d0,cache=none"
        net = f"tap,id=n0,ifname=tap-{name},script=no,downscript=no"
        return [
            *[accel.QEMU, "-name", name, "-M", "pc", "-accel", "tcg,tb-size=32", "-m", "128"],
            *["-nodefaults", "-no-user-config", "-display", "none", *kernel, "-append", words],
            *["-serial", f"file:/srv/ganeti/shared-file-storage/{self._tag}.serial"],
            *["-qmp", f"unix:{SHARED}/{self._tag}.qmp,server=on,wait=off"],
            *["-drive", drive, "-device", "virtio-blk-pci,drive=d0"],
            *["-netdev", net, "-device", "virtio-net-pci,netdev=n0,romfile="],
        ]

    def serial(self) -> str:
        path = self._directory.with_name(f"{self._tag}.serial")
        return path.read_text(errors="replace") if path.exists() else ""

    def qmp(self, command: str, **arguments: Any) -> Any:
        """One command over a connection of its own."""
        path = str(self._directory.with_name(f"{self._tag}.qmp"))
        with socket.socket(socket.AF_UNIX) as link:
            programs.wait_until(lambda: link.connect_ex(path) == 0, 10, f"{self._tag} answers")
            stream = link.makefile("rw")
            stream.readline()
            for request in (
                {"execute": "qmp_capabilities"},
                {"execute": command, "arguments": arguments},
            ):
                answer = _ask(stream, request)
            return answer


def _ask(stream: Any, request: dict[str, Any]) -> Any:
    stream.write(json.dumps(request) + "\n")
    stream.flush()
    while True:
        answer = json.loads(stream.readline())
        if "error" in answer:
            raise AssertionError(answer["error"])
        if "return" in answer:
            return answer["return"]


def make_disk(lab: Lab, name: str, **parameters: str) -> None:
    """What a node does for a new instance: a disk, and the OS definition's `create`."""
    directory = lab.place.shared / name
    directory.mkdir()
    with (directory / "disk").open("wb") as disk:
        disk.truncate(1 << 30)
    env = {"PATH": programs.PATH, "INSTANCE_NAME": f"{name}.lab", "DISK_COUNT": "1"}
    env |= {"DISK_0_PATH": str(directory / "disk"), "OSP_HEARTBEAT": "0.1", **parameters}
    subprocess.run(
        ["./create"], cwd=layer.OS_SOURCES, env=env, check=True, stdout=subprocess.DEVNULL
    )


Boot = Callable[..., tuple[Machine, Guest]]


@pytest.fixture
def boot(bare_lab: Lab) -> Boot:
    """Start a guest on the first host and wait until it counts."""

    def start(name: str, **parameters: str) -> tuple[Machine, Guest]:
        make_disk(bare_lab, name, **parameters)
        machine = Machine(bare_lab, bare_lab.hosts[0], name)
        guest = Guest(bare_lab, name)
        guest.wait_counting()
        return machine, guest

    return start


def ended(guest: Guest) -> bool:
    return guest.hosts() == []


def test_a_guest_asks_for_a_login_answers_and_heeds_the_power_button(
    boot: Boot, bare_lab: Lab
) -> None:
    machine, guest = boot("plain", NIC_0_IP=ADDRESS)
    programs.wait_until(lambda: "plain.lab login:" in machine.serial(), 30, "a login")
    assert bare_lab.hosts[1].outcome(["arping", "-c1", "-w9", "-I", "gbr", ADDRESS]).returncode == 0
    assert guest.hosts() == ["node1"]
    machine.qmp("system_powerdown")
    programs.wait_until(lambda: ended(guest), 20, "the guest is off")
    last = guest.counter()
    assert last is not None
    assert (last.boot, last.state) == (1, "halted")


def test_a_second_start_is_counted(boot: Boot) -> None:
    machine, guest = boot("again")
    machine.qmp("system_reset")
    assert guest.wait(lambda now: now.boot == 2, "starts again").tick < 100
    machine.qmp("quit")
    programs.wait_until(lambda: ended(guest), 20, "the guest is off")


def test_the_stubborn_variant_ignores_the_power_button(boot: Boot) -> None:
    machine, guest = boot("stubborn", OS_VARIANT="stubborn")
    programs.wait_until(lambda: "login:" in machine.serial(), 30, "a login")
    machine.qmp("system_powerdown")
    before = guest.wait_counting()
    assert guest.wait(lambda now: now.tick > before.tick + 10, "counts on").boot == 1
    machine.qmp("quit")
    programs.wait_until(lambda: ended(guest), 20, "the guest is off")


def test_a_live_migration_does_not_disturb_the_count(boot: Boot, bare_lab: Lab) -> None:
    source, guest = boot("mover", NIC_0_IP=ADDRESS)
    there = bare_lab.hosts[1]
    incoming = ["-incoming", f"tcp:{there.address.secondary}:{MIGRATION_PORT}"]
    target = Machine(bare_lab, there, "mover", *incoming)
    programs.wait_until(
        lambda: target.qmp("query-status")["status"] == "inmigrate", 20, "the target listens"
    )
    before = guest.wait_counting()
    source.qmp("migrate", uri=f"tcp:{there.address.secondary}:{MIGRATION_PORT}")
    programs.wait_until(lambda: target.qmp("query-status")["running"], 30, "the guest has moved")
    source.qmp("quit")
    after = guest.wait(lambda now: now.tick > before.tick + 5, "counts on")
    programs.wait_until(lambda: guest.hosts() == ["node2"], 10, "the source is gone")
    assert after.boot == before.boot
    assert bare_lab.hosts[2].outcome(["arping", "-c1", "-w9", "-I", "gbr", ADDRESS]).returncode == 0
    target.qmp("quit")


def test_a_killed_host_takes_its_guest_along(boot: Boot, bare_lab: Lab) -> None:
    machine, guest = boot("victim")
    processes = guest.processes(machine.host)
    bare_lab.hosts[0].power_cut()
    assert guest.hosts() == []
    assert not any(Path(f"/proc/{pid}/ns/net").exists() for pid in processes)
    bare_lab.hosts[0].power_on()
    bare_lab.hosts[0].wait_up()
    assert os.path.exists(bare_lab.place.shared / "victim/disk")
