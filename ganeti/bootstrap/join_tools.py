# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs that the master runs on other hosts over SSH: options, JSON on stdin, exit codes."""

from __future__ import annotations

import optparse
import sys
from collections.abc import Callable
from typing import Any

import simplejson

from ganeti.bootstrap.join import (
    Joining,
    PrepareRequest,
    SetupRequest,
    SshUpdateRequest,
    SslUpdateRequest,
    read_request,
)
from ganeti.errors import GenericError
from ganeti.paths import DEFAULT
from ganeti.schema.record import Record
from ganeti.utils.clock import Clock
from ganeti.utils.files import Disk
from ganeti.utils.process import Runner

Act = Callable[[Joining, Any], None]


def prepare_node_join(args: list[str]) -> int:
    return _run("prepare-node-join", args, PrepareRequest, Joining.prepare)


def node_daemon_setup(args: list[str]) -> int:
    return _run("node-daemon-setup", args, SetupRequest, Joining.set_up)


def ssl_update(args: list[str]) -> int:
    return _run("ssl-update", args, SslUpdateRequest, Joining.update_ssl)


def ssh_update(args: list[str]) -> int:
    return _run("ssh-update", args, SshUpdateRequest, Joining.update_ssh)


def _run(name: str, args: list[str], kind: type[Record], act: Act) -> int:
    parser = optparse.OptionParser(prog=name, usage="%prog < JSON")
    parser.add_option("-d", "--debug", action="count", default=0)
    parser.add_option("-v", "--verbose", action="store_true", default=False)
    parser.add_option("--dry-run", action="store_true", default=False)
    options, rest = parser.parse_args(args)
    if rest:
        parser.error("no arguments are expected")
    try:
        request = read_request(kind, simplejson.load(sys.stdin))
        joining = Joining(DEFAULT, Disk(), Runner(), Clock())
        joining.check(request)
        if not options.dry_run:
            act(joining, request)
    except (GenericError, ValueError, OSError) as err:
        sys.stderr.write(f"{name}: {err}\n")
        return 1
    if options.verbose:
        sys.stderr.write(f"{name}: done\n")
    return 0
