# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual tells of what exists, of all of it, and of nothing else."""

import re

import pytest

from ganeti.cli import main, options
from man import build

OPTION = r"(?<![\w-])--[a-z][a-z0-9-]*"
COMMAND = r"(?:``|^ +)(gnt-[a-z]+) ([a-z][a-z-]*)"


def known_options() -> set[str]:
    known = {"--help", "--version"}
    known |= {flag for option in options.ALWAYS for flag in option.flags}
    for tool in main.TOOLS:
        for command in main.load(tool).commands.values():
            known |= {flag for option in command.all_options() for flag in option.flags}
    for daemon in build.PARSERS:
        known |= set(re.findall(OPTION, build.daemon_help(daemon)))
    return known


def test_every_program_has_a_page() -> None:
    assert {*main.TOOLS, *build.PARSERS} <= set(build.names())


@pytest.mark.parametrize("tool", main.TOOLS)
def test_every_command_has_its_section(tool: str) -> None:
    text = build.page(tool)
    missing = [
        name
        for name in main.load(tool).commands
        if f"\n{name}\n{'-' * len(name)}\n\n::\n\n    {tool} {name}" not in text
    ]
    assert missing == []


@pytest.mark.parametrize("name", build.names())
def test_pages_render_without_a_warning(name: str) -> None:
    text = build.roff(name)
    assert ".TH" in text
    assert ".. " not in [line[:3] for line in text.splitlines()]


@pytest.mark.parametrize("name", build.names())
def test_pages_name_only_what_exists(name: str) -> None:
    text = build.source(name)
    assert set(re.findall(OPTION, text)) - known_options() == set()
    for tool, command in re.findall(COMMAND, text, re.MULTILINE):
        table = main.load(tool)
        assert command in {*table.commands, *table.aliases}, f"{tool} {command}"
