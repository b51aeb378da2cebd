# SPDX-License-Identifier: GPL-2.0-or-later
"""Which packets are answered, with which bytes, and at what cost."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from ganeti.confd import answers, responder
from ganeti.confd.answers import Facts
from ganeti.confd.responder import Answers
from ganeti.contracts.confd import Request, RequestType
from test.support import confd
from test.support.confd import NOW, RSALT, ConfdWorld, config, packet, request_text, signed

ROLE = request_text(1, "candidate.lab")


@pytest.fixture(scope="module")
def world() -> ConfdWorld:
    return ConfdWorld()


def test_a_reply_to_the_byte(world: ConfdWorld) -> None:
    msg = b'{\\"protocol\\":1,\\"status\\":0,\\"answer\\":1,\\"serial\\":7}'
    assert world.responder.reply(confd.request(1, "candidate.lab")) == (
        b'plj0{"hmac":"df134c496e2880182f8e875731e4fcd038b97e2a","msg":"' + msg + b'",'
        b'"salt":"' + RSALT.encode() + b'"}'
    )


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_the_message_is_signed_as_it_was_sent(world: ConfdWorld, blank: str) -> None:
    compact = json.dumps(json.loads(ROLE), separators=(",", ":")) + blank
    assert world.responder.reply(packet(signed(compact)))


def test_a_query_may_be_left_out_and_other_keys_do_not_matter(world: ConfdWorld) -> None:
    inner = json.dumps({"rsalt": "x", "protocol": 1, "type": 3, "more": [1]})
    assert world.responder.reply(packet(signed(inner, more={"a": 1})))


@pytest.mark.parametrize("skew", [-300, -299, 0, 300])
def test_the_time_of_a_request_may_differ(world: ConfdWorld, skew: int) -> None:
    assert world.responder.reply(packet(signed(ROLE, str(NOW + skew))))


BAD_SALTS = [
    *(str(NOW - 301), str(NOW + 301), "0", "", " ", "now", f"{NOW}.0", f" {NOW}", f"{NOW}\n"),
    *(f"+{NOW}", f"-{NOW}", "1_700_000_000", hex(NOW), "١٧٠٠٠٠٠٠٠٠", "9" * 400, "9" * 5000),
]


@pytest.mark.parametrize("salt", BAD_SALTS)
def test_another_time_gets_no_answer(world: ConfdWorld, salt: str) -> None:
    assert world.responder.reply(packet(signed(ROLE, salt))) is None


GOOD = signed(ROLE)
NO_SIGNATURES: list[Any] = ["", "0" * 40, GOOD["hmac"].upper(), None, 1, [], "é"]
NO_SALTS: list[Any] = [NOW, None, str(NOW + 1), [str(NOW)], "\ud800"]
NO_MESSAGES: list[Any] = [ROLE.strip(), None, {}, json.loads(ROLE), "\ud800"]
BAD_OUTER: list[Any] = [
    *([], None, 1, "text", {}, [GOOD]),
    signed(ROLE, secret=confd.SECRET.strip()),
    signed(ROLE, secret=b""),
    *({**GOOD, "hmac": wrong} for wrong in NO_SIGNATURES),
    *({**GOOD, "hmac": GOOD["hmac"] + tail} for tail in ("0", "\0", " ")),
    *({**GOOD, "salt": wrong} for wrong in NO_SALTS),
    *({**GOOD, "msg": wrong} for wrong in NO_MESSAGES),
    *({key: value for key, value in GOOD.items() if key != left_out} for left_out in GOOD),
]


@pytest.mark.parametrize("outer", BAD_OUTER)
def test_what_is_not_signed_gets_no_answer(world: ConfdWorld, outer: Any) -> None:
    assert world.responder.reply(packet(outer)) is None


BAD_DATA = [
    *(b"", b"p", b"plj0", b"plj1" + packet(GOOD)[4:], packet(GOOD)[4:], b" " + packet(GOOD)),
    *(packet(GOOD)[:-2], packet(GOOD) + b"x", b"plj0\xff\xfe", b"PLJ0" + packet(GOOD)[4:]),
    *(b"plj0" + b"[" * 50_000, b"plj0" + b'{"a":' * 10_000, b"plj0" + b"1" * 50_000),
]


@pytest.mark.parametrize("data", BAD_DATA)
def test_broken_packets_get_no_answer(world: ConfdWorld, data: bytes) -> None:
    assert world.responder.reply(data) is None


NO_PROTOCOLS: list[Any] = [0, 2, "1", True, 1.0, None]
NO_TYPES: list[Any] = ["1", True, 1.0, None, [], 10**30]
NO_QUERIES: list[Any] = [1, 1.5, True, ["master.lab"]]
BAD_INNER: list[str] = [
    *("", "null", "[]", "1", '"text"', "{", '{"protocol": 1}', ROLE + "x", "[" * 50_000),
    *(request_text(1, "master.lab", protocol=wrong) for wrong in NO_PROTOCOLS),
    *(request_text(wrong, "master.lab") for wrong in NO_TYPES),
    *(request_text(1, "master.lab", rsalt=wrong) for wrong in (None, 1, ["x"], "\ud800")),
    *(request_text(1, wrong) for wrong in NO_QUERIES),
]


@pytest.mark.parametrize("msg", BAD_INNER)
def test_what_is_no_request_gets_no_answer(world: ConfdWorld, msg: str) -> None:
    assert world.responder.reply(packet(signed(msg))) is None


def test_without_a_configuration_nothing_is_answered() -> None:
    world = ConfdWorld()
    world.responder.put_in_service(None)
    assert world.ask(0) is None
    world.responder.put_in_service(Facts(world.cfg))
    assert world.ask(0) is not None


def test_a_new_configuration_counts_at_once() -> None:
    world = ConfdWorld()
    assert world.ask(1, "regular.lab") == (0, 4, 7)
    node = world.cfg.node("regular.lab").replace(master_candidate=True)
    cluster = world.cfg.cluster.replace(serial_no=8)
    world.responder.put_in_service(Facts(world.cfg.changed([node, cluster])))
    assert world.ask(1, "regular.lab") == (0, 1, 8)


def test_what_does_not_fit_is_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    cfg = config()
    cfg = cfg.changed([cfg.cluster.replace(tags=tuple(f"tag{n:08}" for n in range(5000)))])
    world = ConfdWorld(cfg)
    with caplog.at_level(logging.WARNING):
        assert world.ask(10, "/cluster/tags") is None
    assert "the answer to CONFIG_QUERY does not fit" in caplog.text
    assert world.ask(10, "/cluster/tags/4999") == (0, "tag00004999", 7)


def test_a_salt_may_be_anything_that_fits(caplog: pytest.LogCaptureFixture) -> None:
    world = ConfdWorld()
    for rsalt in ("", 'é\n"\0', "x" * 60_000):
        reply = world.responder.reply(confd.request(0, rsalt=rsalt))
        assert reply is not None
        assert confd.opened(reply)[0] == rsalt
    assert world.responder.reply(confd.request(0, rsalt="x" * 61_400)) is None
    assert "does not fit" in caplog.text


class Counting(dict[str, Any]):
    """Counts how often it is looked into."""

    looks = 0

    def __contains__(self, key: object) -> bool:
        self.looks += 1
        return super().__contains__(key)


def test_answers_are_kept_until_there_are_too_many() -> None:
    facts = Facts(config())
    document = Counting(facts.document)
    facts.document = document
    made = Answers(facts)
    for _ in range(3):
        assert made.about(Request(RequestType.CONFIG_QUERY, "/version", RSALT))
    assert document.looks == 1
    text = "y" * 30_000
    for number in range(responder.MOST_KEPT_BYTES // len(text)):
        made.about(Request(RequestType.CONFIG_QUERY, f"/{number}{text}", RSALT))
    document.looks = 0
    assert made.about(Request(RequestType.CONFIG_QUERY, "/version", RSALT))
    assert document.looks == 1


def test_lookups_do_not_walk_through_the_instances() -> None:
    """What is asked most costs the same in a large cluster."""
    facts = Facts(config())
    object.__setattr__(facts.cfg, "instances", Untouched(facts.cfg.instances))
    for kind, query in ((1, "master.lab"), (2, {"1": "192.0.2.1"}), (3, None), (9, "db.lab")):
        text = answers.answer(facts, RequestType(kind), query)
        assert text is not None
        assert json.loads(text)["status"] == 0


class Untouched(dict[str, Any]):
    """May be looked into, not walked through."""

    def __iter__(self) -> Any:
        raise AssertionError("walked through")

    keys = values = items = __iter__
