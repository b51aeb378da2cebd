# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-instance console``: connect to a console, or say how it is reached."""

from __future__ import annotations

import shlex
from typing import Any

from ganeti.cli.command import Argument, Command, Run
from ganeti.cli.options import PRIORITY, flag
from ganeti.errors import Code, OpExecError, OpPrereqError

SHOW_CMD = flag("--show-cmd", dest="show_command", doc="Only print the command")


def _console(run: Run) -> int:
    name = run.args[0]
    answer = run.world.client.Query(
        "instance", ["name", "console", "oper_state"], ["==", "name", name]
    )
    (full_name, console, running) = (cell[1] for cell in answer["data"][0])
    if not running:
        raise OpPrereqError(f"instance {full_name} does not run", Code.WRONG_STATE)
    if not console:
        raise OpExecError(f"the console of instance {full_name} is not known")
    return _KINDS[console["kind"]](run, console)


def _message(run: Run, console: dict[str, Any]) -> int:
    run.say(console["message"])
    return 0


def _ssh(run: Run, console: dict[str, Any]) -> int:
    command = console["command"]
    remote = command if isinstance(command, str) else shlex.join(command)
    argv = run.world.ssh.command(console["host"], remote, user=console["user"], tty=True)
    if run.opts.show_command:
        run.say(shlex.join(argv))
        return 0
    exit_code = run.world.runner.interactive(argv)
    if exit_code:
        raise OpExecError(
            f"the connection to the console of {console['instance']} ended with exit code "
            f"{exit_code}: {shlex.join(argv)}"
        )
    return 0


def _vnc(run: Run, console: dict[str, Any]) -> int:
    run.say(
        f"Instance {console['instance']} shows its screen by VNC at "
        f"{console['host']}:{console['port']} (display {console['display']})"
    )
    return 0


def _spice(run: Run, console: dict[str, Any]) -> int:
    run.say(
        f"Instance {console['instance']} shows its screen by SPICE at "
        f"{console['host']}:{console['port']}"
    )
    return 0


_KINDS = {"msg": _message, "ssh": _ssh, "vnc": _vnc, "spice": _spice}

COMMAND = Command(
    "Connect to the console of an instance",
    _console,
    (Argument("instance"),),
    (SHOW_CMD, PRIORITY),
)
