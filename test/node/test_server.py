# SPDX-License-Identifier: GPL-2.0-or-later
"""Dispatch: from requests to handlers and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import simplejson

from ganeti.errors import GenericError
from ganeti.http.messages import Peer, Request, Response
from ganeti.node.fence import Fence
from ganeti.node.server import Dispatcher, handler_classes
from ganeti.schema.contract import Contract, call
from ganeti.utils.files import Disk


class GardenCalls(Contract):
    @call()
    def plant(self, what: str, count: int = 1) -> list[str]:
        """Plant something."""
        raise NotImplementedError

    @call(from_memory=True)
    def burn(self) -> None:
        """Burn it down."""

    @call(in_turn=lambda bed, _what: f"bed {bed}")
    def replant(self, bed: int, what: str) -> None:
        """Have nothing but this in a bed."""

    @call(fenced=False)
    def look(self) -> tuple[int, int]:
        """Look at the garden."""
        raise NotImplementedError


class Garden(GardenCalls):
    def plant(self, what: str, count: int = 1) -> list[str]:
        if what == "stone":
            raise GenericError("stones do not grow")
        if what == "tree":
            raise KeyError("axe")
        return [what] * count

    def burn(self) -> None:
        return None

    def replant(self, bed: int, what: str) -> None:
        return None

    def look(self) -> tuple[int, int]:
        return 1, 2


@pytest.fixture
def dispatch(tmp_path: Path) -> Dispatcher:
    return Dispatcher([Garden()], Fence(str(tmp_path / "master-epoch"), Disk()))


def ask(
    dispatch: Dispatcher, target: str, body: bytes, method: str = "POST", master: str | None = None
) -> Response:
    headers = {} if master is None else {"x-ganeti-master": master}
    return dispatch(Request(method, target, headers, body, Peer("192.0.2.1", 5)))


def result(dispatch: Dispatcher, call_name: str, *args: Any) -> Any:
    response = ask(dispatch, f"/{call_name}", simplejson.dumps(args).encode())
    assert response.status == 200
    assert response.body.endswith(b"\n")
    return simplejson.loads(response.body)


def test_results_are_plain(dispatch: Dispatcher) -> None:
    assert result(dispatch, "plant", "rose", 2) == [True, ["rose", "rose"]]
    assert result(dispatch, "plant", "rose") == [True, ["rose"]]
    assert result(dispatch, "look") == [True, [1, 2]]


def test_failures_are_texts(dispatch: Dispatcher) -> None:
    assert result(dispatch, "plant", "stone") == [False, "stones do not grow"]
    assert result(dispatch, "plant", 5) == [False, "what: expected a string, got 5"]
    assert result(dispatch, "plant") == [False, "plant takes 1 to 2 arguments in a list"]
    assert result(dispatch, "plant", "tree") == [False, "error in plant: KeyError: 'axe'"]


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("GET", "/look", b"", 400),
        ("POST", "/dig", b"[]", 404),
        ("POST", "/__init__", b"[]", 404),
        ("POST", "/look?x", b"[]", 404),
        ("POST", "/look", b"[", 400),
        ("POST", "/look", b"", 400),
        ("POST", "/look", b"\xff", 400),
        ("POST", "/look", b"[NaN]", 400),
        ("POST", "/plant", b'["\\ud800"]', 400),
        ("POST", "/look", b"[" * 65 + b"]" * 65, 400),
        ("POST", "/look", b"[" * 1_000_000, 400),
    ],
)
def test_what_is_no_call_gets_a_page(
    dispatch: Dispatcher, method: str, target: str, body: bytes, status: int
) -> None:
    response = ask(dispatch, target, body, method)
    assert response.status == status
    assert dict(response.headers)["Content-Type"] == "text/html"


def test_a_character_in_two_halves_is_whole(dispatch: Dispatcher) -> None:
    response = ask(dispatch, "/plant", b'["\\ud83c\\udf37"]')
    assert simplejson.loads(response.body) == [True, ["\N{TULIP}"]]


def test_what_this_release_does_not_have_is_told(dispatch: Dispatcher) -> None:
    lacks_lvm = "vg_list cannot be done: this release does not have LVM"
    assert result(dispatch, "vg_list") == [False, lacks_lvm]
    assert result(dispatch, "vg_list", 1) == [False, "vg_list takes 0 arguments in a list"]


def test_a_deposed_master_is_refused_but_may_look(dispatch: Dispatcher) -> None:
    assert ask(dispatch, "/plant", b'["a"]', master="n2 4").status == 200
    refused = ask(dispatch, "/plant", b'["a"]', master="n1 3")
    assert refused.status == 412
    assert b"n2 of epoch 4" in refused.body
    assert ask(dispatch, "/plant", b'["a"]').status == 412
    assert ask(dispatch, "/look", b"[]", master="n1 3").status == 200
    assert ask(dispatch, "/plant", b'["a"]', master="n2 4").status == 200


@pytest.mark.parametrize("master", ["n1", "n1 x", ""])
def test_a_malformed_sender_is_refused(dispatch: Dispatcher, master: str) -> None:
    assert ask(dispatch, "/plant", b'["a"]', master=master).status == 400


def test_a_master_that_cannot_be_recorded_is_not_obeyed(tmp_path: Path) -> None:
    dispatch = Dispatcher([Garden()], Fence(str(tmp_path / "gone" / "epoch"), Disk()))
    assert ask(dispatch, "/plant", b'["a"]', master="n2 4").status == 500
    assert ask(dispatch, "/plant", b'["a"]', master="n1 0").status == 200


def test_what_is_done_from_memory_needs_no_disk(tmp_path: Path) -> None:
    dispatch = Dispatcher([Garden()], Fence(str(tmp_path / "gone" / "epoch"), Disk()))
    assert ask(dispatch, "/burn", b"[]", master="n2 4").status == 200
    assert ask(dispatch, "/burn", b"[]", master="n2 x").status == 400


def test_what_is_done_from_memory_is_fenced(dispatch: Dispatcher) -> None:
    assert ask(dispatch, "/plant", b'["a"]', master="n2 4").status == 200
    assert ask(dispatch, "/burn", b"[]", master="n1 3").status == 412
    assert ask(dispatch, "/burn", b"[]", master="n3 5").status == 200


@pytest.mark.parametrize(("target", "urgent"), [("/burn", True), ("/plant", False), ("/x", False)])
def test_what_is_done_from_memory_is_urgent(
    dispatch: Dispatcher, target: str, urgent: bool
) -> None:
    request = Request("POST", target, {}, b"[]", Peer("192.0.2.1", 5))
    assert dispatch.is_urgent(request) is urgent


def test_every_handler_serves_a_contract_whole() -> None:
    """Each call has one handler that overrides what the contract declares."""
    seen: dict[str, type[Contract]] = {}
    for handler in handler_classes():
        for name in handler.CALLS:
            assert name not in seen, f"{name} has two handlers"
            assert name in vars(handler), f"{handler.__name__} lacks {name}"
            seen[name] = handler


def replant(dispatch: Dispatcher, turn: str, bed: int = 1) -> Response:
    headers = {"x-ganeti-master": "n1 5", "x-ganeti-turn": turn}
    body = simplejson.dumps([bed, "rose"]).encode()
    return dispatch(Request("POST", "/replant", headers, body, Peer("192.0.2.1", 5)))


def test_an_older_call_does_not_replace_what_a_newer_one_has_made(dispatch: Dispatcher) -> None:
    late = b'[false,"a newer call was carried out already"]\n'
    told = [replant(dispatch, turn).body for turn in ("7 9", "8 1", "7 10", "8 2")]
    assert told == [b"[true,null]\n", b"[true,null]\n", late, b"[true,null]\n"]
    assert replant(dispatch, "7 1", bed=2).body == b"[true,null]\n"
    assert replant(dispatch, "first").status == 400
