# SPDX-License-Identifier: GPL-2.0-or-later
"""ganeti-confd: answers questions about the configuration from memory, on master candidates.

It needs the key of the cluster, and nothing of other nodes or daemons. Where there is no configuration
file it runs and answers nothing. The key is read once: after it was renewed the daemon is started again.
"""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from collections.abc import Callable, Sequence

from ganeti import owners, paths, version
from ganeti.confd import packet
from ganeti.confd.packet import Key
from ganeti.confd.reload import Reload
from ganeti.confd.responder import Responder
from ganeti.confd.server import Server
from ganeti.errors import GenericError
from ganeti.exitcode import ExitCode
from ganeti.ssconf import Ssconf
from ganeti.utils import clock, daemon, daemon_life, daemon_options, net
from ganeti.utils.file_watch import FileWatch

log = logging.getLogger(__name__)

NAME = "ganeti-confd"
SWITCH_INTERVAL_S = 0.001
"""Requests are to be answered while a large configuration is read."""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The options of ganeti-confd(8)."""
    text = f"{NAME} {version.VCS} {version.RELEASE}"
    parser = daemon_options.parser(NAME, "Configuration query daemon of Ganeti.", text)
    daemon_options.add_listener(parser, NAME)
    return parser.parse_args(argv)


class ConfdDaemon:
    """The running daemon."""

    def __init__(self, key: Key, places: paths.Paths, address: str, port: int) -> None:
        self._clock = clock.Clock()
        responder = Responder(key, self._clock)
        self._reload = Reload(places.config_data, responder.put_in_service)
        self._watch = FileWatch(places.config_data, self._clock)
        self._server = Server(address, port, responder.reply)

    @property
    def port(self) -> int:
        return self._server.port

    def run(self, ready: Callable[[], None]) -> int:
        """Answer until `stop`. The watch begins before the first look, so that no change is missed."""
        self._watch.wait(0)
        self._reload.look(told=False)
        threading.Thread(target=self._follow, name="Reload", daemon=True).start()
        log.info("listening on port %d", self.port)
        ready()
        self._server.serve()
        log.info("stopping")
        return ExitCode.SUCCESS

    def _follow(self) -> None:
        self._reload.follow(self._watch, self._clock)

    def stop(self) -> None:
        """End `run`; from another thread."""
        self._server.stop()


def main(argv: Sequence[str] | None = None, places: paths.Paths = paths.DEFAULT) -> int:
    """Start and run; returns the exit code."""
    options = parse(sys.argv[1:] if argv is None else argv)
    try:
        daemon_options.check(options)
        daemon.check_user(NAME, owners.user_id("confd"))
        key = packet.read_key(places.hmac_key)
        family = int(Ssconf(places).get("primary_ip_family", default=str(net.IPV4)))
        address = daemon_options.bind_address(options, family)
    except (GenericError, OSError) as err:
        return daemon_options.refuse(NAME, err)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    return daemon_life.live(
        NAME, options, places, lambda: ConfdDaemon(key, places, address, options.port)
    )
