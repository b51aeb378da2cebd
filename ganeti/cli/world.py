# SPDX-License-Identifier: GPL-2.0-or-later
"""What the commands see of the world around them, made when first used.

Each part costs import time, and most commands need only the connection to the master daemon.
"""

from __future__ import annotations

import contextlib
import functools
import os
import typing
from collections.abc import Mapping

from ganeti.cli.confirm import Terminal
from ganeti.errors import Code, OpPrereqError

if typing.TYPE_CHECKING:
    from ganeti.luxi.client import Client
    from ganeti.paths import Paths
    from ganeti.ssconf import Ssconf
    from ganeti.ssh import Ssh
    from ganeti.utils.clock import Clock
    from ganeti.utils.files import Disk
    from ganeti.utils.process import Runner


class World:
    """The real surroundings; tests put their own parts in place of these."""

    terminal: Terminal = Terminal()
    environ: Mapping[str, str] = os.environ

    @functools.cached_property
    def client(self) -> Client:
        """The connection to the master daemon, opened with the first call."""
        from ganeti.luxi.client import Client, forced_socket

        return Client(self.paths, socket_path=forced_socket(self.paths, self.environ))

    @functools.cached_property
    def paths(self) -> Paths:
        from ganeti.paths import Paths

        return Paths()

    @functools.cached_property
    def ssconf(self) -> Ssconf:
        from ganeti.ssconf import Ssconf

        return Ssconf(self.paths)

    @functools.cached_property
    def ssh(self) -> Ssh:
        from ganeti.ssh import Ssh

        return Ssh(self.paths, self.ssconf)

    @functools.cached_property
    def runner(self) -> Runner:
        from ganeti.utils.process import Runner

        return Runner()

    @functools.cached_property
    def clock(self) -> Clock:
        from ganeti.utils.clock import Clock

        return Clock()

    @functools.cached_property
    def disk(self) -> Disk:
        from ganeti.utils.files import Disk

        return Disk()

    def own_name(self) -> str:
        """The full name of this host."""
        from ganeti.utils import net

        return net.own_name()

    def start_log(self, program: str, debug: int, line: str) -> None:
        """Log to the commands' file, where that may be written, and with ``-d`` on the terminal."""
        import logging

        from ganeti.utils import log

        made = log.Log(program, debug=bool(debug))
        with contextlib.suppress(OSError):  # the file is root's; a full disk stops nobody either
            made.to_file(self.paths.commands_log, mode=log.OPEN_MODE)
        if debug:
            made.to_stderr()
        made.start()
        logging.getLogger(__name__).info(line)

    def explained(self, error: Exception) -> Exception:
        """The error; if no master daemon listens on this machine, what the person should know."""
        if type(error).__name__ != "NoMasterError":
            return error
        master = self.ssconf.get("master_node", default="")
        if not master:
            return OpPrereqError(
                "this machine is not in a cluster; make one with 'gnt-cluster init'",
                Code.WRONG_INPUT,
            )
        if master != self.own_name():
            return OpPrereqError(
                f"this is not the master of the cluster; run the command on {master}",
                Code.WRONG_INPUT,
            )
        return error
