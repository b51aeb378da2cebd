# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets for confd, written as any client may write them, and a configuration with something to ask for.

The packing is done by hand here, so that it is not the product's own that it is tried with.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from ganeti.confd.answers import Facts
from ganeti.confd.packet import Key
from ganeti.confd.responder import Responder
from ganeti.model.config import Config
from ganeti.model.nic import Nic
from test.support.clock import FakeClock
from test.support.cluster import a_cluster

SECRET = b"0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c\n"
NOW = 1_700_000_000
RSALT = "5f0c3c5e-0000-4000-8000-000000000001"


def signed(
    msg: str, salt: str = str(NOW), *, secret: bytes = SECRET, **more: Any
) -> dict[str, Any]:
    """The outer object of a packet."""
    signature = hmac.new(secret, (salt + msg).encode(), hashlib.sha1).hexdigest()
    return {"msg": msg, "salt": salt, "hmac": signature, **more}


def packet(outer: Any) -> bytes:
    return b"plj0" + json.dumps(outer).encode() + b"\n"


def request_text(kind: Any, query: Any = None, **more: Any) -> str:
    """The inner message as the original's client writes it, with blanks and a line end."""
    inner = {"protocol": 1, "type": kind, "query": query, "rsalt": RSALT, **more}
    return json.dumps(inner) + "\n"


def request(kind: Any, query: Any = None, **more: Any) -> bytes:
    return packet(signed(request_text(kind, query, **more)))


def opened(reply: bytes) -> tuple[str, dict[str, Any]]:
    """Salt and inner object of a packet whose signature is good."""
    assert reply[:4] == b"plj0"
    outer = json.loads(reply[4:])
    assert outer == signed(outer["msg"], outer["salt"])
    inner: dict[str, Any] = json.loads(outer["msg"])
    return outer["salt"], inner


def is_authentic(data: bytes, now: float = NOW) -> bool:
    """Whether a packet comes from who has the key, and now; as another reader of JSON sees it."""
    try:
        outer = json.loads(data[4:].decode())
        good = outer == {**outer, **signed(outer["msg"], outer["salt"])}
        return data[:4] == b"plj0" and good and abs(int(outer["salt"]) - now) <= 301
    except (ValueError, TypeError, KeyError, RecursionError):
        return False


def nic(ip: str | None, *, link: str | None = None, **more: Any) -> Nic:
    tail = (ip or "0.0.0.0").replace(":", ".").split(".")[-1]
    params = {"link": link} if link else {}
    return Nic(
        uuid=f"nic-{ip}-{link}", mac=f"aa:00:00:00:01:{tail:0>2}", ip=ip, nicparams=params, **more
    )


def with_nics(cfg: Config, name: str, *nics: Nic) -> Config:
    return cfg.changed([cfg.instance(name).replace(nics=nics)])


def config() -> Config:
    """A node of each role, instances on several links, and two DRBD disks."""
    cfg = (
        a_cluster()
        .with_cluster(
            serial_no=7,
            nicparams={"default": {"link": "br0"}},
            data_collectors={"lv": {"active": True, "interval": 5_000_000.0}},
        )
        .with_node("master.lab")
        .with_node("candidate.lab", serial_no=5)
        .with_node("offline.lab", offline=True)
        .with_node("drained.lab", drained=True)
        .with_node("regular.lab", master_candidate=False)
        .with_instance("web.lab", template="drbd", disks=2, serial_no=3)
        .with_instance("db.lab", on="candidate.lab")
        .with_instance("mail.lab", on="regular.lab")
        .build()
    )
    cfg = with_nics(cfg, "db.lab", nic("192.0.2.1"))
    return with_nics(cfg, "mail.lab", nic("192.0.2.2", link="br1"), nic(None))


class ConfdWorld:
    """A responder with that configuration in service, at a fixed time."""

    def __init__(self, cfg: Config | None = None) -> None:
        self.cfg = cfg or config()
        self.clock = FakeClock(NOW)
        self.responder = Responder(Key(SECRET), self.clock)
        self.responder.put_in_service(Facts(self.cfg))

    def ask(self, kind: Any, query: Any = None) -> tuple[int, Any, int] | None:
        """Status, answer and serial; None for no reply."""
        reply = self.responder.reply(request(kind, query))
        if reply is None:
            return None
        salt, inner = opened(reply)
        assert (salt, inner.pop("protocol")) == (RSALT, 1)
        return inner["status"], inner["answer"], inner["serial"]
