# SPDX-License-Identifier: GPL-2.0-or-later
"""From a command line to an exit code: ``TOOL COMMAND [options] [arguments]``."""

from __future__ import annotations

import importlib
import optparse
import os
import shlex
import sys
import textwrap
from collections.abc import Sequence
from typing import NoReturn

from ganeti import version
from ganeti.cli import failure, jobs, options
from ganeti.cli.command import Command, Run, Tool, argument_problem
from ganeti.cli.options import Option
from ganeti.cli.world import World
from ganeti.errors import Code, GenericError, OpPrereqError

TOOLS = (
    *("gnt-cluster", "gnt-debug", "gnt-filter", "gnt-instance", "gnt-job", "gnt-node", "gnt-os"),
)
WIDTH = 79
NAME_WIDTH = 60


def load(name: str) -> Tool:
    """The table of a tool's commands."""
    module = importlib.import_module(f"ganeti.cli.{name.replace('-', '_')}")
    tool: Tool = module.TOOL
    return tool


def run(name: str) -> NoReturn:
    """What the launchers call. Python's tidying up at exit is left out: nothing is left to tidy."""
    code = main(name)
    os._exit(code)


def main(name: str, argv: Sequence[str] | None = None, world: World | None = None) -> int:
    """Run one command; the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    world = world or World()
    tool = load(name)
    try:
        code = _run(name, tool, words, world)
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads on: the rest of the output, and Python's flush at exit, must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as err:  # the last of the output could not be written
        _complain(failure.describe(err)[1])
        return 1
    except KeyboardInterrupt:
        _complain("Interrupted. Jobs that were submitted go on; see 'gnt-job list'.")
        return 1
    return code


def _run(name: str, tool: Tool, words: list[str], world: World) -> int:
    if words[:1] == ["--version"]:
        print(f"{name} {version.VCS} {version.RELEASE}")
        return 0
    command_name = tool.aliases.get(words[0], words[0]) if words else ""
    if command_name not in tool.commands:
        print(overview(name, tool))
        return int(words[:1] != ["--help"])
    try:
        argv = [*_environment_defaults(name, command_name, tool, world), *words[1:]]
        return _run_command(name, command_name, tool.commands[command_name], argv, world)
    except SystemExit as end:
        return int(end.code or 0)
    except failure.Refused as refused:
        return refused.exit_code
    except jobs.Submitted as submitted:
        _complain(f"JobID: {submitted.job_id}")
        return 0
    except BrokenPipeError:
        raise
    except (GenericError, failure.Complaint, OSError) as err:
        code, text = failure.describe(world.explained(err))
        _complain(text)
        return code


def _environment_defaults(name: str, command_name: str, tool: Tool, world: World) -> list[str]:
    """Options that the person always wants, as ``GNT_INSTANCE_LIST='--no-headers'``."""
    if command_name not in tool.env_defaults:
        return []
    variable = f"{name}_{command_name}".replace("-", "_").upper()
    try:
        return shlex.split(world.environ.get(variable, ""))
    except ValueError as err:
        raise failure.Complaint(f"The environment variable {variable} is wrong: {err}") from None


def _run_command(
    name: str, command_name: str, command: Command, argv: list[str], world: World
) -> int:
    usage = f"%prog {command_name} {command.usage()}".rstrip()
    known = command.all_options()
    opts, args = options.read(name, usage, command.about, known, argv)
    problem = argument_problem(command_name, command.arguments, len(args))
    if problem:
        _complain(problem)
        return 1
    for argument, word in zip(command.arguments, args, strict=False):
        if argument.choices and word not in argument.choices:
            raise OpPrereqError(
                f"'{word}' is not known here; use one of {', '.join(argument.choices)}",
                Code.WRONG_INPUT,
            )
    world.start_log(f"{name} {command_name}", opts.debug, _for_log(known, opts, args))
    return command.body(Run(world, name, command_name, command, opts=opts, args=args)) or 0


def _for_log(known: Sequence[Option], opts: optparse.Values, args: Sequence[str]) -> str:
    """What was asked for; private values stay out of the log."""
    given = [o for o in known if getattr(opts, o.dest) not in (o.default, None)]
    shown = {o.dest: "***" if o.kind == options.PRIVATE else getattr(opts, o.dest) for o in given}
    return f"arguments {args}, options {shown}"


def _complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def overview(name: str, tool: Tool) -> str:
    """The list of commands."""
    width = min(max(map(len, tool.commands)), NAME_WIDTH)
    lines = [
        f"Usage: {name} COMMAND [options...] [arguments...]",
        f"{name} COMMAND --help tells more about one command; {name}: {tool.about}",
        "",
        "Commands:",
    ]
    for command_name in sorted(tool.commands):
        about = textwrap.wrap(tool.commands[command_name].about, WIDTH - 3 - width) or [""]
        lines.append(f" {command_name:<{width}} - {about[0]}")
        lines += [" " * (width + 4) + line for line in about[1:]]
    return "\n".join([*lines, ""])
