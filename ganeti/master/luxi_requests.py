# SPDX-License-Identifier: GPL-2.0-or-later
"""From the bytes of a request to the bytes of its answer (LUXI, "Requests", "Responses").

What breaks the protocol is answered with a text and ends the connection; what fails when it is carried
out is answered with the encoded error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from ganeti import errors, version
from ganeti.contracts.luxi import LuxiCalls
from ganeti.luxi import framing
from ganeti.master.query import filter as filters
from ganeti.schema import nesting, types

log = logging.getLogger(__name__)

VERSIONS = (None, *range(2090000, 2180000, 10000), version.LUXI, 3010000)
"""What clients may send: releases 2.9 to 2.17, 3.0 and 3.1 speak the same protocol."""

MOST_NESTED = 100
"""No request comes near. A parser calls itself for each level, and the interpreter may allow so many that
the stack of a thread has no room: Python 3.13 crashes then."""

Reply = Callable[[bytes, bool], None]
"""Takes the answer, and whether the connection ends with it. To be called once, on any thread."""


class Refused(Exception):
    """The request breaks the protocol."""


class Requests:
    """Carries requests out by the methods of the contract.

    A method whose answer is not known yet returns a future; no thread waits for it.
    """

    def __init__(self, methods: LuxiCalls) -> None:
        self._methods = methods

    def __call__(self, data: bytes, reply: Reply) -> None:
        """Carry one request out; blocks as long as its method does."""
        self._answer(lambda: self._result(data), reply)

    def _answer(self, result_of: Callable[[], Any], reply: Reply) -> None:
        """Reply with a result or an error, once, whatever happens."""
        try:
            result = result_of()
            if isinstance(result, Future):
                result.add_done_callback(lambda known: self._answer(known.result, reply))
                return
            answer, is_last = _success(result), False
        except (Refused, framing.Malformed, filters.Malformed) as err:
            log.warning("a client sent what cannot be understood: %.300r", str(err))
            answer, is_last = _failure(str(err)), True
        except errors.GenericError as err:
            answer, is_last = _failure(errors.encode(err)), False
        except Exception as err:
            log.exception("a client's request failed unexpectedly")
            answer, is_last = _failure(errors.encode(err)), False
        reply(answer, is_last)

    def _result(self, data: bytes) -> Any:
        if nesting.is_deeper(data, MOST_NESTED):
            raise Refused(f"a request is nested deeper than {MOST_NESTED} levels")
        method, args = parse(framing.decode(data))
        log.debug("request %s", method)
        return getattr(self._methods, method)(*args)


def parse(request: dict[str, Any]) -> tuple[str, list[Any]]:
    """Method and typed arguments; raises `Refused`."""
    method, args = request.get("method"), request.get("args")
    if not isinstance(method, str) or args is None:
        raise Refused("a request needs the keys 'method' and 'args'")
    if method not in LuxiCalls.CALLS:
        raise Refused(f"there is no method {method!r:.80}")
    if request.get("version") not in VERSIONS:
        raise errors.LuxiError(
            f"this is version {version.LUXI} of the protocol, the client has {request['version']}"
        )
    try:
        return method, LuxiCalls.CALLS[method].decode(args)
    except types.Mismatch as err:
        raise Refused(f"{method}: {err}") from None


def _success(result: Any) -> bytes:
    return framing.encode({"success": True, "result": result})


def _failure(result: Any) -> bytes:
    return framing.encode({"success": False, "result": result})
