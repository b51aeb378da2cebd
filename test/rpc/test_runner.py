# SPDX-License-Identifier: GPL-2.0-or-later
"""Typed calls: what is sent, and what becomes of the answers."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
import simplejson

from ganeti.contracts.node.packed import Packed
from ganeti.contracts.node.sender import Sender
from ganeti.contracts.node.turn import Turns
from ganeti.errors import OpExecError
from ganeti.http.messages import error_page
from ganeti.rpc.runner import Deposed, Reply, Rpc, RpcError, Target
from ganeti.rpc.transport import Answer, Request
from ganeti.schema.contract import Contract, Timeout, call


class GardenCalls(Contract):
    @call(Timeout.URGENT, repeatable=True)
    def count(self, bed: str, ripe: bool = True) -> int:
        """Count the plants of a bed."""
        raise NotImplementedError

    @call(Timeout.SLOW)
    def plant(self, seeds: list[Packed]) -> None:
        """Plant seeds."""

    @call(in_turn="the sign")
    def rename(self, name: str) -> None:
        """Write another name on the sign."""

    @call(lambda duration: duration + 5, even_offline=True)
    def rest(self, duration: float) -> None:
        """Wait."""


class FakeCarrier:
    """Keeps requests; answers at once what `answer` says, or later by hand."""

    def __init__(self, answer: Callable[[Request], Answer] | None = None) -> None:
        self.requests: list[Request] = []
        self.futures: list[Future[Answer]] = []
        self._answer = answer

    def send(self, request: Request) -> Future[Answer]:
        future: Future[Answer] = Future()
        self.requests.append(request)
        self.futures.append(future)
        if self._answer:
            future.set_result(self._answer(request))
        return future


def said(*content: Any) -> Callable[[Request], Answer]:
    return lambda _: Answer(200, simplejson.dumps(content).encode() + b"\n")


NODES = {
    "u1": Target("u1", "n1.example.com", "192.0.2.1"),
    "u2": Target("u2", "n2.example.com", "2001:db8::2"),
    "u3": Target("u3", "n3.example.com", "192.0.2.3", offline=True),
}


def an_rpc(carrier: FakeCarrier, **more: Any) -> Rpc:
    return Rpc(carrier, NODES.__getitem__, port=1811, **more)


def test_a_call_is_its_name_and_its_arguments() -> None:
    carrier = FakeCarrier(said(True, 7))
    rpc = an_rpc(carrier, sender=Sender("n1.example.com", 3))
    assert rpc.one("u1", GardenCalls.count)("roses") == 7
    assert carrier.requests == [
        Request(
            url="https://192.0.2.1:1811/count",
            body=b'["roses"]',
            timeout_s=60,
            repeatable=True,
            headers=("X-Ganeti-Master: n1.example.com 3",),
        )
    ]


def test_what_replaces_something_bears_its_turn() -> None:
    carrier, turns = FakeCarrier(said(True, None)), Turns(9)
    one, other = an_rpc(carrier, turns=turns), an_rpc(carrier, turns=turns)
    one.one("u1", GardenCalls.rename)("Eden")
    one.one("u1", GardenCalls.plant)([])
    other.all(["u1", "u2"], GardenCalls.rename)("Eden")
    an_rpc(carrier).one("u1", GardenCalls.rename)("Eden")
    sent = [request.headers for request in carrier.requests]
    assert sent == [("X-Ganeti-Turn: 9 1",), (), *((f"X-Ganeti-Turn: 9 {n}",) for n in (2, 3)), ()]


def test_addresses_of_ipv6_and_plain_http() -> None:
    carrier = FakeCarrier(said(True, 7))
    an_rpc(carrier, scheme="http").one("u2", GardenCalls.count)("roses", ripe=False)
    [request] = carrier.requests
    assert (request.url, request.body) == ("http://[2001:db8::2]:1811/count", b'["roses",false]')
    assert request.headers == ()


def test_the_timeout_may_depend_on_the_arguments() -> None:
    carrier = FakeCarrier(said(True, None))
    an_rpc(carrier).one(NODES["u3"], GardenCalls.rest)(2.5)
    assert carrier.requests[0].timeout_s == 7.5
    assert not carrier.requests[0].repeatable


FAILURES: dict[str, tuple[Answer, str]] = {
    "said so": (Answer(200, b'[false, "no water"]'), "no water"),
    "said nothing": (Answer(200, b'[false, ""]'), "failed without a reason"),
    "unreachable": (Answer(0, error="Connection refused"), "Connection refused"),
    "unknown": (
        Answer(404, error_page(404, "there is no procedure 'count'").body),
        "HTTP status 404: there is no procedure 'count'",
    ),
    "no JSON": (Answer(200, b"[true"), "the answer is not a list of success and payload"),
    "no pair": (Answer(200, b"[true]"), "the answer is not a list of success and payload"),
    "no list": (Answer(200, b"5"), "the answer is not a list of success and payload"),
    "wrong type": (
        Answer(200, b'[true, "many"]'),
        "the answer has the wrong form: expected an integer, got 'many'",
    ),
}


@pytest.mark.parametrize(("answer", "text"), FAILURES.values(), ids=list(FAILURES))
def test_failures_of_one_node_raise_and_of_many_are_kept(answer: Answer, text: str) -> None:
    rpc = an_rpc(FakeCarrier(lambda _: answer))
    with pytest.raises(RpcError) as caught:
        rpc.one("u1", GardenCalls.count)("roses")
    assert str(caught.value) == f"call count to node n1.example.com: {text}"
    assert isinstance(caught.value, OpExecError)

    reply = rpc.all(["u1"], GardenCalls.count)("roses")["u1"]
    assert (reply.failed, reply.offline, reply.error) == (True, False, text)
    with pytest.raises(RpcError):
        assert reply.value


def test_offline_nodes_are_answered_here() -> None:
    carrier = FakeCarrier(said(True, 7))
    rpc = an_rpc(carrier)
    replies = rpc.all(["u1", "u3"], GardenCalls.count)("roses")
    assert replies["u1"].value == 7
    assert (replies["u3"].offline, replies["u3"].error) == (True, "node is marked offline")
    assert len(carrier.requests) == 1
    with pytest.raises(RpcError, match="is marked offline"):
        rpc.one("u3", GardenCalls.count)("roses")


def test_some_calls_are_sent_to_offline_nodes_too() -> None:
    carrier = FakeCarrier(said(True, None))
    assert not an_rpc(carrier).all(["u3"], GardenCalls.rest)(0)["u3"].failed
    assert len(carrier.requests) == 1


def test_arguments_for_all_are_encoded_once() -> None:
    carrier = FakeCarrier(said(True, None))
    an_rpc(carrier).all(["u1", "u2"], GardenCalls.plant)([Packed(b"x" * 1000)])
    first, second = carrier.requests
    assert first.body is second.body


def test_each_node_may_get_its_own_arguments() -> None:
    carrier = FakeCarrier(lambda request: Answer(200, b"[true, %d]" % len(request.body)))
    replies = an_rpc(carrier).each({"u1": ("a", True), "u2": ("bb", True)}, GardenCalls.count)
    assert {uuid: reply.value for uuid, reply in replies.items()} == {"u1": 10, "u2": 11}


def test_nothing_is_sent_if_one_of_the_nodes_is_unknown() -> None:
    carrier = FakeCarrier(said(True, 7))
    with pytest.raises(KeyError):
        an_rpc(carrier).all(["u1", "u9"], GardenCalls.count)("roses")
    assert carrier.requests == []


def deposed(_request: Request) -> Answer:
    return Answer(412, error_page(412, "this node obeys n2 of epoch 4").body)


@pytest.mark.parametrize(
    "ask",
    [
        lambda rpc: rpc.one("u1", GardenCalls.count)("roses"),
        lambda rpc: rpc.all(["u1"], GardenCalls.count)("roses"),
        lambda rpc: rpc.each({"u1": ("roses", True)}, GardenCalls.count),
        lambda rpc: rpc.begin("u1", GardenCalls.count)("roses").reply(),
    ],
)
def test_a_master_that_was_deposed_hears_it_from_any_call(ask: Callable[[Rpc], Any]) -> None:
    heard: list[Deposed] = []
    with pytest.raises(Deposed, match="this node obeys n2 of epoch 4"):
        ask(an_rpc(FakeCarrier(deposed), when_deposed=heard.append))
    assert [str(error) for error in heard] == ["this node obeys n2 of epoch 4"]


def test_calls_in_flight_are_visible() -> None:
    carrier = FakeCarrier()
    rpc = an_rpc(carrier)
    pending = rpc.begin("u1", GardenCalls.count)("roses")
    assert rpc.in_flight() == [("n1.example.com", "count")]
    with pytest.raises(TimeoutError):
        pending.reply(timeout_s=0)
    seen: list[Reply[int]] = []
    pending.when_done(lambda done: seen.append(done.reply()))
    carrier.futures[0].set_result(Answer(200, b"[true, 3]"))
    assert rpc.in_flight() == []
    assert [reply.value for reply in seen] == [3]


def test_who_answers_is_told() -> None:
    heard: list[tuple[str, bool]] = []
    answers = {
        "192.0.2.1": Answer(200, b"[false, 'no']"),
        "2001:db8::2": Answer(0, error="no route"),
    }
    carrier = FakeCarrier(lambda r: next(a for host, a in answers.items() if host in r.url))
    rpc = an_rpc(carrier, when_over=lambda node, answered: heard.append((node, answered)))
    rpc.all(["u1", "u2", "u3"], GardenCalls.count)("roses")
    assert heard == [("u1", True), ("u2", False)]
