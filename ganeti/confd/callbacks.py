# SPDX-License-Identifier: GPL-2.0-or-later
"""Callbacks for a confd client that stand before another one: which answer counts, and how many came."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ganeti.confd.client import Callback, Upcall, UpcallType
from ganeti.contracts.confd import Reply, RequestType

UNORDERED = (
    *(RequestType.NODE_PIP_LIST, RequestType.MC_PIP_LIST),
    RequestType.INSTANCES_IPS_LIST,
)


class FilterCallback:
    """Passes on only what is news: of the answers to a request the first, and any newer one.

    `newest` and `is_consistent` tell of each request until `forget`.
    """

    def __init__(self, callback: Callback) -> None:
        self._callback = callback
        self._newest: dict[str, Reply] = {}
        self._inconsistent: set[str] = set()

    def __call__(self, upcall: Upcall) -> None:
        if upcall.server_reply is None or self._is_news(upcall, upcall.server_reply):
            self._callback(upcall)

    def _is_news(self, upcall: Upcall, reply: Reply) -> bool:
        known = self._newest.get(upcall.salt)
        if known is None or reply.serial > known.serial:
            self._newest[upcall.salt] = reply
            self._inconsistent.discard(upcall.salt)
            return True
        kind = upcall.orig_request.type
        if reply.serial == known.serial and _meaning(kind, reply) != _meaning(kind, known):
            self._inconsistent.add(upcall.salt)
        return False

    def newest(self, salt: str) -> Reply | None:
        """The answer that counts, of those that came."""
        return self._newest.get(salt)

    def is_consistent(self, salt: str) -> bool:
        """False if servers that had the same serial number gave different answers."""
        return salt not in self._inconsistent

    def forget(self, salt: str) -> None:
        """The request is of no interest any more."""
        self._newest.pop(salt, None)
        self._inconsistent.discard(salt)


def _meaning(kind: RequestType, reply: Reply) -> tuple[int, Any]:
    """What two servers must agree on: some lists are sets."""
    is_set = kind in UNORDERED and isinstance(reply.answer, list)
    return reply.status, sorted(reply.answer, key=repr) if is_set else reply.answer


class CountingCallback:
    """Passes on everything, and counts how many servers answered the registered requests."""

    def __init__(self, callback: Callback) -> None:
        self._callback = callback
        self._answers: dict[str, int] = {}

    def register(self, salts: Iterable[str]) -> None:
        """Count the answers to these requests."""
        for salt in salts:
            self._answers.setdefault(salt, 0)

    def __call__(self, upcall: Upcall) -> None:
        if upcall.type is UpcallType.REPLY and upcall.salt in self._answers:
            self._answers[upcall.salt] += 1
        self._callback(upcall)

    def answers(self, salt: str) -> int:
        """How many servers answered the request."""
        return self._answers.get(salt, 0)

    def all_answered(self) -> bool:
        """Whether every registered request was answered by some server."""
        return all(self._answers.values())
