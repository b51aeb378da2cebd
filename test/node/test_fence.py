# SPDX-License-Identifier: GPL-2.0-or-later
"""The fence against deposed masters, also across power cuts."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from ganeti.contracts.node.sender import Sender, read_epoch
from ganeti.errors import ConfigurationError
from ganeti.node.fence import Fence, Superseded
from ganeti.utils.files import Disk, Write
from test.support.crash_disk import CrashDisk, Sabotage


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "master-epoch")


def passes(fence: Fence, name: str, epoch: int) -> bool:
    try:
        fence.admit(Sender(name, epoch))
    except Superseded:
        return False
    return True


def test_without_a_file_the_epoch_is_0(path: str) -> None:
    fence = Fence(path, Disk())
    assert fence.epoch == 0
    assert passes(fence, "n1", 0)
    assert not Path(path).exists()


def test_a_newer_master_replaces_an_older_one(path: str) -> None:
    fence = Fence(path, Disk())
    assert passes(fence, "n1", 3)
    assert passes(fence, "n2", 5)
    assert not passes(fence, "n1", 3)
    assert not passes(fence, "n1", 4)
    assert passes(fence, "n2", 5)
    assert Path(path).read_text() == "5\n"


def test_it_is_remembered_across_a_restart(path: str) -> None:
    passes(Fence(path, Disk()), "n2", 5)
    for deposed, epoch in (("n1", 4), ("n1", 5)):
        assert not passes(Fence(path, Disk()), deposed, epoch)
    assert passes(Fence(path, Disk()), "n2", 5)
    assert Fence(path, Disk()).epoch == 5


@pytest.mark.parametrize("damage", ["", "n2", "n2 4\n", "n2 five\n"])
def test_whose_epoch_it_is_may_be_unknown(path: str, damage: str) -> None:
    """Written by hand, or left from an earlier epoch: then the first that calls has it."""
    passes(Fence(path, Disk()), "n2", 5)
    Path(f"{path}.holder").write_text(damage)
    fence = Fence(path, Disk())
    assert not passes(fence, "n1", 4)
    assert passes(fence, "n1", 5)
    assert not passes(fence, "n2", 5)


def test_of_two_masters_with_one_epoch_the_first_is_obeyed(path: str) -> None:
    fence = Fence(path, Disk())
    assert passes(fence, "n1", 5)
    assert not passes(fence, "n2", 5)
    assert passes(fence, "n1", 5)
    assert passes(fence, "n2", 6)


def test_a_caller_without_a_name_takes_nobodys_place(path: str) -> None:
    fence = Fence(path, Disk())
    assert passes(fence, "n1", 0)
    assert passes(fence, "", 0)
    assert not passes(fence, "n2", 0)
    assert passes(fence, "n1", 1)
    assert not passes(fence, "", 0)


def test_a_disk_that_refuses_lets_nobody_pass(tmp_path: Path) -> None:
    fence = Fence(str(tmp_path / "missing" / "master-epoch"), Disk())
    for _ in range(2):
        with pytest.raises(OSError):
            fence.admit(Sender("n1", 1))
    assert fence.epoch == 0


def test_what_only_passes_needs_no_disk_and_is_not_remembered(tmp_path: Path) -> None:
    fence = Fence(str(tmp_path / "missing" / "master-epoch"), Disk())
    fence.check(Sender("n2", 7))
    assert fence.epoch == 0
    assert passes(fence, "n1", 0)


def test_what_only_passes_is_held_against_what_is_remembered(path: str) -> None:
    fence = Fence(path, Disk())
    assert passes(fence, "n2", 5)
    for deposed in (Sender("n1", 4), Sender("n1", 5), Sender("", 0)):
        with pytest.raises(Superseded, match="obeys n2 of epoch 5"):
            fence.check(deposed)


class HangingDisk(Disk):
    """Holds up a write until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.let_go = threading.Event(), threading.Event()

    def write_many(self, items: Iterable[Write]) -> None:
        self.entered.set()
        assert self.let_go.wait(10)
        super().write_many(items)


def test_what_only_passes_does_not_wait_for_a_disk_that_hangs(path: str) -> None:
    disk = HangingDisk()
    fence = Fence(path, disk)
    admitting = threading.Thread(target=fence.admit, args=(Sender("n2", 6),))
    admitting.start()
    assert disk.entered.wait(10)
    fence.check(Sender("n2", 6))
    disk.let_go.set()
    admitting.join(10)
    assert fence.epoch == 6


def test_a_damaged_file_is_named(path: str) -> None:
    Path(path).write_text("five")
    with pytest.raises(ConfigurationError, match="master-epoch does not hold a number"):
        Fence(path, Disk())


def forgotten(tmp_path: Path, sabotage: Sabotage | None) -> int:
    """In how many outcomes of power cuts the node would obey a master it had left."""
    root, after = tmp_path / "disk", tmp_path / "after"
    root.mkdir()
    disk = CrashDisk(root, sabotage)
    fence = Fence(str(root / "master-epoch"), disk)
    for epoch in (1, 4):
        fence.admit(Sender("n", epoch))
        disk.mark("answered", epoch)
    count = 0
    for cut in disk.cuts():
        cut.restore(after)
        known = read_epoch(str(after / "master-epoch"))
        count += any(isinstance(e, int) and known < e for e in cut.marked("answered"))
    return count


def test_no_power_cut_makes_it_forget(tmp_path: Path) -> None:
    assert forgotten(tmp_path, None) == 0


@pytest.mark.parametrize(
    "sabotage",
    [Sabotage.NO_FSYNC, Sabotage.SKIP_DIRECTORY_FSYNC, Sabotage.ANSWER_BEFORE_WRITE],
)
def test_the_test_for_power_cuts_can_fail(tmp_path: Path, sabotage: Sabotage) -> None:
    with contextlib.suppress(ConfigurationError):  # an empty file was found: noticed too
        assert forgotten(tmp_path, sabotage) > 0


@pytest.mark.parametrize(
    ("epoch", "by_obey", "is_missed"),
    [(4, True, False), (5, True, True), (4, False, True), (3, True, False), (3, False, False)],
)
def test_a_new_master_that_did_not_ask_is_noticed(
    path: str, epoch: int, by_obey: bool, is_missed: bool
) -> None:
    """Whoever takes the next epoch by `obey` has asked; if one was left out, somebody else had."""
    Path(path).write_text("3\n")
    missed: list[tuple[Sender, str]] = []
    fence = Fence(path, Disk())
    fence.when_missed = lambda sender: missed.append((sender, Path(path).read_text()))
    (fence.obey if by_obey else fence.admit)(Sender("n2", epoch))
    assert missed == ([(Sender("n2", epoch), "3\n")] if is_missed else [])
    assert Path(path).read_text() == f"{epoch}\n"


def test_a_master_is_not_obeyed_before_what_it_missed_is_done(path: str) -> None:
    def fail(_: Sender) -> None:
        raise OSError(28, "no space left on device")

    fence = Fence(path, Disk())
    fence.when_missed = fail
    with pytest.raises(OSError, match="no space"):
        fence.admit(Sender("n2", 1))
    assert (fence.epoch, Path(path).exists()) == (0, False)
