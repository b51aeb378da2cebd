# SPDX-License-Identifier: GPL-2.0-or-later
"""Questions to the person at the terminal.

They go to ``/dev/tty``, never to stdout. Without a terminal the answer is the last choice, which is the
negative one, and nothing is printed.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple, TextIO

WIDTH = 70
LIST_LIMIT = 20
"""Above so many names a list is shown only on demand."""


class Choice(NamedTuple):
    """What can be answered: the letter, and what `?` says of it."""

    letter: str
    text: str


YES = Choice("y", "yes, do it")
VIEW = Choice("v", "show the names and ask again")
NO = Choice("n", "no, do nothing")


class Terminal:
    """The controlling terminal."""

    def __init__(self, path: str = "/dev/tty") -> None:
        self._path = path

    def is_there(self) -> bool:
        """Whether somebody can be asked."""
        try:
            with open(self._path, encoding="utf-8"):
                return True
        except OSError:
            return False

    def password(self, prompt: str) -> str:
        """What is typed in, unseen."""
        import getpass

        return getpass.getpass(prompt)

    def ask(self, text: str, choices: Sequence[Choice] = (YES, NO)) -> Choice:
        """The choice of the person; the last one if there is no terminal."""
        try:
            with open(self._path, encoding="utf-8", errors="replace") as answers:
                with open(self._path, "w", encoding="utf-8") as questions:
                    return _converse(text, choices, answers, questions)
        except OSError:
            return choices[-1]

    def confirm(self, text: str) -> bool:
        """Yes or no."""
        return self.ask(text) is YES

    def confirm_list(self, operation: str, kind: str, names: Sequence[str]) -> bool:
        """Whether the operation shall be done to all these objects."""
        many = f"{len(names)} {kind if len(names) > 1 else kind.removesuffix('s')}"
        text = f"{operation.capitalize()} will be done to {many}. Continue?"
        listing = "\n".join(["", f"Affected {kind}:", *(f"  {name}" for name in names)])
        if len(names) <= LIST_LIMIT:
            return self.ask(text + listing) is YES
        answer = self.ask(text, (YES, VIEW, NO))
        return answer is YES or (answer is VIEW and self.ask(text + listing) is YES)


def _converse(text: str, choices: Sequence[Choice], answers: TextIO, questions: TextIO) -> Choice:
    letters = [c.letter for c in choices]
    prompt = "/".join([*letters[:-1], f"[{letters[-1]}]", "?"])
    questions.write(_wrapped(text) + "\n")
    while True:
        questions.write(prompt + ": ")
        questions.flush()
        line = answers.readline()
        if not line:
            return choices[-1]
        answer = line[:2].strip().lower()
        if answer in letters:
            return choices[letters.index(answer)]
        if answer == "?":
            questions.writelines(f" {c.letter} - {c.text}\n" for c in choices)


def _wrapped(text: str) -> str:
    """Sentences are wrapped, the names of a list stay whole."""
    return "\n".join(
        line if line.startswith(" ") else textwrap.fill(line, WIDTH, break_on_hyphens=False)
        for line in text.split("\n")
    )
