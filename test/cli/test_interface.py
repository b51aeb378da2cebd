# SPDX-License-Identifier: GPL-2.0-or-later
"""The words that scripts know: commands, aliases, options, arguments, exit codes.

A change of these golden files is a change of the interface.
"""

from collections.abc import Callable

from ganeti.cli import main
from test.support import commands


def test_commands_and_options(golden: Callable[[str, str], None]) -> None:
    lines = []
    for name in main.TOOLS:
        tool = main.load(name)
        for command_name, command in sorted(tool.commands.items()):
            arguments = [(a.kind, a.least, a.most, *a.choices) for a in command.arguments]
            lines.append(f"{name} {command_name} {arguments}")
            for option in sorted(command.all_options()):
                lines.append(f"  {' '.join(option.flags)} {option.kind} {option.default!r}")
        lines += [f"{name} {alias} = {target}" for alias, target in sorted(tool.aliases.items())]
    golden("cli/commands.txt", "\n".join([*lines, ""]))


def test_aliases_lead_somewhere() -> None:
    for name in main.TOOLS:
        tool = main.load(name)
        assert set(tool.aliases.values()) <= set(tool.commands)
        assert set(tool.env_defaults) <= set(tool.commands)


def test_no_option_is_declared_twice() -> None:
    for name in main.TOOLS:
        for command in main.load(name).commands.values():
            flags = [flag for option in command.all_options() for flag in option.flags]
            assert len(flags) == len(set(flags))


def test_default_columns() -> None:
    defaults = commands.default_fields()
    assert defaults["instance"] == ["name", "hypervisor", "os", "pnode", "status", "oper_ram"]
    assert defaults["job"] == ["id", "status", "summary"]
    assert defaults["lock"] == ["name", "mode", "owner", "pending"]
    assert defaults["os"] == ["name"]
    assert defaults["node"] == [
        *("name", "dtotal", "dfree", "mtotal", "mnode", "mfree", "pinst_cnt", "sinst_cnt"),
    ]


def test_exit_codes() -> None:
    assert commands.exit_codes() == {
        "success": 0,
        "failure": 1,
        "not_cluster": 5,
        "not_master": 11,
        "node_setup_error": 12,
        "confirmation_needed": 13,
        "unknown_field": 14,
    }
