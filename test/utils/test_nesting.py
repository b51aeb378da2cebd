# SPDX-License-Identifier: GPL-2.0-or-later
"""Depth is counted as the parser would, and in a time that goes with the length."""

from __future__ import annotations

from typing import Any

import pytest
import simplejson
from hypothesis import given
from hypothesis import strategies as st

from ganeti.utils import nesting

json_values = st.recursive(
    st.none() | st.integers() | st.text(alphabet='a[{]}"\\'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='a[{]}"\\'), inner),
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(json_values)
def test_the_depth_is_that_of_the_value(value: Any) -> None:
    text, found = simplejson.dumps(value).encode(), depth(value)
    assert not nesting.is_too_deep(text, found)
    assert found == 0 or nesting.is_too_deep(text, found - 1)


@pytest.mark.parametrize(
    "text", [b"[" * 101, b'{"a":' * 101, b'[{"a":' * 51, b"]" * 5 + b"[" * 101]
)
def test_what_is_never_closed_counts(text: bytes) -> None:
    assert nesting.is_too_deep(text)


@pytest.mark.parametrize(
    "text", [b"[" * 100 + b"]" * 100, b"[]" * 1000, b'"' + b'\\"[' * 1000 + b'"', b'"["' * 1000]
)
def test_what_stands_side_by_side_or_in_strings_does_not(text: bytes) -> None:
    assert not nesting.is_too_deep(text)


@pytest.mark.parametrize("piece", [b'"', b"\\", b'\\"', b"[", b"[]", b"{]", b'""', b'["'])
def test_no_text_takes_long(piece: bytes) -> None:
    """With anything but linear time this would not end."""
    nesting.is_too_deep(piece * 1_000_000 + b"[" * 101)
