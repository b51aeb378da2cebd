# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables on the terminal: texts of cells by their kind, alignment, widths.

The layout is an interface: scripts cut columns out of it (terminal output, "Tables").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ganeti.utils import text

Formatter = Callable[[Any], str]

NUMERIC_KINDS = ("number", "float", "unit")
MARKERS = {
    1: ("??", "(unknown)"),
    2: ("?", "(nodata)"),
    3: ("-", "(unavail)"),
    4: ("*", "(offline)"),
}
"""What stands for a cell without a value: by result status, short and (-v) long."""

KIND_NAMES = {
    "text": "Text",
    "bool": "Boolean",
    "number": "Number",
    "float": "Floating-point number",
    "unit": "Storage size",
    "timestamp": "Timestamp",
    "other": "Custom",
    "unknown": "Unknown",
}


class Column(NamedTuple):
    """One column: its title, its side, how a value becomes text."""

    title: str
    right: bool = False
    show: Formatter = str


def moment(pair: Any) -> str:
    """Local time of ``[seconds, microseconds]``; ``?`` if it is none."""
    match pair:
        case [int(seconds), int(micros)]:
            return f"{text.format_time(seconds)}.{micros:06d}"
    return "?"


def joined(values: Iterable[Any] | None) -> str:
    """A list without blanks, as columns show it."""
    return str(None) if values is None else ",".join(map(str, values))


def _yes(value: Any) -> str:
    return "Y" if value else "N"


def column(definition: dict[str, Any], unit: str, special: Formatter | None = None) -> Column:
    """The column of a field definition as a query answers it."""
    kind = definition["kind"]
    by_kind: dict[str, Formatter] = {
        "bool": _yes,
        "timestamp": text.format_time,
        "unit": lambda mib: str(None) if mib is None else text.format_size(mib, unit),
    }
    return Column(definition["title"], kind in NUMERIC_KINDS, special or by_kind.get(kind, str))


def cell_text(cell: Sequence[Any], col: Column, *, verbose: bool) -> str:
    """The text of a ``[status, value]`` cell."""
    status, value = cell
    if status:
        return MARKERS[status][verbose]
    return col.show(value)


def _pad(cell: str, width: int, col: Column, *, last: bool) -> str:
    if col.right:
        return cell.rjust(width)
    return cell if last else cell.ljust(width)


def render(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    headers: bool = True,
    separator: str | None = None,
    pad_last_title: bool = False,
) -> list[str]:
    """The lines of a table whose cells are texts already.

    `pad_last_title` is how the older commands print their line of titles.
    """
    titles = [c.title for c in columns]
    lines = [titles, *rows] if headers else list(rows)
    if separator is not None:
        return [separator.join(line) for line in lines]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    last = len(columns) - 1

    def line(cells: Sequence[str], *, pad_last: bool) -> str:
        return " ".join(
            _pad(cell, width, col, last=i == last and not pad_last)
            for i, (cell, width, col) in enumerate(zip(cells, widths, columns, strict=True))
        )

    return [line(cells, pad_last=pad_last_title and cells is titles) for cells in lines]
