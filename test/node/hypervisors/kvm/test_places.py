# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganeti.errors import HypervisorError
from ganeti.node.hypervisors.kvm import places
from ganeti.node.hypervisors.kvm.places import GuestFiles
from ganeti.paths import Paths


@pytest.fixture
def files(tmp_path: Path) -> GuestFiles:
    found = GuestFiles(Paths(str(tmp_path)), "web")
    found.ensure_directories()
    return found


def test_places() -> None:
    files = GuestFiles(Paths(), "web")
    assert files.pid == "/run/ganeti/kvm-hypervisor/pid/web"
    assert files.qmp == "/run/ganeti/kvm-hypervisor/ctrl/web.qmp"
    assert files.events == "/run/ganeti/kvm-hypervisor/ctrl/web.kvmd"
    assert files.runtime == "/run/ganeti/kvm-hypervisor/conf/web.runtime"
    assert files.nic(1) == "/run/ganeti/kvm-hypervisor/nic/web/1"
    assert files.log == "/var/log/ganeti/kvm/web.log"


def test_others_may_look(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        files = GuestFiles(Paths(str(tmp_path)), "web")
        files.ensure_directories()
    finally:
        os.umask(before)
    for path, mode in ((files.monitor, 0o775), (files.runtime, 0o775), (files.log, 0o750)):
        assert os.stat(os.path.dirname(path)).st_mode & 0o777 == mode


def test_all_is_removed_but_the_log(files: GuestFiles, tmp_path: Path) -> None:
    for path in (files.pid, files.uid, files.runtime, files.qmp, files.serial, files.log):
        Path(path).touch()
    files.note_tap(0, "tap0")
    os.mkdir(files.chroot)
    for _ in range(2):
        files.remove()
    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert left == ["web.log"]
    assert not os.path.exists(files.chroot)


def test_a_chroot_with_something_in_it_is_kept_aside(files: GuestFiles) -> None:
    for number in range(2):
        os.mkdir(files.chroot)
        Path(files.chroot, "core").write_text(str(number))
        files.remove()
    kept = Path(files.chroot).parents[1] / "chroot-quarantine"
    assert sorted(path.name for path in kept.iterdir()) == ["web-0", "web-1"]


def test_taps_move_up_when_one_goes(files: GuestFiles) -> None:
    for number in range(3):
        files.note_tap(number, f"tap{number}")
    files.forget_tap(1, 3)
    assert sorted(os.listdir(files.nics)) == ["0", "1"]
    assert [Path(files.nic(n)).read_text() for n in (0, 1)] == ["tap0", "tap2"]


def test_names_with_a_pid_file(files: GuestFiles, tmp_path: Path) -> None:
    Path(files.pid).touch()
    assert places.names(Paths(str(tmp_path))) == ["web"]
    assert places.names(Paths("/nowhere")) == []


def test_a_long_name_is_refused() -> None:
    GuestFiles(Paths(), "web.example.com").check_lengths()
    with pytest.raises(HypervisorError, match="too long: the path of its sockets"):
        GuestFiles(Paths(), "x" * 80).check_lengths()


def test_the_end_of_the_log(files: GuestFiles) -> None:
    assert files.log_end() == ""
    Path(files.log).write_text("".join(f"line {n}\n" for n in range(100)))
    assert files.log_end().splitlines() == ["", *(f"line {n}" for n in range(80, 100))]
    files.remove_log()
    assert files.log_end() == ""
