# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs that the master runs on other hosts over SSH: options, JSON on stdin, exit codes."""

from __future__ import annotations

import optparse
import sys
from collections.abc import Callable
from typing import Any

import simplejson

from ganeti import ssh_keys
from ganeti.bootstrap import secrets
from ganeti.bootstrap.join import Joining, PrepareRequest, SetupRequest, read_request
from ganeti.errors import GenericError
from ganeti.paths import DEFAULT
from ganeti.schema.record import Record, stored
from ganeti.utils.files import Disk
from ganeti.utils.process import Runner


class SshUpdateRequest(Record):
    """Input of ssh-update; each part is an action and keys by node."""

    cluster_name: str = stored()
    node_daemon_certificate: str | None = stored(default=None)
    public_keys: tuple[str, dict[str, list[str]]] | None = stored(default=None)
    authorized_keys: tuple[str, dict[str, list[str]]] | None = stored(default=None)
    generate: tuple[str, int, str] | None = stored(default=None)
    ssh_key_type: str | None = stored(default=None)
    ssh_key_bits: int | None = stored(default=None)


class SslUpdateRequest(Record):
    """Input of ssl-update."""

    cluster_name: str = stored()
    node_daemon_certificate: str = stored()
    node_name: str = stored()
    action: str = stored(default="create")


def prepare_node_join(args: list[str]) -> int:
    def act(joining: Joining, request: Any, dry_run: bool) -> None:
        joining.prepare(request, dry_run=dry_run)

    return _run("prepare-node-join", args, PrepareRequest, act)


def node_daemon_setup(args: list[str]) -> int:
    def act(joining: Joining, request: Any, dry_run: bool) -> None:
        joining.set_up(request, dry_run=dry_run)

    return _run("node-daemon-setup", args, SetupRequest, act)


def ssl_update(args: list[str]) -> int:
    def act(joining: Joining, request: Any, dry_run: bool) -> None:
        joining.check_cluster(request.cluster_name)
        if not dry_run and request.action == "create":
            secrets.write_client_certificate(DEFAULT, Disk(), request.node_name)

    return _run("ssl-update", args, SslUpdateRequest, act)


def ssh_update(args: list[str]) -> int:
    def act(joining: Joining, request: Any, dry_run: bool) -> None:
        joining.check_cluster(request.cluster_name)
        if not dry_run:
            update_keys(request)

    return _run("ssh-update", args, SshUpdateRequest, act)


def update_keys(request: Any) -> None:
    """Carry out the actions on authorized_keys and the file of public keys."""
    disk = Disk()
    root = ssh_keys.RootKeys(DEFAULT, disk, Runner())
    if request.authorized_keys:
        action, table = request.authorized_keys
        keys = [key for owned in table.values() for key in owned]
        if action in ("remove", "clear"):
            root.revoke(keys)
        else:
            root.authorize(keys)
    if request.public_keys:
        action, table = request.public_keys
        ssh_keys.PublicKeyFile(DEFAULT.ganeti_pub_keys, disk).apply(action, table)
    if request.generate:
        kind, bits, suffix = request.generate
        root.generate(kind, bits, suffix)


def _run(
    name: str,
    args: list[str],
    kind: type[Record],
    act: Callable[[Joining, Any, bool], None],
) -> int:
    parser = optparse.OptionParser(prog=name, usage="%prog < JSON")
    parser.add_option("-d", "--debug", action="count", default=0)
    parser.add_option("-v", "--verbose", action="store_true", default=False)
    parser.add_option("--dry-run", action="store_true", default=False)
    options, rest = parser.parse_args(args)
    if rest:
        parser.error("no arguments are expected")
    try:
        request = read_request(kind, simplejson.load(sys.stdin))
        act(Joining(DEFAULT, Disk(), Runner()), request, options.dry_run)
    except (GenericError, ValueError, OSError) as err:
        sys.stderr.write(f"{name}: {err}\n")
        return 1
    if options.verbose:
        sys.stderr.write(f"{name}: done\n")
    return 0
