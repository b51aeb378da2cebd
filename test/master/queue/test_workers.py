# SPDX-License-Identifier: GPL-2.0-or-later
"""The pool of threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from ganeti.master.queue import workers
from ganeti.master.queue.workers import Pool

PATIENCE_S = 20


class Crew:
    def __init__(self) -> None:
        self.size = 1
        self.pool = Pool("Test", lambda: self.size)
        self.order: list[str] = []
        self.arrived, self.open = threading.Semaphore(0), threading.Semaphore(0)

    def block(self) -> None:
        """A task that stays until it is let through."""
        self.arrived.release()
        assert self.open.acquire(timeout=PATIENCE_S)

    def occupy(self, count: int) -> None:
        for _ in range(count):
            self.pool.submit((0, 0), self.block)
        for _ in range(count):
            assert self.arrived.acquire(timeout=PATIENCE_S)

    def finish(self) -> None:
        """Do something last, and wait for it."""
        over = threading.Event()
        self.pool.submit((99, 99), over.set)
        assert over.wait(PATIENCE_S)


@pytest.fixture
def crew() -> Iterator[Crew]:
    made = Crew()
    yield made
    made.open.release(100)
    made.pool.close(PATIENCE_S)


def test_the_best_ranked_task_goes_first_and_equal_ones_in_turn(crew: Crew) -> None:
    crew.occupy(1)
    for rank, name in [((0, 5), "c"), ((0, 3), "b"), ((-1, 9), "a"), ((0, 5), "d")]:
        crew.pool.submit(rank, lambda name=name: crew.order.append(name))  # type: ignore[misc]
    crew.open.release()
    crew.finish()
    assert crew.order == ["a", "b", "c", "d"]


def test_threads_are_made_when_they_are_needed_and_stay(crew: Crew) -> None:
    before = threading.active_count()
    crew.size = 3
    crew.finish()
    crew.finish()
    assert threading.active_count() == before + 1
    crew.occupy(3)
    assert threading.active_count() == before + 3
    crew.pool.submit((0, 0), crew.block)
    assert threading.active_count() == before + 3


def test_a_larger_size_takes_effect_with_the_next_task(crew: Crew) -> None:
    crew.occupy(1)
    crew.size = 2
    crew.occupy(1)


def test_a_task_that_fails_does_not_take_the_thread_with_it(crew: Crew) -> None:
    crew.pool.submit((0, 0), lambda: 1 / 0)  # type: ignore[arg-type]
    crew.finish()


def test_closing_forgets_what_has_not_begun(crew: Crew) -> None:
    crew.occupy(1)
    crew.pool.submit((0, 0), lambda: crew.order.append("too late"))
    crew.pool.close(timeout_s=0)
    crew.pool.submit((0, 0), lambda: crew.order.append("much too late"))
    crew.open.release()
    crew.pool.close(PATIENCE_S)
    assert crew.order == []


def test_closing_waits_for_all_threads_together(crew: Crew) -> None:
    crew.size = 30
    crew.occupy(30)
    begin = time.monotonic()
    crew.pool.close(timeout_s=0.2)
    assert 0.2 <= time.monotonic() - begin < 30 * 0.2


def test_who_waits_outside_does_not_count(crew: Crew) -> None:
    def wait_outside() -> None:
        with workers.outside():
            crew.block()

    for _ in range(5):
        crew.pool.submit((0, 0), wait_outside)
    for _ in range(5):
        assert crew.arrived.acquire(timeout=PATIENCE_S)
    crew.finish()


def test_who_goes_outside_is_replaced_at_once(crew: Crew) -> None:
    go_outside = threading.Event()

    def wait() -> None:
        crew.arrived.release()
        assert go_outside.wait(PATIENCE_S)
        with workers.outside():
            crew.block()

    crew.pool.submit((0, 0), wait)
    assert crew.arrived.acquire(timeout=PATIENCE_S)
    crew.pool.submit((0, 0), lambda: crew.order.append("next"))
    go_outside.set()
    crew.finish()
    assert crew.order == ["next"]


def test_threads_beyond_the_size_end_when_those_outside_are_back(crew: Crew) -> None:
    waiting = list[threading.Thread]()

    def wait_outside() -> None:
        waiting.append(threading.current_thread())
        with workers.outside():
            crew.block()

    for _ in range(5):
        crew.pool.submit((0, 0), wait_outside)
    for _ in range(5):
        assert crew.arrived.acquire(timeout=PATIENCE_S)
    crew.finish()
    crew.open.release(5)
    for thread in waiting:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    crew.finish()


def test_tasks_wait_for_the_threads_that_are_there_if_no_other_can_be_had() -> None:
    left = [True]

    def start(thread: threading.Thread) -> None:
        if not left:
            raise RuntimeError("can't start new thread")
        left.pop()
        thread.start()

    crew = Crew()
    crew.size, crew.pool = 2, Pool("Test", lambda: crew.size, start=start)

    def wait_outside() -> None:
        with workers.outside():
            crew.block()

    crew.occupy(1)
    crew.pool.submit((0, 0), wait_outside)
    crew.pool.submit((0, 0), lambda: crew.order.append("next"))
    crew.open.release(2)
    crew.finish()
    assert crew.order == ["next"]
    crew.pool.close(PATIENCE_S)


def test_outside_means_nothing_to_other_threads() -> None:
    with workers.outside():
        pass
