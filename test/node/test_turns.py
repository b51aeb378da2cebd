# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that replace the same thing: whatever hangs or comes late, the newest stays."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti.contracts.node.files import FileCalls
from ganeti.contracts.node.packed import Packed
from ganeti.contracts.node.system import SystemCalls
from ganeti.contracts.node.turn import Turn
from ganeti.contracts.node.turn import Turns as GivenTurns
from ganeti.node import turns
from ganeti.node.turns import NotInTurn, Turns
from ganeti.paths import DEFAULT
from ganeti.schema.contract import call_of

Stamp = tuple[int, Turn | None]
OLD, NEW = Turn(7, 90), Turn(8, 1)


def carried_out(line: Turns, stamp: Stamp, what: str = "a") -> bool:
    try:
        with line.taken(what, *stamp):
            return True
    except NotInTurn:
        return False


@pytest.mark.parametrize(
    ("first", "second", "is_done"),
    [
        ((1, OLD), (1, NEW), True),
        ((1, NEW), (1, OLD), False),
        ((1, Turn(8, 2)), (1, Turn(8, 1)), False),
        ((1, NEW), (1, NEW), True),  # libcurl may send it twice
        ((1, NEW), (2, OLD), True),  # another host counts for itself
        ((2, OLD), (1, NEW), False),
        ((1, NEW), (1, None), True),
        ((2, None), (1, NEW), False),
        ((2, None), (2, OLD), True),
        ((2, NEW), (1, None), False),
    ],
)
def test_which_call_comes_too_late(first: Stamp, second: Stamp, is_done: bool) -> None:
    line = Turns()
    assert carried_out(line, first)
    assert carried_out(line, second) is is_done


def test_a_command_does_not_let_older_calls_pass_again() -> None:
    line = Turns()
    outcomes = [carried_out(line, stamp) for stamp in ((1, NEW), (1, None), (1, OLD))]
    assert outcomes == [True, True, False]


def test_other_things_have_lines_of_their_own() -> None:
    line = Turns()
    assert carried_out(line, (1, NEW), "a")
    assert carried_out(line, (1, OLD), "b")


@given(st.permutations(range(1, 7)))
def test_in_whatever_order_they_come_the_newest_stays(order: list[int]) -> None:
    line, there = Turns(), 0
    for number in order:
        if carried_out(line, (1, Turn(1, number))):
            there = number
    assert there == 6


def test_the_new_daemon_waits_for_what_hangs_since_the_old_one() -> None:
    line, hangs, goes_on = Turns(), threading.Event(), threading.Event()
    content: list[str] = []

    def replace(turn: Turn, text: str) -> None:
        with line.taken("a", 1, turn):
            hangs.set()
            assert goes_on.wait(10)
            content.append(text)

    with ThreadPoolExecutor(2) as pool:
        old = pool.submit(replace, OLD, "old")
        assert hangs.wait(10)
        new = pool.submit(replace, NEW, "new")
        goes_on.set()
        old.result()
        new.result()
    assert content == ["old", "new"]


def test_it_does_not_wait_for_ever() -> None:
    line = Turns(timeout_s=0.01)
    with (
        line.taken("a file", 1, OLD),
        pytest.raises(NotInTurn, match="a file: an older call has hung"),
        line.taken("a file", 1, NEW),
    ):
        pass
    assert carried_out(line, (1, NEW), "a file")


def test_a_failure_gives_the_turn_back() -> None:
    line = Turns(timeout_s=0.01)
    with pytest.raises(OSError), line.taken("a", 1, OLD):
        raise OSError
    assert carried_out(line, (1, NEW))


def test_names_without_end_cost_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST_LINES", 3)
    line = Turns()
    for what in "abcada":
        assert carried_out(line, (1, NEW), what)
    assert not carried_out(line, (1, OLD), "a")
    assert carried_out(line, (1, OLD), "b")


def test_turns_grow() -> None:
    given_out = GivenTurns(5)
    first, second = given_out.next(), given_out.next()
    assert first < second < GivenTurns(6).next()
    assert Turn.parse(second.header()) == second


@pytest.mark.parametrize(
    "header", ["", "1", "1 2 3", "a b", "-1 2", "1 ²", "1  2", "9" * 20 + " 1"]
)
def test_malformed_headers(header: str) -> None:
    with pytest.raises(ValueError):
        Turn.parse(header)


def test_a_demotion_has_its_turn_among_the_uploads_of_the_configuration() -> None:
    """One that hangs must not take away what a new candidate was given meanwhile."""
    demotion, upload = call_of(SystemCalls.node_demote_from_mc), call_of(FileCalls.upload_file)
    config = (DEFAULT.config_data, Packed(b""), 0o640, "root", "root", 0.0, 0.0)
    assert demotion.replaces(()) == upload.replaces([config]) == DEFAULT.config_data
