# SPDX-License-Identifier: GPL-2.0-or-later
"""confd-client: asks a confd everything that its clients ask, and measures how fast it answers."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from ganeti import paths, version
from ganeti.confd.client import EXPIRE_S, ConfdClient, Upcall
from ganeti.confd.packet import Key, read_key
from ganeti.contracts.confd import (
    MasterField,
    NodeRole,
    Query,
    QueryKey,
    Reply,
    RequestType,
    Status,
    request,
)
from ganeti.errors import GenericError
from ganeti.utils import net

NAME = "confd-client"
MISSING = "Did not receive all expected confd replies"
NOT_THE_MASTER = "The node that confd names as master has another role"
MOST_IPS = 100
"""So many fit into a datagram, with their nodes."""


class Failure(GenericError):
    """The server is not as it should be."""


class Exercise:
    """Requests to one server, one after the other."""

    def __init__(
        self,
        key: Key,
        server: str,
        say: Callable[[str], object],
        *,
        port: int | None = None,
        timeout_s: float = EXPIRE_S,
    ) -> None:
        self._client = ConfdClient(key, [server], self._told, port=port)
        self._say, self._timeout_s = say, timeout_s
        self._replies: list[Reply] = []

    def _told(self, upcall: Upcall) -> None:
        if upcall.server_reply is not None:
            self._replies.append(upcall.server_reply)

    def ask(self, kind: RequestType, query: Query = None) -> Reply:
        """The reply; raises Failure if there is none in time."""
        self._replies.clear()
        salt = self._client.send(request(kind, query))
        self._client.wait_for_reply(salt, self._timeout_s)
        if not self._replies:
            raise Failure(MISSING)
        return self._replies[0]

    def functions(self) -> None:
        """Every question that clients have; raises Failure."""
        self._show("ping", RequestType.PING)
        master = self._show("cluster master", RequestType.CLUSTER_MASTER)
        fields: Query = {QueryKey.FIELDS: list(MasterField)}
        self._show("cluster master by fields", RequestType.CLUSTER_MASTER, fields)
        role = self._show("role of the master", RequestType.NODE_ROLE_BYNAME, str(master.answer))
        if role.answer != NodeRole.MASTER:
            raise Failure(NOT_THE_MASTER)
        self._show("primary IPs of nodes", RequestType.NODE_PIP_LIST)
        self._show("primary IPs of candidates", RequestType.MC_PIP_LIST)
        ips = self._show("instance IPs", RequestType.INSTANCES_IPS_LIST).answer[:MOST_IPS]
        self._show("their nodes", RequestType.NODE_PIP_BY_INSTANCE_IP, {QueryKey.IP_LIST: ips})
        for ip in ips[:1]:
            self._show(f"node of {ip}", RequestType.NODE_PIP_BY_INSTANCE_IP, {QueryKey.IP: ip})

    def close(self) -> None:
        self._client.close()

    def _show(self, what: str, kind: RequestType, query: Query = None) -> Reply:
        reply = self.ask(kind, query)
        if reply.status != Status.OK:
            raise Failure(f"{what}: status {reply.status}, answer {reply.answer}")
        self._say(f"{what}: {reply.answer}")
        return reply

    def timings(self, count: int) -> None:
        """How fast the server answers, one request after the other."""
        master = self.ask(RequestType.CLUSTER_MASTER).answer
        for what, kind, query in (
            ("ping", RequestType.PING, None),
            ("cluster master", RequestType.CLUSTER_MASTER, None),
            ("node role", RequestType.NODE_ROLE_BYNAME, str(master)),
        ):
            started = time.perf_counter()
            for _ in range(count):
                self.ask(kind, query)
            taken = time.perf_counter() - started
            self._say(f"{what}: {count} requests in {taken:.3f} s, {count / taken:.0f} per second")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The options of confd-client(8)."""
    text = f"{NAME} {version.VCS} {version.RELEASE}"
    parser = argparse.ArgumentParser(prog=NAME, description="Try a confd.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=text)
    parser.add_argument("--hmac", metavar="KEY", help="the key, instead of the cluster's file")
    parser.add_argument(
        "-a", "--address", default="127.0.0.1", help="server to ask (default: %(default)s)"
    )
    parser.add_argument(
        "-r",
        "--requests",
        type=int,
        default=100,
        metavar="COUNT",
        help="requests for each measurement, 0 for none (default: %(default)s)",
    )
    return parser.parse_args(argv)


def key_of(options: argparse.Namespace, places: paths.Paths) -> Key:
    """The line end of the file belongs to the key, but is hard to type."""
    if options.hmac is None:
        return read_key(places.hmac_key)
    return Key(f"{options.hmac.rstrip()}\n".encode())


def main(argv: Sequence[str] | None = None, places: paths.Paths = paths.DEFAULT) -> int:
    """Try one server; 0 if it answered everything, and rightly."""
    options = parse(sys.argv[1:] if argv is None else argv)
    try:
        exercise = Exercise(key_of(options, places), net.resolve(options.address).address, _say)
        exercise.functions()
        if options.requests > 0:
            exercise.timings(options.requests)
    except (GenericError, OSError) as err:
        sys.stderr.write(f"{err}\n")
        return 1
    return 0
