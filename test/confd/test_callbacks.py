# SPDX-License-Identifier: GPL-2.0-or-later
"""Of several answers the newest counts, and contradictions are seen."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ganeti.confd.callbacks import CountingCallback, FilterCallback
from ganeti.confd.client import ConfdClient, Upcall, UpcallType
from ganeti.contracts.confd import Reply, Request, RequestType

NOBODY = cast(ConfdClient, None)


def told(answer: Any, serial: int, *, kind: int = 1, salt: str = "salt", status: int = 0) -> Upcall:
    request = Request(RequestType(kind), None, salt)
    reply = Reply(status, answer, serial)
    return Upcall(UpcallType.REPLY, salt, request, None, NOBODY, "192.0.2.1", 1814, reply)


def expired(salt: str = "salt") -> Upcall:
    return Upcall(UpcallType.EXPIRE, salt, Request(RequestType.PING, None, salt), None, NOBODY)


@pytest.mark.parametrize(
    ("upcalls", "passed", "newest", "consistent"),
    [
        ([told(4, 7)], [4], 4, True),
        ([told(4, 7), told(4, 7)], [4], 4, True),
        ([told(4, 7), told(1, 8)], [4, 1], 1, True),
        ([told(1, 8), told(4, 7)], [1], 1, True),
        ([told(4, 7), told(1, 7)], [4], 4, False),
        ([told(4, 7), told(1, 7), told(1, 8)], [4, 1], 1, True),
        ([told(4, 7), told(4, 7, status=1)], [4], 4, False),
        ([told(["a", "b"], 7, kind=4), told(["b", "a"], 7, kind=4)], [["a", "b"]], ["a", "b"], True),
        ([told(["a"], 7, kind=5), told(["b"], 7, kind=5)], [["a"]], ["a"], False),
        ([told(["a", "b"], 7, kind=3), told(["b", "a"], 7, kind=3)], [["a", "b"]], ["a", "b"], False),
        ([told("a", 7), told("b", 9, salt="other")], ["a", "b"], "a", True),
    ],
)  # fmt: skip
def test_the_newest_counts(
    upcalls: list[Upcall], passed: list[Any], newest: Any, consistent: bool
) -> None:
    seen: list[Upcall] = []
    filtering = FilterCallback(seen.append)
    for upcall in upcalls:
        filtering(upcall)
    assert [upcall.server_reply.answer for upcall in seen if upcall.server_reply] == passed
    reply = filtering.newest("salt")
    assert reply is not None
    assert (reply.answer, filtering.is_consistent("salt")) == (newest, consistent)


def test_expiry_is_passed_on_and_a_request_can_be_forgotten() -> None:
    seen: list[Upcall] = []
    filtering = FilterCallback(seen.append)
    for upcall in (told(1, 7), told(2, 7), expired()):
        filtering(upcall)
    assert [upcall.type for upcall in seen] == [UpcallType.REPLY, UpcallType.EXPIRE]
    filtering.forget("salt")
    assert filtering.newest("salt") is None
    assert filtering.is_consistent("salt")


def test_answers_are_counted() -> None:
    seen: list[Upcall] = []
    counting = CountingCallback(seen.append)
    counting.register(["salt", "other"])
    for upcall in (told(1, 7), told(1, 7), expired(), told(1, 7, salt="unknown")):
        counting(upcall)
    assert len(seen) == 4
    assert (counting.answers("salt"), counting.answers("other")) == (2, 0)
    assert not counting.all_answered()
    counting(told(1, 7, salt="other"))
    assert counting.all_answered()
