# SPDX-License-Identifier: GPL-2.0-or-later
"""When the configuration is read again, and what a bad one does: nothing."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from ganeti.confd.answers import Facts
from ganeti.confd.reload import RECHECK_S, Reload
from ganeti.model import configfile
from ganeti.model.config import Config
from ganeti.utils.files import Disk
from test.support.clock import FakeClock
from test.support.confd import config


class World:
    """A file, and what was put in service from it."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "config.data"
        self.cfg = config()
        self.served: list[int | None] = []
        self.reload = Reload(str(self.path), self.serve)

    def serve(self, facts: Facts | None) -> None:
        self.served.append(facts.cfg.serial_no if facts else None)

    def write(self, serial: int) -> None:
        Disk().write(str(self.path), self.content(serial))

    def content(self, serial: int) -> bytes:
        return configfile.encode(self.cfg.stamped(serial, 0))

    def look(self, *, told: bool = False) -> bool:
        return self.reload.look(told=told)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_it_is_read_when_it_changed(world: World) -> None:
    world.write(1)
    assert world.look()
    assert not world.look()
    world.write(2)
    assert world.look()
    assert world.served == [1, 2]


def test_who_is_told_reads_even_what_looks_the_same(world: World) -> None:
    world.write(1)
    world.look()
    state = world.path.stat()
    world.path.write_bytes(world.content(2))
    os.utime(world.path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert not world.look()
    assert world.look(told=True)
    assert world.served == [1, 2]


def test_a_file_that_is_gone_ends_the_service(world: World) -> None:
    assert world.look()
    world.write(1)
    world.look()
    world.path.unlink()
    assert world.look()
    assert not world.look(told=True)
    world.write(2)
    world.look()
    assert world.served == [None, 1, None, 2]


WHOLE = configfile.encode(config())
DAMAGED = [
    *(b"", b"{", b"[]", b"null", b"\0" * 100, b"\xff\xfe", WHOLE[: len(WHOLE) // 2], WHOLE[:-3]),
    *(b"[" * 100_000, WHOLE.replace(b'"version":3000000', b'"version":2020000', 1)),
    WHOLE.replace(b'"master_node":"', b'"master_node":"x', 1),
    WHOLE.replace(b'"logical_id":[', b'"logical_id":[1,', 1),
    WHOLE.replace(b'"mac":"', b'"mac":7,"x":"', 1),
    WHOLE.replace(b'"primary_ip":"', b'"primary_ip":null,"x":"', 1),
]


@pytest.mark.parametrize("data", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_leaves_the_old_in_service(
    world: World, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    assert data != WHOLE
    world.write(4)
    world.look()
    world.path.write_bytes(data)
    assert world.look(told=True)
    assert world.served == [4]
    assert "that with serial number 4 stays in service" in caplog.text
    world.write(5)
    world.look()
    assert world.served == [4, 5]


def test_damaged_at_the_start_means_no_service(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.path.write_text("{")
    world.look()
    assert "nothing is answered" in caplog.text
    assert world.served == []


def test_what_cannot_be_read_is_told_once_and_tried_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Here for want of descriptors; the file stays the same, as when only its owner was wrong."""
    world.write(1)
    most, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        assert world.look()
        assert world.look()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    assert [message.split(";")[1] for message in caplog.messages] == [" nothing is answered"]
    assert world.look()
    assert world.served == [1]


def test_who_may_not_look_keeps_what_he_has(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.write(1)
    world.look()
    world.path.unlink()
    world.path.symlink_to(world.path)
    assert world.look()
    assert "that with serial number 1 stays in service" in caplog.text
    world.path.unlink()
    world.write(2)
    world.look()
    assert world.served == [1, 2]


def test_a_directory_that_is_none_has_no_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    world = World(tmp_path / "data")
    assert world.look()
    assert world.served == [None]


class Enough(Exception):
    """The watch has told all that was given to it."""


class ToldWatch:
    """Tells what it is given, and how long it was waited for."""

    def __init__(self, clock: FakeClock, *told: bool) -> None:
        self.clock, self.told, self.waited = clock, list(told), list[float]()
        self.at: list[float] = []

    def wait(self, timeout_s: float) -> bool:
        self.waited.append(timeout_s)
        self.at.append(self.clock.monotonic())
        if not self.told:
            raise Enough
        return self.told.pop(0)


def test_it_is_read_at_most_once_a_second(world: World) -> None:
    world.write(1)
    clock = FakeClock()
    watch = ToldWatch(clock, True, True, True, False, False)
    with pytest.raises(Enough):
        world.reload.follow(watch, clock)
    assert world.served == [1, 1, 1]
    assert watch.at == [0.0, 1.0, 2.0, 3.0, 3.0, 3.0]
    assert set(watch.waited) == {RECHECK_S}


def test_one_that_takes_long_is_read_less_often(world: World) -> None:
    world.write(1)
    clock = FakeClock()
    reload = Reload(str(world.path), lambda _: clock.pass_time(0.5))
    watch = ToldWatch(clock, True, True)
    with pytest.raises(Enough):
        reload.follow(watch, clock)
    assert watch.at == [0.0, 2.5, 5.0]


def test_references_to_nothing_do_not_stop_the_service(world: World) -> None:
    cfg: Config = world.cfg
    Disk().write(
        str(world.path),
        configfile.encode(Config.of(cfg.top, cfg.cluster, [cfg.master], cfg.instances.values())),
    )
    world.look()
    assert world.served == [1]
