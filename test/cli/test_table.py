# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables: sides, widths, separators, markers."""

from typing import Any

import pytest

from ganeti.cli import table
from ganeti.cli.table import Column

COLUMNS = [Column("Instance"), Column("Status"), Column("Memory", right=True)]
ROWS = [["cache.example.net", "running", "512M"], ["db2", "ADMIN_down", "-"]]


def test_numbers_stand_right_and_texts_left() -> None:
    assert table.render(COLUMNS, ROWS) == [
        "Instance          Status     Memory",
        "cache.example.net running      512M",
        "db2               ADMIN_down      -",
    ]


def test_the_last_column_is_not_padded_but_an_empty_cell_leaves_its_blank() -> None:
    columns = [Column("Name"), Column("Tags")]
    assert table.render(columns, [["n1", ""], ["n2", "a-long-one"]]) == [
        "Name Tags",
        "n1   ",
        "n2   a-long-one",
    ]


def test_a_separator_switches_padding_off() -> None:
    lines = table.render(COLUMNS, ROWS, separator="|", headers=False)
    assert lines == ["cache.example.net|running|512M", "db2|ADMIN_down|-"]


def test_no_rows_give_the_titles_alone() -> None:
    assert table.render(COLUMNS, []) == ["Instance Status Memory"]
    assert table.render(COLUMNS, [], headers=False) == []


def test_older_tables_pad_their_last_title() -> None:
    assert table.render([Column("Name")], [["debian+x"]], pad_last_title=True) == [
        "Name    ",
        "debian+x",
    ]


CELLS: list[tuple[str, list[Any], str]] = [
    ("text", [0, "web1"], "web1"),
    ("text", [0, None], "None"),
    ("bool", [0, True], "Y"),
    ("bool", [0, False], "N"),
    ("number", [0, 7], "7"),
    ("float", [0, 1.5], "1.5"),
    ("unit", [0, 1536], "1.5G"),
    ("unit", [0, None], "None"),
    ("timestamp", [0, 1_700_000_000], "2023-11-14 22:13:20"),
    ("timestamp", [0, None], "N/A"),
    ("other", [0, {"a": None}], "{'a': None}"),
    ("other", [0, []], "[]"),
    ("unknown", [1, None], "??"),
    ("text", [2, None], "?"),
    ("unit", [3, None], "-"),
    ("number", [4, None], "*"),
]


@pytest.mark.parametrize(("kind", "cell", "text"), CELLS)
def test_cells_by_kind(kind: str, cell: list[Any], text: str) -> None:
    column = table.column({"name": "x", "title": "X", "kind": kind}, "h")
    assert table.cell_text(cell, column, verbose=False) == text


def test_long_markers() -> None:
    words = [table.cell_text([status, None], COLUMNS[0], verbose=True) for status in (1, 2, 3, 4)]
    assert words == ["(unknown)", "(nodata)", "(unavail)", "(offline)"]


@pytest.mark.parametrize(
    ("pair", "text"),
    [([1_700_000_000, 42], "2023-11-14 22:13:20.000042"), (None, "?"), ([1], "?")],
)
def test_moments(pair: Any, text: str) -> None:
    assert table.moment(pair) == text
