# SPDX-License-Identifier: GPL-2.0-or-later
"""ganeti-noded: executes what the master asks of this host.

The daemon is to work with a dead disk: it locks itself into RAM, imports every module at start, plays a first
request to load the rest, keeps keys and lists in memory and logs through a queue that drops rather than blocks.
Guests never depend on it.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence

from ganeti import owners, paths, version
from ganeti.errors import GenericError
from ganeti.exitcode import ExitCode
from ganeti.http import rehearsal
from ganeti.http.channel import TlsSettings
from ganeti.http.server import Server
from ganeti.node import peers, powercycle, queue_check
from ganeti.node.deposed import Deposition
from ganeti.node.fence import Fence
from ganeti.node.host import Host
from ganeti.node.hypervisors.registry import Hypervisors
from ganeti.node.machine import Machine
from ganeti.node.server import Dispatcher, all_handlers
from ganeti.ssconf import Ssconf
from ganeti.utils import clock, daemon, daemon_life, daemon_options, files, net, process, x509
from ganeti.utils import log as logs

log = logging.getLogger(__name__)

NAME = "ganeti-noded"
STACK_BYTES = 256 * 1024
REHEARSED = b"POST /version HTTP/1.1\r\nHost: rehearsal\r\nContent-Length: 2\r\n\r\n[]"
STOP_S = 20.0
"""For the requests in progress. With the time for the log it is less than `daemon-util stop` waits."""


def parse(argv: Sequence[str], places: paths.Paths) -> argparse.Namespace:
    """The options of ganeti-noded(8)."""
    text = f"{NAME} {version.VCS} {version.RELEASE}"
    parser = daemon_options.parser(NAME, "Node daemon of Ganeti.", text)
    daemon_options.add_listener(parser, NAME)
    daemon_options.add_server(parser, places.server_pem)
    parser.add_argument(
        "--no-mlock", dest="mlock", action="store_false", help="do not lock the memory"
    )
    return parser.parse_args(argv)


class NodeDaemon:
    """The running daemon; made after the process has detached, because it has threads."""

    def __init__(self, options: argparse.Namespace, places: paths.Paths, address: str) -> None:
        self._options, self._paths = options, places
        self._stop = os.eventfd(0)
        self._gone = threading.Event()
        self._disk = files.Disk()
        self._ssconf = Ssconf(places)
        self._peers = self._known_peers() if options.ssl else None
        runner, time, machine = process.Runner(), clock.Clock(), Machine()
        fence = Fence(places.master_epoch, self._disk)
        host = Host(
            paths=places,
            runner=runner,
            disk=self._disk,
            clock=time,
            ssconf=self._ssconf,
            fence=fence,
            machine=machine,
            kernel=powercycle.real_kernel(),
            hypervisors=Hypervisors(places, runner, time, machine),
            ssconf_changed=self.ssconf_changed,
            stop=self.stop,
        )
        fence.when_missed = Deposition(host)
        dispatcher = Dispatcher(all_handlers(host), fence)
        rehearsal.rehearse(self._tls(), REHEARSED, dispatcher)
        self._server = Server(
            address,
            options.port,
            self._tls(),
            dispatcher,
            self._peers.authorize if self._peers else peers.everyone,
            max_clients=options.max_clients,
            is_urgent=dispatcher.is_urgent,
        )

    def _known_peers(self) -> peers.Peers:
        path = self._options.ssl_cert
        digest = x509.digest(files.read_text(path), path)
        return peers.Peers(self._ssconf, digest)

    def _tls(self) -> TlsSettings | None:
        if self._peers is None:
            return None
        key, certificate = self._options.ssl_key, self._options.ssl_cert
        return TlsSettings(key, certificate, certificate, self._peers.accept)

    @property
    def port(self) -> int:
        return self._server.port

    def ssconf_changed(self) -> None:
        """A call has written ssconf: from now on the new list of candidates counts."""
        if self._peers:
            self._peers.reload()

    def run(self, ready: Callable[[], None]) -> int:
        """Serve until `stop`; requests in progress are answered before this returns, if they end soon."""
        queue_check.check(self._paths, self._disk)
        if self._options.mlock:
            daemon.lock_memory()
        if self._peers:
            follow = threading.Thread(target=self._peers.follow, args=(self._gone,), daemon=True)
            follow.start()
        self._server.start()
        log.info("listening on port %d", self.port)
        ready()
        os.read(self._stop, 8)  # goes on when a signal's handler has run
        log.info("stopping")
        self._gone.set()
        self._server.stop(STOP_S)
        return ExitCode.SUCCESS

    def stop(self) -> None:
        """End the daemon; safe in a signal handler and in a request's thread."""
        os.eventfd_write(self._stop, 1)


def main(argv: Sequence[str] | None = None, places: paths.Paths = paths.DEFAULT) -> int:
    """Start and run; returns the exit code."""
    options = parse(sys.argv[1:] if argv is None else argv, places)
    try:
        daemon_options.check(options)
        daemon_options.check_server(options)
        daemon.check_user(NAME, owners.user_id("noded"))
        family = int(Ssconf(places).get("primary_ip_family", default=str(net.IPV4)))
        address = daemon_options.bind_address(options, family)
    except (GenericError, OSError) as err:
        return daemon_options.refuse(NAME, err)
    if options.debug:
        sys.stderr.write(f"{NAME}: debug messages in the log contain secrets of instances\n")
    threading.stack_size(STACK_BYTES)
    return daemon_life.live(
        NAME,
        options,
        places,
        lambda: NodeDaemon(options, places, address),
        log_fallback=logs.CONSOLE,
    )
