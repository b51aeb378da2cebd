# SPDX-License-Identifier: GPL-2.0-or-later
"""A file is changed, replaced, removed; its directory, too; and inotify fails."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ganeti.utils.file_watch import FileWatch, Watch
from ganeti.utils.files import Disk
from test.support.clock import FakeClock

LONG_S = 20.0


class World:
    """A watch that has begun: what happens from now on is noticed."""

    def __init__(self, path: Path) -> None:
        self.path, self.clock = path, FakeClock()
        self.watch = FileWatch(str(path), self.clock)

    def notices(self) -> bool:
        """Whether something has happened; other events are read until there are no more."""
        return True in [self.watch.wait(0) for _ in range(4)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    path = tmp_path / "data/config.data"
    path.parent.mkdir()
    path.write_text("old")
    made = World(path)
    assert made.watch.wait(0)  # nobody knows what was before
    assert not made.notices()
    yield made
    made.watch.close()


def rename_over(path: Path) -> None:
    Disk().write(str(path), b"new")


def rewrite(path: Path) -> None:
    path.write_text("new")


def move_away(path: Path) -> None:
    path.rename(path.with_name("other"))


def replace_directory(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.mkdir()


def move_directory(path: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))
    path.parent.mkdir()


CHANGES: list[Callable[[Path], None]] = [
    *(rename_over, rewrite, os.unlink, move_away, replace_directory, move_directory)
]


@pytest.mark.parametrize("change", CHANGES)
def test_changes_are_noticed_also_after_others(
    world: World, change: Callable[[Path], None]
) -> None:
    change(world.path)
    assert world.notices()
    assert not world.notices()
    for _ in range(2):
        rename_over(world.path)
        assert world.notices()
        assert not world.notices()


def test_waiting_ends_when_it_happens(world: World) -> None:
    rename_over(world.path)
    assert world.watch.wait(LONG_S)
    assert world.clock.slept == []


def test_other_files_do_not_count(world: World) -> None:
    rename_over(world.path.with_name("ssconf_master_node"))
    world.path.with_name("config.data.backup").write_text("x")
    world.path.read_text()
    assert not world.notices()


def test_a_missing_directory_is_looked_for(tmp_path: Path) -> None:
    world = World(tmp_path / "data/config.data")
    assert not world.watch.wait(LONG_S)
    assert not world.watch.wait(0.25)
    assert world.clock.slept == [1.0, 0.25]
    world.path.parent.mkdir()
    assert world.watch.wait(LONG_S)
    rename_over(world.path)
    assert world.notices()
    world.watch.close()


def test_a_name_that_is_no_text_costs_only_a_new_watch(world: World) -> None:
    (Path(os.fsdecode(os.fsencode(world.path.parent) + b"/\xff"))).write_text("x")
    assert world.notices()
    rename_over(world.path)
    assert world.notices()


def test_an_overflow_counts_as_a_change(world: World) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    source, target = (str(world.path.with_name(name)) for name in ("a", "b"))
    Path(source).write_text("x")
    for _ in range(limit // 4 + 1):
        os.rename(source, target)
        os.rename(target, source)
    assert world.notices()
    rename_over(world.path)
    assert world.notices()


@pytest.mark.parametrize("error", [RuntimeError("pyinotify does not load"), OSError(24, "limit")])
def test_without_inotify_the_caller_has_to_look(
    tmp_path: Path, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_directory: str, _name: str) -> Watch:
        raise error

    clock = FakeClock()
    watch = FileWatch(str(tmp_path / "config.data"), clock, refuse)
    for _ in range(3):
        assert not watch.wait(LONG_S)
    assert clock.slept == [1.0, 1.0, 1.0]
    assert len(caplog.messages) == 1  # told once


def test_descriptors_are_given_back(world: World) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        replace_directory(world.path)
        assert world.notices()
    assert len(os.listdir("/proc/self/fd")) == before
