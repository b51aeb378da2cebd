# SPDX-License-Identifier: GPL-2.0-or-later
"""Regular expressions that somebody else wrote: none of them may hold the daemon up.

`re` cannot be stopped, and no other thread runs while it matches: for ``(a+)+$`` that can be hours. The
package `regex` lets other threads run and gives up when told. It knows more than `re`, such as recursion
and inexact matches, by which an expression can take all memory; only what `re` has, too, is taken. And its
compiler, which writes repeats out, cannot be stopped: their counts are looked at first.
"""

from __future__ import annotations

import functools
import math
import re

import regex

from ganeti.errors import ParameterError

MATCH_S = 0.5
MOST_REPEATS = 10_000
_COUNTS = re.compile(r"\{([0-9]*),?([0-9]*)\}")
_BRACE = re.compile(r"\\.|(?P<inexact>\{(?![0-9]*,?[0-9]*\}))", re.DOTALL)


class Expression:
    """Compiled; raises ParameterError for what is no expression, or too large a one."""

    def __init__(self, text: str) -> None:
        self._text, self._is_too_slow = text, False
        if _repeats(text) > MOST_REPEATS:
            raise self._bad("it repeats too often")
        if any(brace["inexact"] for brace in _BRACE.finditer(text)):
            raise self._bad("a brace that is no count is written \\{")
        try:
            re.compile(text)
            self._compiled = regex.compile(text)
        except (re.error, regex.error, OverflowError, RecursionError) as err:
            raise self._bad(err) from None

    def matches(self, text: str) -> bool:
        """Whether it is found somewhere in the text; raises ParameterError if that takes too long.

        Once it has, it is not tried again: the rules of the queue look at thousands of jobs.
        """
        if self._is_too_slow:
            raise self._slow()
        try:
            return self._compiled.search(text, timeout=MATCH_S, concurrent=True) is not None
        except TimeoutError:
            self._is_too_slow = True
            raise self._slow() from None

    def _slow(self) -> ParameterError:
        return self._bad(f"not even {MATCH_S:g} s suffice to match it")

    def _bad(self, why: object) -> ParameterError:
        return ParameterError(f"{self._text!r:.80} is no usable regular expression: {why}")


def _repeats(text: str) -> float:
    """No part of it is written out more often than this, however the counts are nested."""
    return math.prod(
        max(float(least or 0), float(most or 0), 1.0) for least, most in _COUNTS.findall(text)
    )


@functools.lru_cache(maxsize=64)
def compiled(text: str) -> Expression:
    """Raises ParameterError."""
    return Expression(text)
