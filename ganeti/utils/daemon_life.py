# SPDX-License-Identifier: GPL-2.0-or-later
"""The life of a daemon once its options are known to be good: every daemon lives the same."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Protocol

from ganeti.errors import GenericError
from ganeti.paths import Paths
from ganeti.utils import daemon, daemon_options
from ganeti.utils import log as logs


class Daemon(Protocol):
    """What a daemon does between its start and its end."""

    def run(self, ready: Callable[[], None]) -> int:
        """Work until `stop`, and say `ready` once others may rely on it; returns the exit code."""

    def stop(self) -> None:
        """End `run`; from another thread, and any number of times."""


def live(
    name: str,
    options: argparse.Namespace,
    places: Paths,
    make: Callable[[], Daemon],
    *,
    log_fallback: str | None = None,
) -> int:
    """Detach unless told otherwise, make the daemon and let it run; returns the exit code.

    What goes wrong before it is ready is told by the process that was started. `log_fallback` takes
    the log when its file cannot be written.
    """
    log_file = places.daemon_log(name)
    sink = os.devnull if options.syslog == "only" else log_file
    detached = daemon.foreground() if options.foreground else daemon.detach(sink)
    try:
        with daemon.PidFile(places.pid_file(name)):
            told = logs.for_daemon(
                name,
                log_file,
                debug=options.debug,
                syslog=options.syslog,
                foreground=options.foreground,
                fallback=log_fallback,
                queued=True,
            )
            made = make()
            daemon.on_signals(daemon.stopper(made.stop, told.stop), told.reopen)
            daemon.end_with_any_thread(told.stop)
            code = made.run(detached.ready)
    except (GenericError, OSError) as err:
        detached.failed(str(err))
        return daemon_options.refuse(name, err)
    return daemon.end_at_once(told.stop, code)
