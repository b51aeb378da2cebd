# SPDX-License-Identifier: GPL-2.0-or-later
"""A node daemon on loopback: calls a second over kept-alive connections, a few at a time.

    calls.py        prints the figure

The daemon is a process of its own, with TLS and locked memory; the caller's transport runs beside it.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

from ganeti.rpc.transport import Answer, Credentials, Request, Transport
from test.support import noded, pki
from test.support.noded import Noded

CALLS, ROUNDS = 5_000, 3
AT_A_TIME = 8


def round_per_s(transport: Transport, request: Request) -> float:
    started = time.perf_counter()
    pending: set[Future[Answer]] = set()
    for _ in range(CALLS):
        pending.add(transport.send(request))
        if len(pending) == AT_A_TIME:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            check(done)
    check(wait(pending).done)
    return CALLS / (time.perf_counter() - started)


def check(answers: set[Future[Answer]]) -> None:
    for answer in answers:
        if answer.result().status != 200:
            raise SystemExit(f"a call failed: {answer.result()}")


def calls_per_s(daemon: Noded) -> float:
    server, client = daemon.paths.server_pem, daemon.paths.client_pem
    transport = Transport(Credentials(server, (client, server)))
    request = Request(f"https://127.0.0.1:{daemon.port}/version", b"[]", 10, repeatable=True)
    try:
        return statistics.median(round_per_s(transport, request) for _ in range(ROUNDS))
    finally:
        transport.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        paths = noded.places(Path(directory) / "node")
        noded.let_in(paths, pki.node())
        with noded.running(paths) as daemon:
            print(calls_per_s(daemon))


if __name__ == "__main__":
    main()
