# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-cluster command`` and ``copyfile``: SSH to many nodes, one after the other."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from ganeti.cli import filters
from ganeti.cli.command import Argument, Command, Run
from ganeti.cli.options import flag, value
from ganeti.errors import Code, OpPrereqError

NODES = value("-n", "--node", dest="nodes", repeat=True, metavar="NODE", doc="Only these nodes")
GROUP = value("-g", "--node-group", dest="nodegroup", metavar="GROUP", doc="Only this node group")
NAMES = flag("-M", "--show-machine-names", doc="Put the node's name before each line")
FAILURE_ONLY = flag("--failure-only", doc="Show only nodes where the command failed")
REPLICATION = flag("--use-replication-network", doc="Send the file over the secondary network")


class Peer(NamedTuple):
    """A node, and the address by which it is reached; empty for its name."""

    name: str
    address: str
    is_master: bool


def _peers(run: Run) -> list[Peer]:
    """The online nodes that are meant; skipped ones are named."""
    answer = run.world.client.Query("node", ["name", "offline", "sip", "master"], _filter(run.opts))
    rows = [[cell[1] for cell in row] for row in answer["data"]]
    group = run.opts.nodegroup
    if group and not rows and not run.world.client.QueryGroups([group], ["name"], False):
        raise OpPrereqError(f"there is no node group '{group}'", Code.UNKNOWN_ENTITY)
    offline = [name for name, is_offline, *_ in rows if is_offline]
    if offline:
        run.note(f"Note: skipping offline nodes {', '.join(offline)}")
    replication = getattr(run.opts, "use_replication_network", False)
    return [
        Peer(name, secondary_ip if replication else "", is_master)
        for name, is_offline, secondary_ip, is_master in rows
        if not is_offline
    ]


def _filter(opts: Any) -> list[Any] | None:
    group = opts.nodegroup
    return filters.all_of(
        filters.is_one_of("name", opts.nodes) if opts.nodes else None,
        ["|", ["==", "group", group], ["==", "group.uuid", group]] if group else None,
    )


def _command(run: Run) -> int:
    words = " ".join(run.args)
    for peer in sorted(_peers(run), key=lambda peer: peer.is_master):
        argv = run.world.ssh.command(peer.name, words)
        result = run.world.runner.run(argv, timeout_s=None)
        if not (run.opts.failure_only and result.returncode == 0):
            _show(run, peer.name, result.output, result.returncode)
    return 0


def _show(run: Run, name: str, output: str, exit_code: int) -> None:
    run.say("-" * 48)
    if run.opts.show_machine_names:
        run.show("".join(f"{name}: {line}\n" for line in output.splitlines()))
    else:
        run.say(f"node: {name}")
        run.say(output)
    run.say(f"return code = {exit_code}")


def _copyfile(run: Run) -> int:
    path = os.path.abspath(run.args[0])
    if not os.path.exists(path):
        raise OpPrereqError(f"there is no file '{path}' on this node", Code.WRONG_INPUT)
    for peer in _peers(run):
        if peer.is_master:
            continue
        argv = run.world.ssh.copy_command([path], peer.name, path, address=peer.address)
        result = run.world.runner.run(argv, timeout_s=None)
        if result.failed:
            run.note(f"Copying {path} to node {peer.name} failed: {result.error_text()}")
    return 0


COMMAND = Command(
    "Run a command on the nodes, the master last",
    _command,
    (Argument("command", 1, None),),
    (NODES, GROUP, NAMES, FAILURE_ONLY),
)
COPYFILE = Command(
    "Copy a file of this node to the other nodes",
    _copyfile,
    (Argument("file"),),
    (NODES, REPLICATION, GROUP),
)
