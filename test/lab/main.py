# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands of `tools/ganeti-lab`."""

from __future__ import annotations

import argparse
import os
import signal
import sys

from test.lab import cluster, faults, needs
from test.lab.hosts import State
from test.lab.lab import Lab
from test.lab.places import DEFAULT_BASE, DEFAULT_NAME, lab_place
from test.lab.programs import LabError

EXIT_FAILED = 1


def say(text: str) -> None:
    print(text, flush=True)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="ganeti-lab", description="Hosts made of namespaces.")
    which = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    for place in (top, which):  # before the command or after it
        place.add_argument("--name", help=f"which lab (default {DEFAULT_NAME})")
        place.add_argument("--dir", help=f"default $GANETI_LAB_DIR or {DEFAULT_BASE}")
    top.set_defaults(name=DEFAULT_NAME)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", parents=[which], help="make a lab")
    up.add_argument("--hosts", type=int, default=3, metavar="N")
    up.add_argument("--bare", action="store_true", help="without the product")
    up.add_argument("--cluster", action="store_true", help="make the hosts a cluster")
    up.add_argument("--ipv6", action="store_true", help="the cluster's primary addresses are IPv6")
    up.add_argument("--hypervisor", default="kvm", help="the cluster's hypervisor (default kvm)")
    up.set_defaults(run=run_up)

    execute = commands.add_parser("exec", parents=[which], help="run a command in a host")
    execute.add_argument("host")
    execute.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND...")
    execute.set_defaults(run=run_exec)

    shell = commands.add_parser("shell", parents=[which], help="a shell in a host")
    shell.add_argument("host")
    shell.set_defaults(run=run_shell)

    status = commands.add_parser("status", parents=[which], help="how the hosts are")
    status.set_defaults(run=run_status)

    fault = commands.add_parser(
        "fault",
        parents=[which],
        help="give a host a fault",
        description=faults.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fault.add_argument("host")
    fault.add_argument("fault", choices=list(faults.FAULTS))
    fault.add_argument("arguments", nargs="*", metavar="PEER")
    fault.set_defaults(run=run_fault)

    down = commands.add_parser("down", parents=[which], help="end a lab and remove all of it")
    down.set_defaults(run=run_down)
    return top


def run_up(lab: Lab, options: argparse.Namespace) -> None:
    if options.cluster and options.bare:
        raise LabError("--cluster needs the product: leave out --bare")
    lab.up(options.hosts, say, product=not options.bare)
    if options.cluster:
        try:
            cluster.make(lab, cluster.Wish(options.hypervisor, options.ipv6), say)
        except LabError as err:
            raise LabError(f"{err}\n{still_up(lab)}") from err


def still_up(lab: Lab) -> str:
    """A lab that is no cluster is kept: in it one can see why."""
    which = f"--name {lab.place.name} --dir {lab.place.base}"
    return f"the hosts are up: look around by `exec` and `shell`, then `ganeti-lab down {which}`"


def run_exec(lab: Lab, options: argparse.Namespace) -> None:
    lab.host(options.host).become(typed_command(options.argv))


def typed_command(argv: list[str]) -> list[str]:
    """What stands after `--`, which argparse leaves in place since Python 3.13."""
    command = argv[1:] if argv[:1] == ["--"] else argv
    if not command:
        raise LabError("exec: give a command after --")
    return command


def run_shell(lab: Lab, options: argparse.Namespace) -> None:
    lab.host(options.host).become(["/bin/bash", "--login"])


def run_status(lab: Lab, options: argparse.Namespace) -> None:
    say(f"lab {lab.place.name} in {lab.place.directory}")
    cuts = lab.description.cuts
    for host in lab.hosts:
        notes = [f"cut from {cut.peer or 'all'}" for cut in cuts if cut.host == host.name]
        notes += [f"cut from {cut.host}" for cut in cuts if cut.peer == host.name]
        if host.state is State.UP and host.data_is_filled:
            notes.append("disk filled")
        processes = len(host.place.cgroup.processes())
        address = f"{host.address.primary} {host.address.secondary}"
        say(f"{host.name} {host.state} {address} {processes} processes {', '.join(notes)}".rstrip())


def run_fault(lab: Lab, options: argparse.Namespace) -> None:
    faults.inject(lab, options.host, options.fault, options.arguments)


def run_down(lab: Lab, options: argparse.Namespace) -> None:
    lab.down()


def end_on_signal(number: int, frame: object) -> None:
    """A terminated `up` must clean up as an interrupted one does."""
    raise SystemExit(128 + number)


def main() -> int:
    options = parser().parse_args()
    signal.signal(signal.SIGTERM, end_on_signal)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # and so it is in what `exec` runs
    try:
        needs.require_root(os.geteuid())
        options.run(Lab(lab_place(options.name, options.dir)), options)
    except LabError as err:
        print(f"ganeti-lab: {err}", file=sys.stderr)
        return EXIT_FAILED
    return 0
