# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages survive any way of being cut into pieces."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti.luxi import framing

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def taken(splitter: framing.Splitter) -> list[bytes]:
    found = []
    while (message := splitter.take()) is not None:
        found.append(message)
    return found


@given(st.lists(st.dictionaries(st.text(), json_values, max_size=3)), st.data())
def test_any_cut_gives_the_same_messages(
    messages: list[dict[str, object]], data: st.DataObject
) -> None:
    stream = b"".join(framing.encode(message) for message in messages)
    splitter, found = framing.Splitter(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        splitter.feed(stream[:size])
        found += taken(splitter)
        stream = stream[size:]
    assert [framing.decode(message) for message in found] == messages


@given(st.lists(st.binary(max_size=20)))
def test_garbage_is_either_an_object_or_malformed(pieces: list[bytes]) -> None:
    splitter = framing.Splitter()
    for piece in pieces:
        splitter.feed(piece)
    for message in taken(splitter):
        with contextlib.suppress(framing.Malformed):
            assert isinstance(framing.decode(message), dict)


@pytest.mark.parametrize("text", [b"", b"1", b"[]", b"null", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_malformed(text: bytes) -> None:
    with pytest.raises(framing.Malformed):
        framing.decode(text)


def test_a_newline_before_the_end_mark_is_accepted() -> None:
    assert framing.decode(b'{"a": 1}\n') == {"a": 1}


def test_the_end_mark_never_stands_inside_a_message() -> None:
    assert framing.encode({"a": "x\x03y"}).count(framing.END) == 1


def test_what_never_ends_is_refused_but_large_messages_in_pieces_are_not() -> None:
    splitter = framing.Splitter(limit=100)
    for _ in range(10):
        splitter.feed(b"x" * 60 + framing.END)
    assert len(taken(splitter)) == 10
    splitter.feed(b"x" * 60)
    with pytest.raises(framing.Malformed):
        splitter.feed(b"x" * 60)
