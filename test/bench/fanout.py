# SPDX-License-Identifier: GPL-2.0-or-later
"""One call of a thousand nodes: the master's side of the calls against stub endpoints on loopback.

    fanout.py                prints the seconds; wants a network namespace of its own
    fanout.py DIRECTORY      is the stub: serves until its standard input ends

Every stub node has an address of its own in 127/8, so every one has a connection of its own. All live
in one process beside the caller's, which makes the figure an upper bound: real nodes pay for TLS on
processors of their own.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ganeti import version
from ganeti.contracts.node.system import SystemCalls
from ganeti.http.channel import TlsSettings
from ganeti.http.messages import Request, Response
from ganeti.http.server import Server
from ganeti.rpc.runner import Rpc, Target
from ganeti.rpc.transport import Credentials, Transport
from test.http.clients import anybody
from test.support import pki

NODES = 1000
ROUNDS = 5
CERTIFICATE = "cluster.pem"
ANSWER = f"[true, {version.PROTOCOL}]".encode()


def all_versions(rpc: Rpc, nodes: list[Target]) -> float:
    """Seconds until every node has told its version."""
    started = time.perf_counter()
    replies = rpc.all(nodes, SystemCalls.version)()
    taken = time.perf_counter() - started
    failed = [reply for reply in replies.values() if reply.failed]
    if failed or len(replies) != len(nodes):
        raise SystemExit(f"{len(failed)} calls of {len(nodes)} failed, first: {failed[:1]}")
    return taken


def fanout_s() -> float:
    """Median of some rounds over connections that the first round opened."""
    nodes = [Target(str(n), f"stub{n}", f"127.1.{n // 250}.{n % 250 + 1}") for n in range(NODES)]
    with tempfile.TemporaryDirectory() as directory, stub(Path(directory)) as (port, credentials):
        transport = Transport(credentials)
        try:
            rpc = Rpc(transport, lambda uuid: nodes[int(uuid)], port=port)
            all_versions(rpc, nodes)
            return statistics.median(all_versions(rpc, nodes) for _ in range(ROUNDS))
        finally:
            transport.close()


@contextmanager
def stub(directory: Path) -> Iterator[tuple[int, Credentials]]:
    """The port of the stub nodes, and what opens them."""
    pki.node().save(directory / "client.pem")
    ca = pki.cluster().save(directory / CERTIFICATE)
    argv = [sys.executable, "-B", "-m", "test.bench.fanout", str(directory)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        yield (
            int(process.stdout.readline()),
            Credentials(ca, (str(directory / "client.pem"), ca)),
        )
        process.stdin.close()


def serve(directory: Path) -> None:
    def answer(_request: Request) -> Response:
        return Response(200, ANSWER)

    pem = str(directory / CERTIFICATE)
    tls = TlsSettings(pem, pem, pem, lambda _digest, _depth: True)
    server = Server("0.0.0.0", 0, tls, answer, anybody, max_handshakes=NODES)
    server.start()
    print(server.port, flush=True)
    sys.stdin.read()
    server.stop()


def main() -> None:
    if len(sys.argv) > 1:
        serve(Path(sys.argv[1]))
    else:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        print(fanout_s())


if __name__ == "__main__":
    main()
