# SPDX-License-Identifier: GPL-2.0-or-later
"""Locks on files. Two descriptors of one process exclude each other as two processes do."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ganeti.errors import LockError
from ganeti.utils.filelock import FileLock
from test.support.clock import FakeClock


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "lock")


def test_the_file_is_made_with_its_mode_and_stays(path: str) -> None:
    with FileLock(path, mode=0o600) as lock:
        lock.acquire()
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_one_excludes_the_other_until_released(path: str) -> None:
    with FileLock(path) as first, FileLock(path) as second:
        first.acquire()
        with pytest.raises(LockError, match="lock is locked by another process"):
            second.acquire(timeout_s=0)
        first.release()
        second.acquire(timeout_s=0)


def test_closing_gives_it_back(path: str) -> None:
    first = FileLock(path)
    first.acquire()
    first.close()
    with FileLock(path) as second:
        second.acquire(timeout_s=0)


def test_shared_holders_exclude_only_exclusive_ones(path: str) -> None:
    with FileLock(path) as one, FileLock(path) as two, FileLock(path) as third:
        one.acquire(shared=True)
        two.acquire(shared=True, timeout_s=0)
        with pytest.raises(LockError):
            third.acquire(timeout_s=0)


def test_it_waits_no_longer_than_it_was_told(path: str) -> None:
    clock = FakeClock()
    with FileLock(path) as first, FileLock(path, clock=clock) as second:
        first.acquire()
        with pytest.raises(LockError):
            second.acquire(timeout_s=10)
    assert sum(clock.slept) == pytest.approx(10)


def test_it_gets_what_becomes_free_while_it_waits(path: str) -> None:
    with FileLock(path) as first:
        first.acquire()

        class Releasing(FakeClock):
            def sleep(self, seconds: float) -> None:
                super().sleep(seconds)
                first.release()

        with FileLock(path, clock=Releasing()) as second:
            second.acquire(timeout_s=10)


def test_without_a_limit_it_waits_for_the_other(path: str) -> None:
    first, second = FileLock(path), FileLock(path)
    first.acquire()
    waiting = threading.Thread(target=second.acquire)
    waiting.start()
    first.close()
    waiting.join(10)
    assert not waiting.is_alive()
    second.close()


def test_commands_do_not_inherit_it(path: str) -> None:
    with FileLock(path) as lock:
        assert not os.get_inheritable(lock.fd)
