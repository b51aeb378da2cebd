# SPDX-License-Identifier: GPL-2.0-or-later
"""ganeti-masterd: owns the configuration and the job queue, and serves local clients.

The order of start-up, and the exit codes, are those of masterd ("Command line and start-up"): scripts
and the watcher know them. What needs threads or TLS before the process detaches (the vote, the
cluster's address) happens in a child process, so that the daemon starts clean.
"""

from __future__ import annotations

import argparse
import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Sequence

from ganeti import owners, paths, version
from ganeti.contracts.node.system import SystemCalls
from ganeti.errors import ConfigurationError, GenericError
from ganeti.exitcode import ExitCode
from ganeti.master import voting
from ganeti.master.master import Master
from ganeti.master.parts import Parts
from ganeti.master.startup import Startup
from ganeti.model import master_network
from ganeti.ssconf import Ssconf
from ganeti.utils import clock, daemon, daemon_life, daemon_options, net

log = logging.getLogger(__name__)

NAME = "ganeti-masterd"
SWITCH_INTERVAL_S = 0.001
STACK_BYTES = 512 * 1024
CONFIRMATION = "YES"


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The options of ganeti-masterd(8)."""
    text = f"{NAME} {version.VCS} {version.RELEASE}"
    parser = daemon_options.parser(NAME, "Master daemon of Ganeti.", text)
    parser.add_argument(
        "--no-voting",
        dest="voting",
        action="store_false",
        help="do not ask the other nodes who is master",
    )
    parser.add_argument(
        "--yes-do-it", dest="sure", action="store_true", help="confirm --no-voting beforehand"
    )
    return parser.parse_args(argv)


def check_is_master(places: paths.Paths, *, debug: bool) -> int:
    """0 on the master, 11 elsewhere (told only for `debug`: the watcher tries on every node), 12
    (with the reason told) on a host that is in no cluster."""
    try:
        master = Ssconf(places).get("master_node")
        me = net.resolve(net.own_name()).name
    except (GenericError, OSError) as err:
        sys.stderr.write(f"Cluster configuration incomplete: '{err}'\n")
        return ExitCode.NODE_SETUP_ERROR
    if master == me:
        return ExitCode.SUCCESS
    if debug:
        sys.stderr.write(f"{NAME}: the master is {master}, this is {me}\n")
    return ExitCode.NOT_MASTER


def confirm_no_voting(options: argparse.Namespace) -> bool:
    """`--no-voting` can make two masters, so somebody must mean it."""
    if options.voting or options.sure:
        return True
    sys.stdout.write(
        "Without a vote this host becomes master even if another one is. Make sure that the\n"
        f"other is down for good, then type {CONFIRMATION} in upper case: "
    )
    sys.stdout.flush()
    return sys.stdin.readline().strip() == CONFIRMATION


def in_child(work: Callable[[], str | None]) -> str | None:
    """Run in a child process; what it returns (an error text) comes back."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        _report(work, write_end)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        text = pipe.read().decode()
    _, status = os.waitpid(pid, 0)
    return text or (None if status == 0 else "the child process died")


def _report(work: Callable[[], str | None], pipe: int) -> None:
    """In the child: do the work, write its text, and end without cleaning up for the parent."""
    try:
        os.write(pipe, (work() or "").encode())
    except Exception as err:  # the rim of a process of its own
        log.exception("start-up step failed")
        os.write(pipe, f"{type(err).__name__}: {err}".encode())
    os._exit(0)


def main(
    argv: Sequence[str] | None = None,
    places: paths.Paths = paths.DEFAULT,
    parts: Parts | None = None,
) -> int:
    """Start and run; returns the exit code."""
    options = parse(sys.argv[1:] if argv is None else argv)
    try:
        daemon_options.check(options)
        daemon.check_user(NAME, owners.user_id("masterd"))
        code = check_is_master(places, debug=options.debug)
        if code != ExitCode.SUCCESS:
            return code
        parts = parts or Parts()
        startup = Startup(places, parts)
    except (GenericError, OSError) as err:
        return daemon_options.refuse(NAME, err)
    if not confirm_no_voting(options):
        return ExitCode.FAILURE
    # Somebody at a terminal who gives up waiting for the vote is to see no trace.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    refusal = in_child(lambda: _before_detaching(startup, options.voting))
    if refusal:
        return daemon_options.refuse(NAME, ConfigurationError(refusal))
    _tune()
    return daemon_life.live(NAME, options, places, lambda: Master(startup.renewed()))


def _before_detaching(startup: Startup, with_voting: bool) -> str | None:
    """The vote, and the cluster's address; a failure of the latter is only logged."""
    with startup.calls() as rpc:
        if with_voting:
            lost = voting.hold(rpc, startup.me, startup.targets(), clock.Clock())
            if lost:
                return f"this host may not be master: {lost}; see --no-voting"
        cluster = startup.cfg.cluster
        own = next(t for t in startup.targets() if t.uuid == cluster.master_node)
        reply = rpc.all([own], SystemCalls.node_activate_master_ip)(
            master_network.parameters(cluster), cluster.use_external_mip_script
        )[own.uuid]
        if reply.failed:
            sys.stderr.write(f"{NAME}: the cluster's address could not be set up: {reply.error}\n")
    return None


def _tune() -> None:
    """Many small jobs beside a large query: switch threads often; each client is a descriptor."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    threading.stack_size(STACK_BYTES)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
