# SPDX-License-Identifier: GPL-2.0-or-later
"""Questions at a real terminal (a pseudo one)."""

import os
from collections.abc import Iterator

import pytest

from ganeti.cli.confirm import NO, VIEW, YES, Choice, Terminal


class Console:
    """Both ends of a pseudo terminal: what is typed, and what stands on the screen."""

    def __init__(self) -> None:
        self._person, self._tty = os.openpty()
        self.terminal = Terminal(os.ttyname(self._tty))

    def types(self, text: str) -> None:
        os.write(self._person, text.encode("latin-1"))

    def screen(self) -> str:
        """All that was shown so far; a mark at the end tells when it has come through."""
        os.write(self._tty, b"<end>")
        text = ""
        while not text.endswith("<end>"):
            text += os.read(self._person, 65536).decode()
        return text.replace("\r\n", "\n")

    def close(self) -> None:
        os.close(self._person)
        os.close(self._tty)


@pytest.fixture
def console() -> Iterator[Console]:
    made = Console()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("y\n", True), ("Y\n", True), ("n\n", False), ("x\n\ny\n", True), ("\xff\ny\n", True)],
)
def test_answers(console: Console, typed: str, answer: bool) -> None:
    console.types(typed)
    assert console.terminal.confirm("Really?") is answer


def test_the_question(console: Console) -> None:
    console.types("?\nn\n")
    assert console.terminal.ask("word " * 20, (YES, VIEW, NO)) is NO
    screen = console.screen()
    assert "y/v/[n]/?: " in screen
    assert f" v - {VIEW.text}\n" in screen
    assert max(map(len, screen.splitlines())) <= 70


def test_without_a_terminal_the_last_choice_is_taken() -> None:
    terminal = Terminal("/nonexistent/tty")
    assert terminal.confirm("Really?") is False
    assert terminal.ask("Which?", (Choice("1", "one"), Choice("2", "two"))).letter == "2"


def test_a_terminal_that_is_closed_means_no(console: Console) -> None:
    console.types("\x04")
    assert console.terminal.confirm("Really?") is False


def test_short_lists_are_shown_at_once(console: Console) -> None:
    console.types("y\n")
    assert console.terminal.confirm_list("stop", "instances", ["web1", "a-long-name"])
    assert "Affected instances:\n  web1\n  a-long-name\n" in console.screen()


def test_long_lists_are_shown_on_demand(console: Console) -> None:
    names = [f"web{number}" for number in range(21)]
    console.types("v\ny\n")
    assert console.terminal.confirm_list("stop", "instances", names)
    screen = console.screen()
    assert screen.index("y/v/[n]/?: ") < screen.index("  web20\n") < screen.index("y/[n]/?: ")
