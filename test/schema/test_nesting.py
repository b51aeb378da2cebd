# SPDX-License-Identifier: GPL-2.0-or-later
"""How deep a text is nested."""

from __future__ import annotations

import pytest
import simplejson
from hypothesis import given, settings
from hypothesis import strategies as st

from ganeti.schema.nesting import is_deeper

VALUES = st.recursive(
    st.none() | st.integers() | st.text('a[]{}"\\é'),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('k["\\'), inner, max_size=3)
    ),
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@settings(deadline=None)
@given(VALUES)
def test_the_depth_is_that_of_the_value(value: object) -> None:
    text = simplejson.dumps(value).encode()
    found = depth(value)
    assert not is_deeper(text, found)
    assert found == 0 or is_deeper(text, found - 1)


@pytest.mark.parametrize(
    "text", [b'["[[[[', b'["\\"[[[[', b'["[[[[\\', b"]]]]]][", b"", b'{"a": "[", "b": "{"}']
)
def test_what_is_no_structure_does_not_count(text: bytes) -> None:
    assert not is_deeper(text, 1)


def test_a_long_text_is_looked_at_once() -> None:
    """Each quote could begin a string that is searched to the end."""
    assert not is_deeper(b'"' + b'\\"[' * 300_000, 1)
