# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-node add``: prepare a host over SSH, then let a job make it a node."""

from __future__ import annotations

import contextlib
import typing
from collections.abc import Mapping
from typing import Any, NamedTuple

from ganeti.cli import failure, jobs
from ganeti.cli.command import Argument, Command, Run
from ganeti.cli.options import PRIORITY, VERBOSE, flag
from ganeti.errors import Code, OpPrereqError, ResolverError
from ganeti.opcodes.node import OpNodeAdd

if typing.TYPE_CHECKING:
    from ganeti.bootstrap.node_setup import SetupRequest
    from ganeti.ssh import FirstContact
    from ganeti.utils.net import Host

NO_KEY_CHECK = flag(
    "--no-ssh-key-check", dest="ssh_key_check", default=True, doc="Trust whatever host key it has"
)
FORCE_JOIN = flag("--force-join", doc="Of no effect any more")
NO_NODE_SETUP = flag("--no-node-setup", doc="Of no effect any more: the cluster's setting counts")

_GROUP_FIELDS = ("name", "ndp/ssh_port")
_USUAL_GROUP = "default"

_WARNING = """\
-- WARNING --
Adding this host gives it the cluster's SSH host keys, and lets root of every master candidate log in.
Its own SSH host keys are replaced (the old ones are kept beside them).
-- WARNING --"""


class Known(NamedTuple):
    """A node that the cluster knows already."""

    secondary_ip: str
    is_master: bool
    ssh_port: int


def _add(run: Run) -> int:
    host = _resolved(run, run.args[0])
    known = _known(run, host.name)
    _check(run, host.name, known)
    if known is None:
        _check_networks(run, host)
    if run.opts.force_join:
        run.note("Note: --force-join has no effect any more")
    if run.opts.no_node_setup:
        run.note("Warning: --no-node-setup has no effect, the cluster's setting counts")
    names = ("cluster_name", "modify_ssh_setup", "ssh_key_type", "ssh_key_bits")
    values = run.world.client.QueryConfigValues(list(names))
    settings = dict(zip(names, values, strict=True))
    if settings["modify_ssh_setup"]:
        run.note(_WARNING)
    _prepare(run, request(run, host, known, settings))
    op = run.opcode(
        OpNodeAdd,
        node_name=host.name,
        secondary_ip=run.opts.secondary_ip or (known.secondary_ip if known else None),
        node_setup=bool(settings["modify_ssh_setup"]),
    )
    jobs.submit(run, op)
    return 0


def _resolved(run: Run, name: str) -> Host:
    """The host with its address in the family that nodes use here."""
    from ganeti.utils import net

    family = int(run.world.ssconf.get("primary_ip_family"))
    try:
        return net.resolve(name, family=family)
    except ResolverError as err:
        raise OpPrereqError(str(err), Code.RESOLVER) from None


def _known(run: Run, name: str) -> Known | None:
    rows = run.world.client.QueryNodes([name], ["name", "sip", "master", "ndp/ssh_port"], False)
    return next((Known(*rest) for full_name, *rest in rows if full_name == name), None)


def _check(run: Run, name: str, known: Known | None) -> None:
    if known is None and run.opts.readd:
        raise failure.Complaint(f"Node {name} is not in the cluster; leave --readd out.")
    if known is not None and not run.opts.readd:
        raise failure.Complaint(
            f"Node {name} is in the cluster already; use --readd to take it in again."
        )
    if known is not None and known.is_master:
        raise failure.Complaint(f"Node {name} is the master; it cannot be taken in again.")
    _check_place(run, name, known)


def _check_place(run: Run, name: str, known: Known | None) -> None:
    """What the job would refuse, found before the host is changed for it."""
    from ganeti.utils import net

    address = run.opts.secondary_ip
    if address and not net.is_ipv4(address):
        raise OpPrereqError(f"'{address}' is not an IPv4 address", Code.WRONG_INPUT)
    if known is not None and address not in (None, known.secondary_ip):
        raise OpPrereqError(
            f"node {name} has the secondary address {known.secondary_ip};"
            " change it with 'gnt-node modify' first",
            Code.WRONG_INPUT,
        )
    if known is not None and run.opts.group:
        raise OpPrereqError("a node that is added again stays in its group", Code.WRONG_INPUT)


def _check_networks(run: Run, host: Host) -> None:
    """The new node must be reached as the master is, by one network or by two."""
    from ganeti.model import homing

    ssconf = run.world.ssconf
    name = ssconf.get("master_node")
    primary, secondary = (
        ssconf.table(f"node_{kind}_ips")[name] for kind in ("primary", "secondary")
    )
    own = homing.Addresses(host.address, run.opts.secondary_ip or host.address)
    homing.check(homing.Addresses(primary, secondary), own)


def request(run: Run, host: Host, known: Known | None, settings: Mapping[str, Any]) -> SetupRequest:
    """What the host is prepared with."""
    from ganeti.bootstrap.node_setup import SetupRequest

    return SetupRequest(
        name=host.name,
        address=host.address,
        ssh_port=known.ssh_port if known else _group_port(run),
        candidates=_candidates(run),
        check_host_key=run.opts.ssh_key_check,
        verbose=run.opts.verbose,
        debug=bool(run.opts.debug),
        **settings,
    )


def _prepare(run: Run, wanted: SetupRequest) -> None:
    from ganeti.bootstrap.node_setup import NodeSetup

    world = run.world
    with contextlib.closing(_contact(run, wanted)) as contact:
        NodeSetup(world.paths, world.disk, world.clock, contact).run(wanted)


def _contact(run: Run, wanted: SetupRequest) -> FirstContact:
    """SSH to the host, with the person there to judge its key and to type its password."""
    from ganeti.ssh import FirstContact
    from ganeti.utils.secret import Secret

    terminal = run.world.terminal

    def is_good(fingerprint: str) -> bool:
        return terminal.confirm(
            f"Host {wanted.name} ({wanted.address}) shows the unknown key {fingerprint}. "
            "Is this really the host's key?"
        )

    def password() -> Secret:
        return Secret(terminal.password(f"Password of root on {wanted.name}: "))

    return FirstContact(
        wanted.address,
        wanted.ssh_port,
        known_hosts=run.world.paths.known_hosts,
        confirm_key=is_good if wanted.check_host_key else None,
        ask_password=password if terminal.is_there() else None,
    )


def _group_port(run: Run) -> int:
    """The SSH port of nodes in the group where it will be: as asked, else the only one, or `default`."""
    group = run.opts.group
    ports = dict(run.world.client.QueryGroups([group] if group else [], _GROUP_FIELDS, False))
    if len(ports) == 1:
        (port,) = ports.values()
        return int(port)
    if group:
        raise OpPrereqError(f"there is no node group '{group}'", Code.UNKNOWN_ENTITY)
    if _USUAL_GROUP not in ports:
        raise OpPrereqError(
            f"say with -g which of the node groups it shall join: {', '.join(ports)}",
            Code.WRONG_INPUT,
        )
    return int(ports[_USUAL_GROUP])


def _candidates(run: Run) -> list[str]:
    answer = run.world.client.Query("node", ["uuid"], ["?", "master_candidate"])
    return [row[0][1] for row in answer["data"]]


COMMAND = Command(
    "Make a host a node of the cluster, or take a node in again",
    _add,
    (Argument("host"),),
    (
        *("secondary_ip", "readd", NO_KEY_CHECK, FORCE_JOIN, NO_NODE_SETUP, VERBOSE, "group"),
        *(PRIORITY, "master_capable", "vm_capable", "ndparams", "hv_state", "disk_state"),
    ),
    OpNodeAdd,
)
