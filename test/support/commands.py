# SPDX-License-Identifier: GPL-2.0-or-later
"""What the commands declare, as plain values for comparisons and documentation."""

from __future__ import annotations

from ganeti.cli import listing, main
from ganeti.exitcode import ExitCode


def commands() -> dict[str, dict[str, dict[str, list[list[str]]]]]:
    """By tool and command: the flags of each option."""
    return {
        tool: {
            name: {"options": [list(option.flags) for option in command.all_options()]}
            for name, command in main.load(tool).commands.items()
        }
        for tool in main.TOOLS
    }


def aliases() -> dict[str, dict[str, str]]:
    """By tool and alias: the command."""
    return {tool: dict(main.load(tool).aliases) for tool in main.TOOLS}


def default_fields() -> dict[str, list[str]]:
    """The columns each kind of object is listed with."""
    return {resource.name: list(resource.default) for resource in listing.RESOURCES}


def exit_codes() -> dict[str, int]:
    return {code.name.lower(): int(code) for code in ExitCode}
