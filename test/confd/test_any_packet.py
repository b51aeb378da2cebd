# SPDX-License-Identifier: GPL-2.0-or-later
"""Any packet whatever: nobody but who has the key is answered, and nothing is raised."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from test.support import confd
from test.support.confd import NOW, ConfdWorld, packet, request_text, signed

WORLD = ConfdWorld()
TEXTS = st.text(st.characters(), max_size=30)  # lone surrogates too
FLOATS = st.floats(allow_nan=False, allow_infinity=False)  # others are JSON for some readers only
SCALARS = st.none() | st.booleans() | st.integers() | FLOATS | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=8
)
OUTER_KEYS = st.sampled_from(["msg", "salt", "hmac", "key_selector", "more"])
NAMES = st.sampled_from(
    ["master.lab", "web.lab", "db.lab", "192.0.2.1", "br0", "/cluster", "/nodes/0", "/"]
)
QUERIES = (
    VALUES
    | NAMES
    | st.dictionaries(st.sampled_from("01234"), VALUES | NAMES | st.lists(VALUES | NAMES))
)
KINDS = st.integers(-1, 12) | VALUES


def reply_to(data: bytes) -> bytes | None:
    return WORLD.responder.reply(data)


@given(st.binary(max_size=300), st.booleans())
def test_garbage_gets_no_answer(data: bytes, magic: bool) -> None:
    assert reply_to(b"plj0" * magic + data) is None


@given(VALUES | st.dictionaries(OUTER_KEYS, VALUES))
def test_objects_without_a_signature_get_no_answer(outer: Any) -> None:
    assert reply_to(packet(outer)) is None


@given(st.data())
def test_a_packet_that_was_changed_gets_no_answer(data: st.DataObject) -> None:
    good = confd.request(1, "master.lab")
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 8)))
    changed = good[:start] + data.draw(st.binary(max_size=8)) + good[end:]
    if not confd.is_authentic(changed):
        assert reply_to(changed) is None


@given(OUTER_KEYS, VALUES)
def test_a_part_that_was_changed_gets_no_answer(key: str, value: Any) -> None:
    good = signed(request_text(1, "master.lab"))
    expected = key not in good or good[key] == value
    assert (reply_to(packet({**good, key: value})) is not None) == expected


@given(TEXTS | st.integers().map(str))
def test_only_a_time_is_a_good_salt(salt: str) -> None:
    try:
        data = packet(signed(request_text(0), salt))
    except UnicodeEncodeError:
        return
    good = salt.isascii() and salt.isdigit() and abs(int(salt) - NOW) <= 300
    assert (reply_to(data) is not None) == good


@given(KINDS, QUERIES)
@example(10, "/cluster/tags/" + "9" * 5000)
@example(2, {"1": "\ud800", "0": "\ud800"})
def test_every_request_that_is_answered_is_answered_well(kind: Any, query: Any) -> None:
    reply = reply_to(confd.request(kind, query))
    is_request = type(kind) is int and 0 <= kind < 12 and isinstance(query, str | None | dict)
    assert reply is None or is_request
    if reply is not None:
        salt, inner = confd.opened(reply)
        assert salt == confd.RSALT
        assert list(inner) == ["protocol", "status", "answer", "serial"]
        assert inner["status"] in (0, 1)
        assert (inner["status"], inner["answer"]) != (1, 1)  # an error of ours


@given(VALUES)
@example("\ud800")
def test_only_a_text_is_a_good_salt_for_the_reply(rsalt: Any) -> None:
    reply = reply_to(confd.request(0, rsalt=rsalt))
    assert (reply is not None) == _is_text(rsalt)
    if reply is not None:
        assert confd.opened(reply)[0] == rsalt


def _is_text(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


@given(VALUES | TEXTS.map(lambda text: {"protocol": 1, "type": 0, "rsalt": text}))
def test_a_message_may_be_anything(inner: Any) -> None:
    reply = reply_to(packet(signed(json.dumps(inner))))
    assert reply is None or inner["protocol"] == 1
