# SPDX-License-Identifier: GPL-2.0-or-later
"""Expressions mean what they mean to `re`, and no expression takes long."""

from __future__ import annotations

import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti.errors import ParameterError
from ganeti.utils import regex

ATOMS = (
    *("a", "b", "A", ".", r"\n", "[ab]", "[^a]", r"\w", r"\s", r"\D", "é", r"(?a:\w)", "(?s:.)"),
    *("^", "$", r"\b", r"\B", r"\A", r"\Z", "(?m:^)", "(?m:$)", "(?i:a)", "(?-i:a)", ""),
    *("(?=a)", "(?!b)", "(?<=a)", "(?<!b)", "(?>a+)"),
)
REPEATS = ("*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}", "{2,}", "{,2}", "{0}")

expressions = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: (
        st.tuples(inner, inner).map("".join)
        | st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})")
        | inner.map(lambda one: f"(?P<x>{one})|x")
        | st.tuples(inner, st.sampled_from(REPEATS)).map(lambda two: f"(?:{two[0]}){two[1]}")
    ),
    max_leaves=8,
)
texts = st.text(alphabet="abAB \n_é1", max_size=6)


@given(st.sampled_from(["", "(?i)", "(?s)", "(?m)"]), expressions, st.lists(texts))
def test_it_means_what_it_means_to_re(flags: str, expression: str, samples: list[str]) -> None:
    try:
        expected = re.compile(flags + expression)
    except re.error:  # a group that is there twice
        return
    pattern = regex.Expression(flags + expression)
    for sample in samples:
        assert pattern.matches(sample) == (expected.search(sample) is not None), sample


SLOW = "(a+)+$", "a" * 50_000 + "b"


def test_what_takes_for_ever_is_given_up() -> None:
    expression, text = SLOW
    with pytest.raises(ParameterError, match=r"not even 0\.5 s"):
        regex.compiled(expression).matches(text)


def test_what_was_given_up_is_not_tried_again() -> None:
    expression, text = SLOW
    pattern = regex.Expression(expression)
    assert pattern.matches("a")
    for sample in (text, "a"):
        with pytest.raises(ParameterError, match="not even"):
            pattern.matches(sample)


def test_other_threads_run_meanwhile() -> None:
    expression, text = SLOW
    begun, others = threading.Event(), list[int]()

    def count() -> None:
        begun.wait()
        while matching.is_alive():
            others.append(1)

    def match() -> None:
        begun.set()
        with pytest.raises(ParameterError):
            regex.Expression(expression).matches(text)

    matching, counting = threading.Thread(target=match), threading.Thread(target=count)
    matching.start()
    counting.start()
    matching.join()
    counting.join()
    assert len(others) > 1000


def test_braces_may_stand_for_themselves() -> None:
    assert regex.Expression(r"^\{a\}{2}$").matches("{a}}")
    assert regex.Expression("^a{,2}$").matches("aa")


@pytest.mark.parametrize(
    "expression",
    [
        *("(", "*", "[b-a]", "a{3,2}", "(" * 5000, "a{99999999999}", "(?:" * 300 + ")" * 300 + "("),
        *(
            "(?:a){e<=1}",
            "(?:a){1<=e<=3}",
            "(?:a){2i+1d<=4}",
            r"\\\\{e}",
            r"\\{a{e}",
            r"(?:a){,3e}",
        ),
        *("(?R)", r"\L<x>", r"\p{L}", "(?|a)", "(?V1)a"),
        *("(a{1000}){1000}", "((){100000}){100000}", "a{10001,}", "a{" + "9" * 5000 + "}"),
    ],
)
def test_what_is_none_or_too_much_is_refused(expression: str) -> None:
    with pytest.raises(ParameterError, match="usable"):
        regex.compiled(expression)
