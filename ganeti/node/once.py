# SPDX-License-Identifier: GPL-2.0-or-later
"""Keeps the answers of calls that must not be carried out twice, for masters whose connection died.

Only in memory: a daemon that was started again has heard of nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future

from ganeti.contracts.node.once import CallName
from ganeti.errors import GenericError

MOST_CALLS = 200
MOST_BYTES = 8 * 1024 * 1024
"""Of the answers that are kept; whoever asks does so within seconds."""


class Unheard(GenericError):
    """The call was not carried out, and will not be."""


class Once:
    """Carries each call out once. The lock guards the table; nobody waits for a call under it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[str, Future[bytes]] = {}

    def __call__(self, call: CallName, carry_out: Callable[[], bytes]) -> bytes:
        """The answer of the call, which may have been carried out already, or just now somewhere else."""
        with self._lock:
            answer = self._answers.get(call.name)
            is_new = answer is None
            if answer is None:
                answer = self._answers[call.name] = Future()
                if call.again:
                    answer.cancel()
        if is_new and not call.again:
            self._carry_out(answer, carry_out)
        try:
            return answer.result()
        except CancelledError:
            raise Unheard(
                "this daemon was not told of the call before, or could not answer"
            ) from None

    def kept(self) -> list[str]:
        """The calls whose answers there still are, oldest first."""
        with self._lock:
            return list(self._answers)

    def _carry_out(self, answer: Future[bytes], carry_out: Callable[[], bytes]) -> None:
        try:
            answer.set_result(carry_out())
        finally:
            answer.cancel()  # if there is no result
            with self._lock:
                self._forget()

    def _forget(self) -> None:
        """The oldest, but for those that go on."""
        ended = [(name, answer) for name, answer in self._answers.items() if answer.done()]
        kept = 0
        for count, (name, answer) in enumerate(reversed(ended), 1):
            kept += 0 if answer.cancelled() else len(answer.result())
            if count > MOST_CALLS or kept > MOST_BYTES:
                del self._answers[name]
