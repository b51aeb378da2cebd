# SPDX-License-Identifier: GPL-2.0-or-later
"""Texts: the rules that users' scripts rely on."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from ganeti.errors import UnitParseError
from ganeti.utils import text


@pytest.mark.parametrize(
    ("unsorted", "expected"),
    [
        (["db10", "db2", "db1"], ["db1", "db2", "db10"]),
        (["b", "10", "9", "a"], ["9", "10", "a", "b"]),
        (
            ["disk.size/10", "disk.size/2", "disk.size/0"],
            ["disk.size/0", "disk.size/2", "disk.size/10"],
        ),
        (["web", "web1", ""], ["", "web", "web1"]),
        (["n01", "n1"], ["n01", "n1"]),
        (["n1", "n01"], ["n1", "n01"]),  # equal keys keep their order
        (["x²", "x1"], ["x1", "x²"]),  # a digit for Unicode, but no number
        (
            ["a1b2c3d4e5", "a1b2c3d4e10"],
            ["a1b2c3d4e10", "a1b2c3d4e5"],
        ),  # beyond eight runs: as text
    ],
)
def test_natural_order(unsorted: list[str], expected: list[str]) -> None:
    assert text.nice_sort(unsorted) == expected


def test_natural_order_by_a_key() -> None:
    rows = [("n10", 1), ("n9", 2)]
    assert text.nice_sort(rows, key=lambda row: row[0]) == [("n9", 2), ("n10", 1)]


@pytest.mark.parametrize(
    ("mib", "unit", "expected"),
    [
        (0, "h", "0M"),
        (64, "h", "64M"),
        (1023, "h", "1023M"),
        (1024, "h", "1.0G"),
        (1536, "h", "1.5G"),
        (1048575, "h", "1024.0G"),
        (1048576, "h", "1.0T"),
        (1536, "m", "1536"),
        (2.5, "m", "2"),  # to the even one
        (3.5, "m", "4"),
        (64, "g", "0.1"),
        (1536, "g", "1.5"),
        (1536, "t", "0.0"),
        (5 * 1024**3, "h", "5120.0T"),
    ],
)
def test_sizes_are_shown(mib: float, unit: str, expected: str) -> None:
    assert text.format_size(mib, unit) == expected


def test_a_strange_unit_is_a_bug() -> None:
    with pytest.raises(ValueError, match="k"):
        text.format_size(1, "k")


@pytest.mark.parametrize(
    ("given", "mib"),
    [
        ("0", 0),
        ("1", 4),
        ("4", 4),
        ("5", 8),
        ("1024", 1024),
        ("512m", 512),
        ("512 MB", 512),
        ("512MiB", 512),
        ("1g", 1024),
        ("1.5G", 1536),
        ("1.1g", 1128),  # 1126.4, the next whole one, the next multiple of 4
        ("10  gib", 10240),
        ("2t", 2 * 1024**2),
        ("0.1T", 104860),
        (" 7m ", 8),
        ("4.000000000000000000001", 8),  # exact, whatever a float would say
    ],
)
def test_sizes_are_read(given: str, mib: int) -> None:
    assert text.parse_size(given) == mib


@pytest.mark.parametrize(
    "given", ["", "m", "-1", "1x", "1.g", ".5g", "1 2", "1,5g", "1gb b", "1p", "٣"]
)
def test_what_is_no_size_is_refused_by_name(given: str) -> None:
    with pytest.raises(UnitParseError) as caught:
        text.parse_size(given)
    assert f"'{given}'" in str(caught.value)


@pytest.fixture
def three_hours_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "XXX-3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("three_hours_east")
def test_times_are_local() -> None:
    assert text.format_time(1_700_000_000.9) == "2023-11-15 01:13:20"
    assert text.format_time(None) == "N/A"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("plain text, even 'quoted\"", "plain text, even 'quoted\""),
        ("tab\tline\nreturn\r", "tab\\tline\\nreturn\\r"),
        ("bell\x07 delete\x7f", "bell\\x07 delete\\x7f"),
        ("ä € 😀", "\\xe4 \\u20ac \\U0001f600"),
        ("\udc80", "\\udc80"),
    ],
)
def test_safe_texts_are_printable_ascii(given: str, expected: str) -> None:
    assert text.safe(given) == expected


NAMES = ["web.example.com", "web2.example.com", "db.example.com", "db.example.net", "mail"]


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("web.example.com", ["web.example.com"]),
        ("web", ["web.example.com"]),
        ("WEB.Example", ["web.example.com"]),
        ("mail", ["mail"]),
        ("we", []),  # not up to a dot
        ("db", ["db.example.com", "db.example.net"]),
        ("db.example.net", ["db.example.net"]),
        ("", []),
    ],
)
def test_short_names(short: str, full: list[str]) -> None:
    assert text.matching_names(short, NAMES) == full


def test_an_exact_name_counts_before_longer_ones() -> None:
    assert text.matching_names("db", ["db.example.com", "db.example.net", "DB"]) == ["DB"]
