# SPDX-License-Identifier: GPL-2.0-or-later
from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganeti.errors import HypervisorError
from ganeti.node.hypervisors.kvm import uids
from ganeti.node.hypervisors.kvm.uids import UidPool
from ganeti.node.machine import Machine
from ganeti.paths import Paths


class BusyMachine(Machine):
    """Processes run under these users."""

    def __init__(self, *busy: int) -> None:
        super().__init__()
        self._busy = busy

    def users_with_processes(self) -> set[int]:
        return set(self._busy)


def pool(tmp_path: Path, *busy: int, lines: str = "4000-4001\n") -> UidPool:
    paths = Paths(str(tmp_path))
    os.makedirs(paths.data_dir, exist_ok=True)
    Path(paths.ssconf("uid_pool")).write_text(lines)
    return UidPool(paths, BusyMachine(*busy))


def test_ranges_and_numbers() -> None:
    assert uids.expand(["10-12", "20"]) == [10, 11, 12, 20]


def test_each_guest_has_its_own(tmp_path: Path) -> None:
    users = pool(tmp_path)
    with users.one() as first, users.one() as second:
        assert (first, second) == (4000, 4001)
        with pytest.raises(HypervisorError, match="no user of the pool is free"):
            with users.one():
                pass


def test_a_user_with_processes_is_taken(tmp_path: Path) -> None:
    with pool(tmp_path, 4000).one() as user:
        assert user == 4001


def test_a_file_that_was_left_takes_nothing(tmp_path: Path) -> None:
    users = pool(tmp_path)
    for _ in range(2):
        with users.one() as user:
            assert user == 4000


def test_qemu_gets_a_name_where_there_is_one() -> None:
    assert uids.runas(0) == "root"
    assert uids.runas(123456) == "123456:123456"
