# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual pages: prose of ``man/NAME.rst``, with synopsis and options from the declarations.

``.. commands::`` in a page stands for the commands of the tool; the sections after it are notes on
single commands. ``.. options::`` stands for the options of a daemon or tool.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

from docutils.core import publish_string
from docutils.writers import manpage

from ganeti import paths
from ganeti.cli import main as cli
from ganeti.cli import options
from ganeti.cli.command import Command
from ganeti.cli.options import Option
from ganeti.confd import daemon as confd
from ganeti.confd import exercise
from ganeti.master import daemon as masterd
from ganeti.node import daemon as noded

SOURCES = Path(__file__).parent
COMMANDS, OPTIONS = ".. commands::\n", ".. options::\n"
PARSERS: dict[str, Callable[[], object]] = {
    "confd-client": lambda: exercise.parse(["--help"]),
    "ganeti-confd": lambda: confd.parse(["--help"]),
    "ganeti-masterd": lambda: masterd.parse(["--help"]),
    "ganeti-noded": lambda: noded.parse(["--help"], paths.Paths()),
}
SETTINGS = {
    "report_level": 2,
    "halt_level": 2,
    "output_encoding": "unicode",
    "file_insertion_enabled": False,
    "_disable_config": True,
}


def names() -> list[str]:
    """The pages there are."""
    return sorted(path.stem for path in SOURCES.glob("*.rst"))


def source(name: str) -> str:
    return (SOURCES / f"{name}.rst").read_text(encoding="utf-8")


def section(name: str) -> str:
    """The section of the manual that a page says it belongs to."""
    found = re.search(r"^:Manual section: (\d)$", source(name), re.MULTILINE)
    if found is None:
        raise ValueError(f"{name}.rst does not say its manual section")
    return found[1]


def page(name: str) -> str:
    """A page as reStructuredText, complete."""
    head, mark, notes = source(name).partition(COMMANDS)
    body = head + _commands(name, _notes(notes)) if mark else head
    if name in PARSERS:
        body = body.replace(OPTIONS, "::\n\n" + _indented(daemon_help(name)))
    others = ", ".join(f"{other}({section(other)})" for other in names() if other != name)
    return f"{body}\n{_title('See also', '=')}\n{others}\n"


def roff(name: str) -> str:
    """A page for man(1); a warning of docutils is an error."""
    return str(publish_string(page(name), writer=manpage.Writer(), settings_overrides=SETTINGS))


def daemon_help(name: str) -> str:
    """What a daemon says to ``--help``."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        PARSERS[name]()
    return said.getvalue()


def _notes(text: str) -> dict[str, str]:
    """The hand-written sections, by command."""
    _, *parts = re.split(r"^([a-z-]+)\n-+\n", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _commands(name: str, notes: dict[str, str]) -> str:
    tool = cli.load(name)
    if unknown := notes.keys() - tool.commands.keys():
        raise ValueError(f"{name}.rst describes commands that do not exist: {sorted(unknown)}")
    parts = [_title("Options of every command", "="), _option_list(list(options.ALWAYS))]
    parts.append(_title("Commands", "="))
    for command_name, command in sorted(tool.commands.items()):
        also = [alias for alias, real in tool.aliases.items() if real == command_name]
        parts.append(_command(f"{name} {command_name}", command, also, notes.get(command_name, "")))
    return "\n".join(parts)


def _command(words: str, command: Command, also: list[str], note: str) -> str:
    other = f" Also: {', '.join(f'``{alias}``' for alias in also)}." if also else ""
    usage = f"{words} {command.usage()}".rstrip()
    return "\n".join(
        [
            _title(words.split()[1], "-"),
            f"::\n\n    {usage}\n",
            f"{_escaped(command.about)}.{other}\n",
            note,
            _option_list(command.all_options()),
        ]
    )


def _option_list(known: list[Option]) -> str:
    return "\n".join(
        f"{', '.join(f'``{_spelt(option, flag)}``' for flag in option.flags)}\n"
        f"    {_escaped(option.doc)}\n"
        for option in known
    )


def _spelt(option: Option, flag: str) -> str:
    if option.kind in ("store_true", "store_false", "store_const", "count"):
        return flag
    word = option.metavar or "|".join(option.choices) or option.dest.upper()
    return f"{flag}={word}" if flag.startswith("--") else f"{flag} {word}"


def _title(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}\n"


def _escaped(text: str) -> str:
    return re.sub(r"([\\*`|_])", r"\\\1", text)


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" if line else "\n" for line in text.splitlines())


def build(directory: Path) -> None:
    """All pages, as ``NAME.SECTION``."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in names():
        (directory / f"{name}.{section(name)}").write_text(roff(name), encoding="utf-8")


if __name__ == "__main__":
    build(Path(sys.argv[1]))
