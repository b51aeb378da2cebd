# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that are carried out once: what is kept, and for whom."""

from __future__ import annotations

import threading

import pytest

from ganeti.contracts.node.once import CallName
from ganeti.node import once
from ganeti.node.once import Once, Unheard

FIRST, AGAIN = CallName("a"), CallName("a", again=True)


class Work:
    """Counts how often it was done."""

    def __init__(self, answer: bytes = b"done") -> None:
        self.times, self._answer = 0, answer

    def __call__(self) -> bytes:
        self.times += 1
        return self._answer


@pytest.mark.parametrize("second", [FIRST, AGAIN])
def test_the_second_gets_the_answer_of_the_first(second: CallName) -> None:
    calls, work = Once(), Work()
    assert [calls(FIRST, work), calls(second, work)] == [b"done", b"done"]
    assert work.times == 1


def test_other_calls_are_other_calls() -> None:
    calls, work = Once(), Work()
    calls(FIRST, work)
    calls(CallName("b"), work)
    assert work.times == 2


def test_what_was_not_heard_of_is_never_carried_out() -> None:
    """Not even if the first request comes late."""
    calls, work = Once(), Work()
    for name in (AGAIN, FIRST, AGAIN):
        with pytest.raises(Unheard):
            calls(name, work)
    assert work.times == 0


def test_what_could_not_be_answered_is_not_repeated() -> None:
    calls, work = Once(), Work()

    def broken() -> bytes:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        calls(FIRST, broken)
    with pytest.raises(Unheard):
        calls(AGAIN, work)
    assert work.times == 0


def test_who_asks_meanwhile_waits() -> None:
    calls, gate, begun, found = Once(), threading.Event(), threading.Event(), []

    def slow() -> bytes:
        begun.set()
        assert gate.wait(10)
        return b"slow"

    first = threading.Thread(target=lambda: found.append(calls(FIRST, slow)))
    first.start()
    assert begun.wait(10)
    second = threading.Thread(target=lambda: found.append(calls(AGAIN, slow)))
    second.start()
    second.join(0.05)
    assert second.is_alive()
    gate.set()
    for thread in (first, second):
        thread.join(10)
    assert found == [b"slow", b"slow"]


@pytest.mark.parametrize(
    ("size", "kept"), [(1, once.MOST_CALLS), (once.MOST_BYTES // 2, 2), (once.MOST_BYTES * 2, 0)]
)
def test_only_the_last_answers_are_kept(size: int, kept: int) -> None:
    calls, work = Once(), Work(b"x" * size)
    names = [str(n) for n in range(once.MOST_CALLS + 5 if size == 1 else 4)]
    for name in names:
        calls(CallName(name), work)
    assert calls.kept() == names[len(names) - kept :]


@pytest.mark.parametrize("header", ["", " again", "a b", "a again b", "a  again"])
def test_what_is_no_name(header: str) -> None:
    with pytest.raises(ValueError):
        CallName.parse(header)


@pytest.mark.parametrize("name", [FIRST, AGAIN])
def test_names_on_the_wire(name: CallName) -> None:
    assert CallName.parse(name.header()) == name
