# SPDX-License-Identifier: GPL-2.0-or-later
"""The start of QEMU: what is there before it, and that nothing stays if it fails."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from ganeti.errors import HypervisorError
from ganeti.node.hypervisors.kvm import command, display, runtime
from ganeti.node.hypervisors.kvm.devices import Board
from ganeti.node.hypervisors.kvm.launch import Launcher, Start
from ganeti.node.hypervisors.kvm.network import Tap, Taps, TapWish
from ganeti.node.hypervisors.kvm.places import GuestFiles
from ganeti.node.hypervisors.kvm.runtime import Runtime
from ganeti.node.machine import Machine
from ganeti.paths import Paths
from ganeti.utils.process import Runner
from test.node.hypervisors.kvm.guests import QEMU, QEMU_7_2, an_instance, attached
from test.support.runner import Call, FakeRunner


class FakeTaps(Taps):
    """Descriptors of ordinary files; which are still open can be told."""

    def __init__(self) -> None:
        self.fds: list[int] = []

    def open(self, wish: TapWish) -> Tap:
        fds = tuple(os.open(os.devnull, os.O_RDONLY) for _ in range(wish.queues))
        self.fds += fds
        return Tap(f"tap{len(self.fds) - 1}", fds)

    def are_closed(self) -> bool:
        return not any(os.path.exists(f"/proc/self/fd/{fd}") for fd in self.fds)


class Node:
    """A node with a launcher; `files` are those of the guest ``web``."""

    def __init__(self, root: Path) -> None:
        self.paths = Paths(str(root))
        self.files = GuestFiles(self.paths, "web")
        self.runner, self.taps = FakeRunner(), FakeTaps()
        self.runner.on(self.paths.kvm_ifup)
        self.runner.on(QEMU)
        self.launcher = Launcher(self.paths, self.runner, Machine(), self.taps)

    def start(
        self,
        hv: dict[str, Any] | None = None,
        *,
        incoming: tuple[str, int] | None = None,
        mode: str = "bridged",
        nics: int = 1,
    ) -> Start:
        instance = an_instance(hv, nics=nics)
        params = {"mode": mode, "link": "br0", "vlan": ""}
        instance = instance.replace(nics=[nic.replace(nicparams=params) for nic in instance.nics])
        board = Board(instance.hvparams, "pci.0")
        site = command.Site(self.files, display.Site("", "", ""))
        guest = Runtime(
            command.base_command(instance, QEMU_7_2, site),
            [board.place_nic(nic) for nic in instance.nics],
            instance.hvparams,
            [a._replace(disk=board.place_disk(a.disk)) for a in attached(instance)],
        )
        return Start(instance, guest, QEMU_7_2, incoming)

    def left_over(self) -> list[str]:
        """Files of the guest that are there."""
        return [
            os.path.relpath(os.path.join(directory, name), self.paths.run_dir)
            for directory, _, names in os.walk(self.paths.run_dir)
            for name in names
        ]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def qemu_call(node: Node) -> Call:
    return next(call for call in node.runner.calls if QEMU in call.argv)


def test_qemu_inherits_the_taps(node: Node) -> None:
    node.launcher.launch(node.start(nics=2))
    call = qemu_call(node)
    assert call.pass_fds == tuple(node.taps.fds)
    assert f"type=tap,id=nic-00000000-0000-4000,fd={node.taps.fds[0]}" in call.argv
    assert node.taps.are_closed()
    assert Path(node.files.nic(1)).read_text() == "tap1"


def test_what_the_guest_is_can_be_read_before_it_runs(node: Node) -> None:
    start = node.start()
    seen: list[Runtime] = []
    node.runner.on(QEMU, do=lambda call: seen.append(runtime.load(node.files.runtime)))
    node.launcher.launch(start)
    assert seen == [start.guest]


def test_nothing_stays_if_qemu_fails(node: Node) -> None:
    said = "qemu: could not open disk image"
    node.runner.on(QEMU, returncode=1, stderr=said)
    with pytest.raises(HypervisorError, match=f"did not start instance web: .*code 1\n{said}"):
        node.launcher.launch(node.start())
    assert node.left_over() == []
    assert node.taps.are_closed()


def test_a_qemu_that_has_detached_and_hangs_is_ended(node: Node) -> None:
    """Its starter was killed when the time was over; without its files nobody would find it."""
    found: list[int] = []

    def detach(_call: Call) -> None:
        code = "import signal; signal.pause()"
        found.append(Runner().start_detached([sys.executable, "-S", "-c", code, "-name", "web"]))
        while not Machine().command_line(found[0]):
            continue  # for a moment a new program has none
        Path(node.files.pid).write_text(f"{found[0]}\n")

    node.runner.on(QEMU, returncode=-9, timed_out=True, do=detach)
    with pytest.raises(HypervisorError, match="ran out of time"):
        node.launcher.launch(node.start())
    assert Machine().command_line(found[0]) == []
    assert node.left_over() == []


def test_nothing_stays_if_the_network_fails(node: Node) -> None:
    node.runner.on(node.paths.kvm_ifup, returncode=1, stderr="no bridge")
    with pytest.raises(HypervisorError, match="no bridge"):
        node.launcher.launch(node.start())
    assert node.left_over() == []
    assert node.taps.are_closed()
    assert not any(QEMU in call.argv for call in node.runner.calls)


def test_with_systemd_a_guest_has_its_own_scope(node: Node) -> None:
    os.makedirs(f"{node.paths.root}/run/systemd/system")
    node.runner.on("systemd-run")
    node.launcher.launch(node.start())
    argv = qemu_call(node).argv
    assert argv[: argv.index("--")] == (
        "systemd-run",
        "--scope",
        "--quiet",
        "--collect",
        "--slice=ganeti.slice",
        "--description=Ganeti instance web",
    )
    assert argv[argv.index("--") + 1] == QEMU


def test_a_routed_interface_is_connected_when_its_guest_is_here(node: Node) -> None:
    start = node.start(incoming=("10.1.0.2", 8102), mode="routed")
    node.launcher.launch(start)
    assert [call.argv[0] for call in node.runner.calls] == [QEMU]
    node.launcher.connect_late(start.instance, start.guest, node.files)
    last = node.runner.calls[-1]
    assert (last.argv[0], (last.env or {})["INTERFACE"]) == (node.paths.kvm_ifup, "tap0")


def test_a_bridged_interface_is_connected_at_once(node: Node) -> None:
    start = node.start(incoming=("10.1.0.2", 8102))
    node.launcher.launch(start)
    assert node.runner.calls[0].argv == (node.paths.kvm_ifup,)
    count = len(node.runner.calls)
    node.launcher.connect_late(start.instance, start.guest, node.files)
    assert len(node.runner.calls) == count


def test_a_chroot_is_made(node: Node) -> None:
    node.launcher.launch(node.start({"use_chroot": True}))
    assert os.path.isdir(node.files.chroot)
    argv = qemu_call(node).argv
    assert argv[argv.index("-chroot") + 1] == node.files.chroot


def test_a_user_of_the_pool_runs_the_guest(node: Node) -> None:
    os.makedirs(node.paths.data_dir)
    Path(node.paths.ssconf("uid_pool")).write_text("123456\n")
    node.launcher.launch(node.start({"security_model": "pool"}))
    argv = qemu_call(node).argv
    assert argv[argv.index("-runas") + 1] == "123456:123456"
    assert Path(node.files.uid).read_text() == "123456"


def test_the_domain_names_the_user(node: Node) -> None:
    node.launcher.launch(node.start({"security_model": "user", "security_domain": "nobody"}))
    argv = qemu_call(node).argv
    assert argv[argv.index("-runas") + 1] == "nobody"
