# SPDX-License-Identifier: GPL-2.0-or-later
"""``list`` and ``list-fields`` of every kind of object.

Columns, markers and exit codes are an interface (terminal output, "Tables").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ganeti.cli import filters, table
from ganeti.cli.command import Argument, Command, Run
from ganeti.cli.options import VERBOSE, flag, value
from ganeti.cli.table import Formatter
from ganeti.errors import Code, OpPrereqError
from ganeti.exitcode import ExitCode


class Resource(NamedTuple):
    """What can be listed. `special`: columns whose text does not follow from their kind alone."""

    name: str
    default: tuple[str, ...]
    special: Mapping[str, Formatter] = {}
    name_field: str = "name"
    numeric: bool = False


def _comma(*fields: str) -> dict[str, Formatter]:
    return dict.fromkeys(fields, table.joined)


def _times(pairs: Any) -> str:
    return str([table.moment(pair) for pair in pairs])


def _or_dash(text: Formatter) -> Formatter:
    return lambda value: text(value) if value else "-"


def _pending(rows: Any) -> str:
    return ", ".join(f"{mode}:{table.joined(owners)}" for mode, owners in rows)


NODE = Resource(
    "node",
    ("name", "dtotal", "dfree", "mtotal", "mnode", "mfree", "pinst_cnt", "sinst_cnt"),
    _comma("pinst_list", "sinst_list", "tags"),
)
INSTANCE = Resource(
    "instance",
    ("name", "hypervisor", "os", "pnode", "status", "oper_ram"),
    _comma(
        *("tags", "disk.sizes", "nic.macs", "nic.ips", "nic.modes", "nic.links", "nic.bridges"),
        *("nic.networks", "snodes", "snodes.group", "snodes.group.uuid"),
    ),
)
JOB = Resource(
    "job",
    ("id", "status", "summary"),
    {**_comma("summary"), **dict.fromkeys(("opstart", "opexec", "opend"), _times)},
    name_field="id",
    numeric=True,
)
LOCK = Resource(
    "lock",
    ("name", "mode", "owner", "pending"),
    {"mode": _or_dash(str), "owner": _or_dash(table.joined), "pending": _or_dash(_pending)},
)
OS = Resource("os", ("name",))
RULE = Resource(
    "filter",
    ("uuid", "watermark", "priority", "predicates", "action", "reason_trail"),
    name_field="uuid",
)
RESOURCES = (NODE, INSTANCE, JOB, LOCK, OS, RULE)

NO_HEADERS = flag("--no-headers", doc="Leave out the line of titles")
SEPARATOR = value("--separator", doc="Put this between columns instead of padding them")
OUTPUT = value(
    "-o",
    "--output",
    metavar="FIELDS",
    doc="Fields to show, with commas between them; with a + in front they are added to the usual",
)
UNITS = value(
    "--units",
    kind="choice",
    choices=("h", "m", "g", "t"),
    doc="Sizes in MiB, GiB or TiB; h chooses for each",
)
FILTER = flag(
    "-F", "--filter", dest="force_filter", doc="Take the one argument as a filter expression"
)
TABLE = (NO_HEADERS, SEPARATOR)
LIST = (*TABLE, OUTPUT, VERBOSE, FILTER)


def list_command(resource: Resource, about: str) -> Command:
    """A ``list`` with names or a filter as arguments."""
    arguments = (Argument(resource.name, 0, None),)
    return Command(about, lambda run: list_named(run, resource), arguments, (*LIST, UNITS))


def fields_command(resource: Resource, about: str) -> Command:
    """A ``list-fields``."""
    return Command(
        about, lambda run: list_fields(run, resource), (Argument("field", 0, None),), TABLE
    )


def wanted_fields(output: str | None, default: tuple[str, ...]) -> list[str]:
    """The fields that ``-o`` asks for."""
    if output is None:
        return list(default)
    if output.startswith("+"):
        return [*default, *output[1:].split(",")]
    return output.split(",")


def list_named(run: Run, resource: Resource) -> int:
    """Print the table of the objects that the arguments ask for."""
    qfilter = asked_for(run, resource)
    _warn_of_unknown_names(run, resource)
    return show(run, resource, wanted_fields(run.opts.output, resource.default), qfilter)


def asked_for(run: Run, resource: Resource) -> filters.Filter | None:
    """What the arguments say."""
    return filters.from_arguments(
        run.args,
        force=getattr(run.opts, "force_filter", False),
        name_field=resource.name_field,
        numeric=resource.numeric,
    )


def _warn_of_unknown_names(run: Run, resource: Resource) -> None:
    """Names alone must all exist, says the master; beside a pattern it passes unknown ones over."""
    field, names = resource.name_field, [w for w in run.args if not filters.is_pattern(w)]
    if len(names) == len(run.args):
        return
    for name in names:
        try:
            run.world.client.Query(resource.name, [field], ["==", field, name])
        except OpPrereqError as err:
            if err.code != Code.UNKNOWN_ENTITY:
                raise
            run.note(f"Warning: {err}")


def show(run: Run, resource: Resource, fields: list[str], qfilter: Any = None) -> int:
    """Query and print; the exit code says whether all fields were known."""
    answer = run.world.client.Query(resource.name, fields, qfilter)
    definitions = answer["fields"]
    exit_code = _warn_of_unknown_fields(run, definitions)
    unit = getattr(run.opts, "units", None) or ("h" if run.opts.separator is None else "m")
    columns, rows = cells(answer, resource, unit, verbose=run.opts.verbose)
    _print(run, columns, rows)
    return exit_code


def cells(
    answer: Mapping[str, Any], resource: Resource, unit: str, *, verbose: bool = False
) -> tuple[list[table.Column], list[list[str]]]:
    """Columns and texts of a query's answer."""
    columns = [table.column(d, unit, resource.special.get(d["name"])) for d in answer["fields"]]
    rows = [
        [
            table.cell_text(cell, col, verbose=verbose)
            for cell, col in zip(row, columns, strict=True)
        ]
        for row in answer["data"]
    ]
    return columns, rows


def _warn_of_unknown_fields(run: Run, definitions: list[dict[str, Any]]) -> int:
    unknown = [d["name"] for d in definitions if d["kind"] == "unknown"]
    if not unknown:
        return ExitCode.SUCCESS
    run.note(f"Warning: Queried for unknown fields {', '.join(unknown)}")
    return ExitCode.UNKNOWN_FIELD


def _print(run: Run, columns: list[table.Column], rows: list[list[str]]) -> None:
    lines = table.render(
        columns, rows, headers=not run.opts.no_headers, separator=run.opts.separator
    )
    if lines:
        run.say("\n".join(lines))


def list_fields(run: Run, resource: Resource) -> int:
    """Print the fields there are, or those that were asked for."""
    definitions = run.world.client.QueryFields(resource.name, run.args or None)["fields"]
    exit_code = _warn_of_unknown_fields(run, definitions)
    columns = [table.Column(title) for title in ("Name", "Type", "Title", "Description")]
    rows = [[d["name"], table.KIND_NAMES[d["kind"]], d["title"], d["doc"]] for d in definitions]
    _print(run, columns, rows)
    return exit_code
