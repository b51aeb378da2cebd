# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-filter``: the rules that say which jobs may start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti.cli import jobs, listing
from ganeti.cli.command import Argument, Command, Run, Tool
from ganeti.cli.options import VERBOSE, value
from ganeti.errors import Code, GenericError, OpPrereqError

RULE = (
    value(
        "--priority", kind="int", default=0, metavar="N", doc="Rules with less are looked at first"
    ),
    value(
        "--predicates",
        kind="predicates",
        default=[],
        metavar="JSON",
        doc="What holds for the jobs in question: a JSON list of names and expressions; none is all",
    ),
    value(
        "--action",
        default="CONTINUE",
        doc="What becomes of them: ACCEPT, CONTINUE, PAUSE, REJECT or 'RATE_LIMIT n'",
    ),
)
ONE_RULE = (Argument("filter"),)
MAYBE_RULES = (Argument("filter", 0, None),)


def _add(run: Run) -> int:
    return _store(run, None)


def _replace(run: Run) -> int:
    return _store(run, run.args[0])


def _store(run: Run, uuid: str | None) -> int:
    opts = run.opts
    if opts.priority < 0:
        raise OpPrereqError("the priority of a filter must not be below zero", Code.WRONG_INPUT)
    reason = jobs.reason_trail(run)
    run.say(
        run.world.client.ReplaceFilter(uuid, opts.priority, opts.predicates, opts.action, reason)
    )
    return 0


def _delete(run: Run) -> int:
    run.world.client.DeleteFilter(run.args[0])
    return 0


_INFO = {
    "watermark": "Watermark",
    "priority": "Priority",
    "predicates": "Predicates",
    "action": "Action",
    "reason_trail": "Reason trail",
}


def _info(run: Run) -> int:
    rows = run.world.client.QueryFilters(run.args, ["uuid", *_INFO])
    for uuid, *values in rows:
        run.say("\n".join(_lines(uuid, values)))
    unknown = set(run.args) - {row[0] for row in rows}
    if unknown:
        raise GenericError(f"there is no filter with the UUID {', '.join(sorted(unknown))}")
    return 0


def _lines(uuid: str, values: Sequence[Any]) -> list[str]:
    shown = zip(_INFO.values(), values, strict=True)
    return [f"UUID: {uuid}", *(f"  {title}: {what}" for title, what in shown)]


TOOL = Tool(
    "the rules that say which jobs may start",
    {
        "add": Command("Add a filter", _add, (), RULE),
        "delete": Command("Delete a filter", _delete, ONE_RULE),
        "info": Command("Show all about filters", _info, MAYBE_RULES),
        "list": Command(
            "List filters, in the order in which they are looked at",
            lambda run: listing.list_named(run, listing.RULE),
            MAYBE_RULES,
            (*listing.TABLE, listing.OUTPUT, VERBOSE),
        ),
        "list-fields": listing.fields_command(listing.RULE, "List the fields of filters"),
        "replace": Command(
            "Replace a filter, or add it under the UUID that is given", _replace, ONE_RULE, RULE
        ),
    },
    {},
)
