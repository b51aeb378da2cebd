# SPDX-License-Identifier: GPL-2.0-or-later
"""`make fuzz-confd`: a million packets, most of them broken on purpose, to a confd of its own.

    make fuzz-confd                              a million, another run each time
    make fuzz-confd PACKETS=50000 SEED=7         these ones

After every few packets one that is good is sent; its answer must come, and before it answers to those
only that were signed with the key, at this time. In the end the daemon must be the same process, with the memory, threads and files
that it had after the first packets, and nothing unexpected in its log.
"""

from __future__ import annotations

import json
import os
import random
import socket
import string
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from test.support import confd, confd_daemon
from test.support.confd import config, packet, signed
from test.support.confd_daemon import Confd

PACKETS = 1_000_000
TOGETHER = 50
WARM_UP = 50_000
MOST_GROWTH_KB = 2048
PATIENCE_S = 10
MOST_BYTES = 61_440
NAMES = ["master.lab", "web.lab", "192.0.2.1", "br0", "/cluster", "/cluster/tags/0", "/", "", "é"]


class Maker:
    """Makes packets. `kinds` are named after what is wrong with them."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.kinds: dict[str, Callable[[str], bytes]] = {
            "noise": self._noise,
            "deep": self._deep,
            "mutated": self._mutated,
            "another key": self._another_key,
            "another time": self._another_time,
            "other types": self._other_types,
            "any message": self._any_message,
            "good": self._good,
        }

    def make(self, salt: str) -> tuple[str, bytes]:
        """Some kind of packet, and its name; an answer would have this salt."""
        kind = self._chance.choice(list(self.kinds))
        return kind, self.kinds[kind](salt)

    def _noise(self, _salt: str) -> bytes:
        magic = self._chance.choice([b"", b"plj0", b"plj0{", b'plj0{"msg":"'])
        return magic + self._chance.randbytes(self._chance.randrange(1400))

    def _deep(self, salt: str) -> bytes:
        """Brackets without an end, in the open or where only who has the key can put them."""
        deep = self._chance.choice("[{") * self._chance.randrange(30_000)
        if self._chance.random() < 0.5:
            return b"plj0" + deep.encode()
        return self._signed(self._text(1, "master.lab", salt) + deep)

    def _mutated(self, salt: str) -> bytes:
        data = bytearray(self._good(salt))
        for _ in range(self._chance.randrange(1, 6)):
            at = self._chance.randrange(len(data))
            data[at : at + self._chance.randrange(3)] = self._chance.randbytes(
                self._chance.randrange(3)
            )
        return bytes(data)

    def _another_key(self, salt: str) -> bytes:
        secret = self._chance.choice([b"", confd.SECRET.strip(), self._chance.randbytes(41)])
        return packet(signed(self._text(0, None, salt), self._now(), secret=secret))

    def _another_time(self, salt: str) -> bytes:
        skew = self._chance.choice([-1, 1]) * self._chance.randrange(302, 10**9)
        wrong = self._chance.choice([str(int(time.time()) + skew), "", "x", "-1", "9" * 5000])
        return packet(signed(self._text(0, None, salt), wrong))

    def _other_types(self, salt: str) -> bytes:
        outer = signed(self._text(0, None, salt), self._now())
        outer[self._chance.choice(list(outer))] = self._value(3)
        return packet(outer)

    def _any_message(self, _salt: str) -> bytes:
        return self._signed(json.dumps(self._value(4)))

    def _good(self, salt: str) -> bytes:
        """What only who has the key can send; whether it makes sense is another matter."""
        kind = self._chance.randrange(-1, 13)
        return self._signed(self._text(kind, self._query(), salt))

    def _query(self) -> Any:
        if self._chance.random() < 0.5:
            return self._chance.choice([None, *NAMES])
        keys = self._chance.sample("01234", self._chance.randrange(4))
        return {key: self._value(2) for key in keys}

    def _value(self, depth: int) -> Any:
        chance = self._chance
        many = range(chance.randrange(4) if depth else 0)
        return chance.choice(
            [
                *(None, True, 1, 0, -1, 1.5, 10**40, "\ud800", *NAMES),
                "".join(chance.choices(string.printable, k=chance.randrange(40))),
                [self._value(depth - 1) for _ in many],
                {chance.choice("0123x"): self._value(depth - 1) for _ in many},
            ]
        )

    def _text(self, kind: int, query: Any, salt: str) -> str:
        return confd.request_text(kind, query, rsalt=salt)

    def _signed(self, msg: str) -> bytes:
        return packet(signed(msg, self._now()))

    def _now(self) -> str:
        return str(int(time.time()))


class Fuzz:
    """One daemon, and all that was sent to it. Packets and answers are known by the salt of the answer."""

    def __init__(self, daemon: Confd, seed: int) -> None:
        self._daemon, self._maker = daemon, Maker(random.Random(seed))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(PATIENCE_S)
        self._socket.connect(("127.0.0.1", daemon.port))
        self.sent: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self._first: dict[str, int] = {}

    def run(self, packets: int) -> None:
        """Send so many, and judge."""
        warm_up = min(WARM_UP, packets // 2)
        while self.sent.total() < packets:
            self._round()
            if not self._first and self.sent.total() >= warm_up:
                self._first = self._belongings()
        self._judge()

    def _round(self) -> None:
        """Some packets and a good one, whose answer is the last to come."""
        first = self.sent.total()
        sent: dict[str, tuple[str, bytes]] = {}
        for number in range(first, first + TOGETHER):
            kind, data = self._maker.make(str(number))
            sent[str(number)] = kind, data[:MOST_BYTES]
            self.sent[kind] += 1
            self._socket.send(data[:MOST_BYTES])
        last = f"good-{first}"
        good = confd.request_text(3, rsalt=last)
        self._socket.send(packet(signed(good, str(int(time.time())))))
        while (salt := self._answer()) != last:
            kind, data = sent.get(salt, ("nothing", b""))
            self.answered[kind] += 1
            if not confd.is_authentic(data, time.time()):
                raise SystemExit(f"{kind} was answered: {data!r}")

    def _answer(self) -> str:
        """The salt of the next answer; one that is not made well ends it all."""
        try:
            data = self._socket.recv(MOST_BYTES)
        except TimeoutError:
            raise SystemExit("a good packet was not answered") from None
        salt, inner = confd.opened(data)
        if inner["status"] == 1 and inner["answer"] == 1:
            raise SystemExit(f"an internal error was answered: salt {salt}")
        return salt

    def _belongings(self) -> dict[str, int]:
        proc = Path(f"/proc/{self._daemon.pid}")
        lines = (proc / "status").read_text().splitlines()
        words = {name: value for name, _, value in (line.partition(":") for line in lines)}
        return {
            "resident kB": int(words["VmRSS"].split()[0]),
            "threads": int(words["Threads"]),
            "files": len(os.listdir(proc / "fd")),
        }

    def _judge(self) -> None:
        last = self._belongings()
        growth = last["resident kB"] - self._first["resident kB"]
        unexpected = [
            line
            for line in self._daemon.log().splitlines()
            if " INFO " not in line and "does not fit into a datagram" not in line
        ]
        summary = {
            "packets": self.sent.total(),
            "sent": self.sent,
            "answered": self.answered,
            "after the warm-up": self._first,
            "at the end": last,
            "log": unexpected[:10],
        }
        print(json.dumps(summary, indent=1))
        same = all(last[name] == self._first[name] for name in ("threads", "files"))
        if growth > MOST_GROWTH_KB or not same or unexpected:
            raise SystemExit("the daemon is not as it was")


def main() -> None:
    count = int(os.environ.get("PACKETS") or PACKETS)
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    print(f"{count} packets, SEED={seed}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as directory:
        paths = confd_daemon.places(Path(directory))
        confd_daemon.distribute(paths, config())
        with confd_daemon.running(paths) as daemon:
            Fuzz(daemon, seed).run(count)


if __name__ == "__main__":
    main()
