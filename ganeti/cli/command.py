# SPDX-License-Identifier: GPL-2.0-or-later
"""What a command is, and what one run of it sees.

Each tool has a table of commands. A command says which arguments and options it takes and either names
the opcode it submits, or has a body of its own.
"""

from __future__ import annotations

import optparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from ganeti.cli import failure, options
from ganeti.cli.options import Option
from ganeti.cli.world import World
from ganeti.opcodes.base import OpCode

O = TypeVar("O", bound=OpCode)  # noqa: E741


class Argument(NamedTuple):
    """A positional argument, or several; only the last of a command may be without limit."""

    kind: str
    least: int = 1
    most: int | None = 1
    choices: tuple[str, ...] = ()


class Run:
    """One run of a command: options, arguments, and the world around it."""

    def __init__(
        self,
        world: World,
        tool: str,
        name: str,
        command: Command,
        *,
        opts: optparse.Values,
        args: Sequence[str],
    ) -> None:
        self.world, self.tool, self.name, self.command = world, tool, name, command
        self.opts, self.args = opts, list(args)

    def say(self, text: object = "") -> None:
        """A line of the result."""
        print(text, flush=True)

    def show(self, text: str) -> None:
        """Lines of the result, with their ends."""
        print(text, end="", flush=True)

    def confirm(self, question: str) -> None:
        """Ask; a no ends the command."""
        if not self.world.terminal.confirm(question):
            raise failure.Refused

    def note(self, text: object) -> None:
        """A line beside the result: errors, notes, warnings about the request."""
        print(text, file=sys.stderr, flush=True)

    def opcode(self, cls: type[O], **more: Any) -> O:
        """The opcode with the parameters that are among the command's options, and `more`."""
        own = [n for n in cls.PARAMETERS if n not in OpCode.SHARED]
        given = {n: getattr(self.opts, n) for n in own if hasattr(self.opts, n)}
        return cls(**{**given, **more})


Body = Callable[[Run], "int | None"]


class Command(NamedTuple):
    """One command of a tool. Texts in `options` name parameters of `opcode`."""

    about: str
    body: Body
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option | str, ...] = ()
    opcode: type[OpCode] | None = None

    def all_options(self) -> list[Option]:
        """The options, those of parameters worked out."""
        return [self._option(o) for o in self.options]

    def _option(self, option: Option | str) -> Option:
        if isinstance(option, Option):
            return option
        assert self.opcode is not None, f"option {option} needs an opcode"
        return options.of_parameter(self.opcode, option)

    def usage(self) -> str:
        """What follows the command's name in the usage line."""
        words = ["[options...]"] if self.options else []
        return " ".join([*words, *(_usage(a) for a in self.arguments)])


def _usage(argument: Argument) -> str:
    word = "|".join(argument.choices) or f"<{argument.kind}>"
    if argument.most != 1:
        word += "..."
    return word if argument.least else f"[{word}]"


class Tool(NamedTuple):
    """One ``gnt-*`` program. `env_defaults`: commands with default arguments in the environment."""

    about: str
    commands: Mapping[str, Command]
    aliases: Mapping[str, str]
    env_defaults: tuple[str, ...] = ()


def argument_problem(name: str, arguments: Sequence[Argument], count: int) -> str | None:
    """What is wrong with this number of arguments, if anything."""
    least = sum(a.least for a in arguments)
    most = None if any(a.most is None for a in arguments) else sum(a.most or 0 for a in arguments)
    if least <= count and (most is None or count <= most):
        return None
    if most == 0:
        wanted = "no arguments"
    elif least == most:
        wanted = f"{least} argument(s)"
    elif count < least:
        wanted = f"at least {least} argument(s)"
    else:
        wanted = f"only {most} argument(s)"
    return f"Error: Command {name} expects {wanted}"
