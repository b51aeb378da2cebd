# SPDX-License-Identifier: GPL-2.0-or-later
"""A text that does not show itself in logs, errors or tracebacks."""

from __future__ import annotations


class Secret:
    """Holds a text; `reveal` is the only way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__
