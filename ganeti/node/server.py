# SPDX-License-Identifier: GPL-2.0-or-later
"""Dispatch of calls to handlers: ``POST /<procedure>`` with a JSON list of arguments.

A call that was executed answers 200 with ``[true, payload]`` or ``[false, text]`` and a newline. What
never reaches a handler gets an HTML page: 400 for a wrong method or body, 404 for an unknown procedure,
409 for one that was sent again and is not known, 412 for a master that was deposed.
"""

from __future__ import annotations

import inspect
import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import Any

import simplejson

from ganeti import errors
from ganeti.contracts.node import once, turn
from ganeti.contracts.node.sender import DEPOSED_STATUS, HEADER, Sender
from ganeti.contracts.node.turn import Turn
from ganeti.http.messages import Refused, Request, Response, error_page
from ganeti.node import absent
from ganeti.node.fence import Fence, Superseded
from ganeti.node.host import Host
from ganeti.node.once import Once, Unheard
from ganeti.node.turns import Turns
from ganeti.schema import nesting, types
from ganeti.schema.contract import Call, Contract
from ganeti.utils import loading

log = logging.getLogger(__name__)

HANDLERS = "ganeti.node.handlers"
_LOGGED_BYTES = 4096
Run = Callable[[list[Any]], Any]

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
"""Half a character, perhaps: a text with one cannot be written anywhere."""
MOST_NESTED = 64
"""Threads have small stacks here, and what is parsed or shown takes some of it for each level."""


def handler_classes() -> Iterator[type[Contract]]:
    """Every contract that a module below `HANDLERS` implements."""
    loading.load_all(HANDLERS)
    for name, module in sorted(sys.modules.items()):
        if name.startswith(HANDLERS):
            for _, found in inspect.getmembers(module, inspect.isclass):
                if issubclass(found, Contract) and found.__module__ == name:
                    yield found


def all_handlers(host: Host) -> list[Contract]:
    """One object of each handler class, for this host."""
    return [make(host) for make in handler_classes()]  # type: ignore[call-arg]


class Dispatcher:
    """Finds the handler of a call, lets it pass the fence, and runs it."""

    def __init__(self, handlers: Iterable[Contract], fence: Fence) -> None:
        self._fence, self._once, self._turns = fence, Once(), Turns()
        present = [(c, getattr(h, c.name)) for h in handlers for c in h.CALLS.values()]
        self._procedures: dict[str, tuple[Call, Callable[..., Any]]] = {
            call.name: (call, procedure) for call, procedure in (*absent.procedures(), *present)
        }

    def __call__(self, request: Request) -> Response:
        try:
            call, procedure = self._find(request)
            args = _arguments(request)
            epoch = self._pass_fence(request, call) if call.fenced else 0
            run = self._in_turn(call, procedure, epoch, _turn(request))
            log.debug("%s: %s %.*s", request.peer, call.name, _LOGGED_BYTES, request.body)
            return Response(200, self._answer(request, lambda: _execute(call, run, args)))
        except Refused as refused:
            return error_page(refused.status, refused.explain)

    def _in_turn(
        self, call: Call, procedure: Callable[..., Any], epoch: int, its: Turn | None
    ) -> Run:
        """The procedure, which waits until what it replaces is not being replaced already."""

        def run(arguments: list[Any]) -> Any:
            what = call.replaces(arguments)
            with self._turns.taken(what, epoch, its) if what else nullcontext():
                return procedure(*arguments)

        return run

    def _answer(self, request: Request, carry_out: Callable[[], bytes]) -> bytes:
        """Carry a call out, but not twice if it has a name."""
        header = request.headers.get(once.HEADER.lower())
        if header is None:
            return carry_out()
        try:
            name = once.CallName.parse(header)
        except ValueError:
            raise Refused(400, f"the header {once.HEADER} is not the name of a call") from None
        try:
            return self._once(name, carry_out)
        except Unheard as err:
            raise Refused(once.UNHEARD_STATUS, str(err)) from None

    def is_urgent(self, request: Request) -> bool:
        """Whether the call must not wait for others, which a dead disk may hold up for ever."""
        call, _ = self._procedures.get(_name(request), (None, None))
        return call is not None and call.from_memory

    def _find(self, request: Request) -> tuple[Call, Callable[..., Any]]:
        if request.method != "POST":
            raise Refused(400, f"calls are sent with POST, not {request.method}")
        name = _name(request)
        if name not in self._procedures:
            raise Refused(404, f"there is no procedure '{name}'")
        return self._procedures[name]

    def _pass_fence(self, request: Request, call: Call) -> int:
        """The epoch of the master that calls."""
        try:
            sender = Sender.parse(request.headers.get(HEADER.lower()))
        except ValueError:
            raise Refused(400, f"the header {HEADER} is not a name and a number") from None
        try:
            (self._fence.check if call.from_memory else self._fence.admit)(sender)
        except Superseded as err:
            log.warning("%s: refused: %s", request.peer, err)
            raise Refused(DEPOSED_STATUS, str(err)) from None
        except OSError as err:
            log.critical("cannot record epoch %d of %s: %s", sender.epoch, sender.name, err)
            raise Refused(500, f"this node cannot record the new master: {err}") from None
        return sender.epoch


def _name(request: Request) -> str:
    return request.target.removeprefix("/")


def _turn(request: Request) -> Turn | None:
    header = request.headers.get(turn.HEADER.lower())
    try:
        return None if header is None else Turn.parse(header)
    except ValueError:
        raise Refused(400, f"the header {turn.HEADER} is not two numbers") from None


def _arguments(request: Request) -> Any:
    if nesting.is_deeper(request.body, MOST_NESTED):
        raise Refused(400, f"the body is nested deeper than {MOST_NESTED} levels")
    try:
        args = simplejson.loads(request.body, parse_constant=_refuse_constant)
        if _SURROGATE.search(request.body):
            simplejson.dumps(args, ensure_ascii=False).encode()
    except ValueError as err:
        raise Refused(400, f"the body is not JSON: {err}") from None
    return args


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _execute(call: Call, run: Run, args: Any) -> bytes:
    answer = _outcome(call, run, args)
    return simplejson.dumps(answer, separators=(",", ":"), ignore_nan=True).encode() + b"\n"


def _outcome(call: Call, run: Run, args: Any) -> list[Any]:
    try:
        return [True, types.plain(run(call.decode(args)))]
    except types.Mismatch as err:  # it quotes the value, which may be a secret
        log.info("%s: the argument %s does not fit", call.name, "/".join(map(str, err.path)))
        return [False, str(err)]
    except errors.GenericError as err:
        log.info("%s failed: %s", call.name, err)
        return [False, str(err)]
    except Exception as err:  # the rim of request dispatch
        log.exception("%s failed", call.name)
        return [False, f"error in {call.name}: {type(err).__name__}: {err}"]
