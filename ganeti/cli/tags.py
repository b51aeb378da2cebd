# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands about tags, the same for every kind of object."""

from __future__ import annotations

import sys
from typing import Literal

from ganeti.cli import jobs
from ganeti.cli.command import Argument, Command, Run
from ganeti.cli.options import PRIORITY, SUBMIT, value
from ganeti.errors import Code, OpPrereqError
from ganeti.opcodes.tags import OpTagsDel, OpTagsSet

Kind = Literal["cluster", "instance", "node"]

FROM = value(
    "--from",
    dest="tags_source",
    metavar="FILE",
    doc="Read more tags from a file, one per line; - is standard input",
)


def commands(kind: Kind) -> dict[str, Command]:
    """``list-tags``, ``add-tags`` and ``remove-tags`` of one kind of object."""
    named = () if kind == "cluster" else (Argument(kind),)
    several = (*named, Argument("tag", 0, None))
    options = (FROM, *SUBMIT, PRIORITY)

    def show(run: Run) -> int:
        name = run.args[0] if run.args else ""
        for tag in sorted(run.world.client.QueryTags(kind, name)):
            run.say(tag)
        return 0

    def change(run: Run, opcode: type[OpTagsSet | OpTagsDel]) -> int:
        name = run.args.pop(0) if named else ""
        jobs.submit(run, opcode(kind=kind, name=name, tags=_tags(run)))
        return 0

    return {
        "add-tags": Command(
            f"Add tags to the {kind}", lambda run: change(run, OpTagsSet), several, options
        ),
        "list-tags": Command(f"Show the tags of the {kind}", show, named),
        "remove-tags": Command(
            f"Take tags away from the {kind}", lambda run: change(run, OpTagsDel), several, options
        ),
    }


def _tags(run: Run) -> list[str]:
    tags = [*run.args, *_from_source(run.opts.tags_source)]
    if not tags:
        raise OpPrereqError("no tags were given", Code.WRONG_INPUT)
    return tags


def _from_source(source: str | None) -> list[str]:
    """One tag per line; blank lines do not count."""
    if source is None:
        return []
    try:
        if source == "-":
            return _stripped(sys.stdin.read())
        with open(source, encoding="utf-8") as file:
            return _stripped(file.read())
    except (OSError, UnicodeDecodeError) as err:
        raise OpPrereqError(
            f"the file of tags '{source}' cannot be read: {err}", Code.WRONG_INPUT
        ) from None


def _stripped(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
