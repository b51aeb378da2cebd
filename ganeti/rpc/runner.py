# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls to node daemons, typed by their contracts.

``rpc.one(node, InstanceCalls.instance_reboot)(instance, kind, 120)`` returns the result or raises;
``all`` and ``each`` return ``{node UUID: Reply}``, where reading the value of a failed reply raises.

On the wire a call is a POST of a JSON list to ``/<call>`` and the answer is ``[success, payload or
text]``. Every call carries the name and the epoch of the master that sends it; a node that knows a
newer master answers with status 412, and then this master has been deposed, whatever else was answered.
"""

from __future__ import annotations

import contextlib
import html
import inspect
import re
import threading
import typing
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, TypeVarTuple

import simplejson

from ganeti import errors
from ganeti.contracts.node import turn
from ganeti.contracts.node.sender import DEPOSED_STATUS, HEADER, Sender
from ganeti.contracts.node.turn import Turns
from ganeti.rpc.transport import Answer, Request
from ganeti.schema import types
from ganeti.schema.contract import Call, call_of
from ganeti.utils import net

C = TypeVar("C")
R = TypeVar("R")
P = ParamSpec("P")
Ts = TypeVarTuple("Ts")

WhileWaiting = Callable[[], contextlib.AbstractContextManager[None]]

OFFLINE = "node is marked offline"
_EXPLANATION = re.compile(r"<p>(.*?)</p>", re.DOTALL)


class RpcError(errors.OpExecError):
    """A call to a node failed; the text names the call and the node.

    `is_lost`: it may have been carried out; whoever goes on looks at the node first.
    """

    is_lost = False


class Deposed(errors.GenericError):
    """Another master has taken over: this one may not act, nor acknowledge anything, any more."""


@dataclass(frozen=True)
class Target:
    """A node as the carrier sees it."""

    uuid: str
    name: str
    address: str
    offline: bool = False


class Carrier(Protocol):
    """What moves the bytes; `transport.Transport`, or a double of it."""

    def send(self, request: Request) -> Future[Answer]: ...


class Reply(Generic[R]):
    """One node's answer in a call to many. `error` is the text of a failure, empty if there is none.

    `is_lost`: nobody knows whether the call was carried out.
    """

    def __init__(
        self, node: Target, call: Call, result: R | None, error: str = "", *, is_lost: bool = False
    ) -> None:
        self.node, self.error, self.is_lost = node, error, is_lost
        self._call, self._result = call, result

    @property
    def failed(self) -> bool:
        return bool(self.error)

    @property
    def offline(self) -> bool:
        """The node was not asked, because it is marked offline."""
        return self.error == OFFLINE

    @property
    def value(self) -> R:
        if self.failed:
            error = RpcError(f"call {self._call.name} to node {self.node.name}: {self.error}")
            error.is_lost = self.is_lost
            raise error
        return typing.cast(R, self._result)

    def __repr__(self) -> str:
        return f"<Reply of {self.node.name}: {self.error or repr(self._result)}>"


class Pending(Generic[R]):
    """A call on its way."""

    def __init__(self, node: Target, call: Call, answer: Future[Answer]) -> None:
        self._node, self._call, self._answer = node, call, answer

    def reply(self, timeout_s: float | None = None) -> Reply[R]:
        """Wait for the answer; `TimeoutError` if it is not there in time, and it may still come."""
        return _reply(self._node, self._call, self._answer.result(timeout_s))

    def when_done(self, callback: Callable[[Pending[R]], None]) -> None:
        """Run `callback` once the answer is there: quick work only, the carrier waits for it."""
        self._answer.add_done_callback(lambda _: callback(self))


@dataclass(frozen=True)
class Prepared(Generic[R]):
    """A call with its arguments, encoded; one serves many nodes."""

    call: Call
    body: bytes
    timeout_s: float


class Rpc:
    """Calls nodes. `resolve` finds the node of a UUID.

    `turns` give what replaces the same thing an order, if this is a daemon that makes many calls.
    `when_deposed` hears of the end at once; `when_over` of the end of each call, with the node's UUID and
    whether an answer came, whatever it was. `while_waiting` is around each wait of `one`, `all`, `each`.

    The table of calls in flight has a lock of its own, under which nothing else is done.
    """

    def __init__(
        self,
        carrier: Carrier,
        resolve: Callable[[str], Target],
        *,
        port: int,
        sender: Sender | None = None,
        scheme: str = "https",
        when_deposed: Callable[[Deposed], None] | None = None,
        when_over: Callable[[str, bool], None] | None = None,
        while_waiting: WhileWaiting = contextlib.nullcontext,
        turns: Turns | None = None,
    ) -> None:
        self._carrier, self._resolve = carrier, resolve
        self._port, self._scheme = port, scheme
        self._headers = (f"{HEADER}: {sender.header()}",) if sender else ()
        self._turns = turns
        self._when_deposed, self._when_over = when_deposed, when_over
        self._while_waiting = while_waiting
        self._lock = threading.Lock()
        self._in_flight: dict[Future[Answer], tuple[Target, Call]] = {}

    def one(self, node: str | Target, method: Callable[Concatenate[C, P], R]) -> Callable[P, R]:
        """Call one node; raises `RpcError` when it fails."""

        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            pending = self.begin(node, method)(*args, **kwargs)
            with self._while_waiting():
                return pending.reply().value

        return run

    def all(
        self, nodes: Iterable[str | Target], method: Callable[Concatenate[C, P], R]
    ) -> Callable[P, dict[str, Reply[R]]]:
        """Call many nodes at once with the same arguments, which are encoded once."""

        def run(*args: P.args, **kwargs: P.kwargs) -> dict[str, Reply[R]]:
            prepared = _prepared(method, args, kwargs)
            return self._gather([(self._target(node), prepared) for node in nodes])

        return run

    def each(
        self, calls: Mapping[str, tuple[*Ts]], method: Callable[[C, *Ts], R]
    ) -> dict[str, Reply[R]]:
        """Call many nodes at once, each with its own arguments."""
        return self._gather(
            [(self._target(n), _prepared(method, args, {})) for n, args in calls.items()]
        )

    def begin(
        self, node: str | Target, method: Callable[Concatenate[C, P], R]
    ) -> Callable[P, Pending[R]]:
        """Start a call and come back at once."""

        def run(*args: P.args, **kwargs: P.kwargs) -> Pending[R]:
            return self._start(self._target(node), _prepared(method, args, kwargs))

        return run

    def start(self, node: str | Target, prepared: Prepared[R]) -> Pending[R]:
        """The same with a call that was prepared, and is sent to several nodes one after the other."""
        return self._start(self._target(node), prepared)

    def in_flight(self) -> list[tuple[str, str]]:
        """Name of the node and of the call, for every call that has no answer yet."""
        with self._lock:
            return sorted((node.name, call.name) for node, call in self._in_flight.values())

    def _target(self, node: str | Target) -> Target:
        return self._resolve(node) if isinstance(node, str) else node

    def _gather(self, calls: list[tuple[Target, Prepared[Any]]]) -> dict[str, Reply[Any]]:
        """Start all, then wait for all."""
        pending = [self._start(target, prepared) for target, prepared in calls]
        with self._while_waiting():
            replies = [one.reply() for one in pending]
        return {reply.node.uuid: reply for reply in replies}

    def _start(self, target: Target, prepared: Prepared[Any]) -> Pending[Any]:
        call = prepared.call
        if target.offline and not call.even_offline:
            return Pending(target, call, _done(Answer(0, error=OFFLINE)))
        future = self._carrier.send(
            Request(
                url=f"{self._scheme}://{net.bracketed(target.address)}:{self._port}/{call.name}",
                body=prepared.body,
                timeout_s=prepared.timeout_s,
                repeatable=call.repeatable,
                headers=self._headers_of(call),
            )
        )
        with self._lock:
            self._in_flight[future] = (target, call)
        future.add_done_callback(self._finished)
        return Pending(target, call, future)

    def _headers_of(self, call: Call) -> tuple[str, ...]:
        if call.in_turn is None or self._turns is None:
            return self._headers
        return (*self._headers, f"{turn.HEADER}: {self._turns.next().header()}")

    def _finished(self, future: Future[Answer]) -> None:
        with self._lock:
            node, _ = self._in_flight.pop(future)
        answer = future.result()
        if self._when_over:
            self._when_over(node.uuid, answer.status != 0)
        if answer.status == DEPOSED_STATUS and self._when_deposed:
            self._when_deposed(Deposed(_explanation(answer)))


def prepare(method: Callable[Concatenate[C, P], R]) -> Callable[P, Prepared[R]]:
    """``prepare(FileCalls.upload_file)(upload)``: encode a call, for `Rpc.start`."""

    def run(*args: P.args, **kwargs: P.kwargs) -> Prepared[R]:
        return _prepared(method, args, kwargs)

    return run


def _prepared(
    method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Prepared[Any]:
    if kwargs:
        bound = inspect.signature(method).bind(None, *args, **kwargs)
        bound.apply_defaults()
        args = bound.args[1:]
    call = call_of(method)
    body = simplejson.dumps(call.encode(args), separators=(",", ":")).encode()
    return Prepared(call, body, call.timeout_s(args))


def _done(answer: Answer) -> Future[Answer]:
    future: Future[Answer] = Future()
    future.set_result(answer)
    return future


def _reply(node: Target, call: Call, answer: Answer) -> Reply[Any]:
    if answer.status == DEPOSED_STATUS:
        raise Deposed(_explanation(answer))
    if answer.status == 0:
        return Reply(node, call, None, answer.error, is_lost=answer.is_lost)
    if answer.status != HTTPStatus.OK:
        text = f"HTTP status {answer.status}: {_explanation(answer)}"
        return Reply(node, call, None, text, is_lost=answer.is_lost)
    try:
        content = simplejson.loads(answer.body)
    except ValueError:
        content = None
    match content:
        case [True, payload]:
            return _checked(node, call, payload)
        case [False, text]:
            return Reply(node, call, None, str(text) or "failed without a reason")
    return Reply(node, call, None, "the answer is not a list of success and payload")


def _checked(node: Target, call: Call, payload: Any) -> Reply[Any]:
    try:
        return Reply(node, call, call.result(payload))
    except types.Mismatch as err:
        return Reply(node, call, None, f"the answer has the wrong form: {err}")


def _explanation(answer: Answer) -> str:
    """What a node daemon says in an error page."""
    text = answer.body.decode(errors="replace")
    found = _EXPLANATION.search(text)
    return html.unescape(found[1]) if found else text.strip()
