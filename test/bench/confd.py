# SPDX-License-Identifier: GPL-2.0-or-later
"""confd on loopback: node-role queries, 16 at a time, for each second of its processor time.

    confd.py        prints the figures as JSON

The sender is this process, its packets are made beforehand. What it did not get an answer to counts as
lost; it goes on with others.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import tempfile
import time
from pathlib import Path

from ganeti.confd import packet
from ganeti.confd.packet import Key, Message
from ganeti.contracts.confd import RequestType, request
from ganeti.model import configfile
from ganeti.model.config import Config
from test.bench import synthetic
from test.support import confd_daemon
from test.support.cluster import a_cluster
from test.support.confd import SECRET
from test.support.confd_daemon import Confd

SIZES = {20: "confd_per_cpu_s", 10_000: "confd_per_cpu_10000_s"}
LOSS = "confd_loss"
REQUESTS = 50_000
OUTSTANDING = 16
ROUNDS = 5
PATIENCE_S = 0.5
MOST_BYTES = 4096
KEYS = (*SIZES.values(), LOSS)


def figures() -> dict[str, float]:
    found: dict[str, float] = {}
    losses = []
    for instances, key in SIZES.items():
        rounds = measured(instances)
        found[key] = statistics.median(rate for rate, _ in rounds)
        losses += [loss for _, loss in rounds]
    return {**found, LOSS: statistics.mean(losses)}


def measured(instances: int) -> list[tuple[float, float]]:
    """Answers for each second of processor time, and the share that was lost, of some rounds."""
    cfg = configfile.load(
        synthetic.grown(configfile.encode(a_cluster().build()), instances, drbd=False)
    )
    with tempfile.TemporaryDirectory() as directory:
        paths = confd_daemon.places(Path(directory))
        confd_daemon.distribute(paths, cfg)
        with confd_daemon.running(paths) as daemon:
            return [one_round(daemon, packets(cfg)) for _ in range(ROUNDS)]


def packets(cfg: Config) -> list[bytes]:
    """Questions about all nodes in turn, each with a salt of its own."""
    key, salt = Key(SECRET), packet.time_salt(time.time())
    names = [node.name for node in cfg.nodes.values()]
    kind = RequestType.NODE_ROLE_BYNAME
    texts = (request(kind, names[n % len(names)]).encode() for n in range(REQUESTS))
    return [packet.pack(key, salt, Message.of(text)) for text in texts]


def one_round(daemon: Confd, requests: list[bytes]) -> tuple[float, float]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect(("127.0.0.1", daemon.port))
        before = cpu_s(daemon.pid)
        answered = exchange(sock, requests)
    return answered / (cpu_s(daemon.pid) - before), 1 - answered / len(requests)


def exchange(sock: socket.socket, requests: list[bytes]) -> int:
    """How many of the requests were answered, when so many are outstanding at any time."""
    answered = outstanding = 0
    for data in requests:
        sock.send(data)
        outstanding += 1
        if outstanding == OUTSTANDING:
            answered, outstanding = received(sock, answered, outstanding)
    while outstanding:
        answered, outstanding = received(sock, answered, outstanding)
    return answered


def received(sock: socket.socket, answered: int, outstanding: int) -> tuple[int, int]:
    try:
        sock.recv(MOST_BYTES)
    except TimeoutError:
        return answered, 0  # all of them are lost
    return answered + 1, outstanding - 1


def cpu_s(pid: int) -> float:
    """The time that the kernel spent for a process, inside and outside itself."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    print(json.dumps(figures()))
