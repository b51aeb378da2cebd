# SPDX-License-Identifier: GPL-2.0-or-later
"""Expressions mean what they mean to `re`, and no expression takes long."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti.utils import regex

ATOMS = (
    *("a", "b", "A", ".", r"\n", "[ab]", "[^a]", r"\w", r"\s", r"\D", "é", r"(?a:\w)", "(?s:.)"),
    *("^", "$", r"\b", r"\B", r"\A", r"\Z", "(?m:^)", "(?m:$)", "(?i:a)", "(?-i:a)", ""),
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


@given(st.sampled_from(["", "(?i)", "(?s)", "(?m)", "(?x)"]), expressions, st.lists(texts))
def test_it_means_what_it_means_to_re(flags: str, expression: str, samples: list[str]) -> None:
    try:
        expected = re.compile(flags + expression)
    except re.error:  # a group that is there twice
        return
    pattern = regex.Pattern(flags + expression)
    for sample in samples:
        assert pattern.matches(sample) == (expected.search(sample) is not None), sample


@pytest.mark.parametrize(
    ("expression", "text", "expected"),
    [
        ("(a+)+$", "a" * 50_000 + "b", False),
        ("(a|a)*c", "a" * 50_000, False),
        ("(.*)*.*.*.*.*.*.*x", "ab" * 20_000, False),
        ("(a?){200}a{200}", "a" * 200, True),
        (r"^web[^.]*(\..*)?$", "web1.example.com", True),
    ],
)
def test_what_takes_re_for_ever_is_done_at_once(expression: str, text: str, expected: bool) -> None:
    assert regex.compiled(expression).matches(text) is expected


@pytest.mark.parametrize(
    "expression",
    [
        *("(", "*", "[b-a]", "a{3,2}", "(" * 5000, "a{99999999999}", "(?:" * 300 + ")" * 300 + "("),
        *(r"(a)\1", "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?>a)", "a*+", "(a)?(?(1)b|c)"),
        *("a{1001}", "(a{100}){100}", "(a?){1001}", "a{0,1001}"),
    ],
)
def test_what_is_none_or_too_much_is_refused(expression: str) -> None:
    with pytest.raises(re.error):
        regex.compiled(expression)


@pytest.mark.parametrize("expression", ["(?:){1000000000}", "((){100000}){100000}", "(){0,0}a{0}"])
def test_nothing_may_be_repeated_often(expression: str) -> None:
    assert regex.compiled(expression).matches("")


@pytest.mark.parametrize("other", [5, None, ["a"], {}])
def test_what_is_no_text_is_no_expression(other: object) -> None:
    with pytest.raises(TypeError):
        regex.compiled(other)


def test_only_so_much_is_remembered() -> None:
    pattern = regex.Pattern("(.*a.....b)+$")
    text = "".join(chr(0x4E00 + number) for number in range(2 * regex.MOST_STEPS))
    assert not pattern.matches(text)
    assert pattern.matches(text + "a12345b")
