# SPDX-License-Identifier: GPL-2.0-or-later
"""Texts as users know them: natural order, sizes, times, short names."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from ganeti.errors import UnitParseError

T = TypeVar("T")

_RUNS = re.compile(r"\d+|\D+", re.ASCII)
_MOST_RUNS = 8
_SIZE = re.compile(r"([0-9]+)(?:\.([0-9]+))?\s*([a-z]*)", re.ASCII)
_MIB = {
    f"{letter}{rest}": factor
    for letter, factor in (("m", 1), ("g", 1024), ("t", 1024**2))
    for rest in ("", "b", "ib")
} | {"": 1}


def nice_key(value: str) -> tuple[tuple[int, int | str], ...]:
    """Sort key in which ``db2`` comes before ``db10``: eight runs of digits and others, and the rest."""
    runs = _RUNS.findall(value)
    key: list[tuple[int, int | str]] = [
        (0, int(run)) if "0" <= run[0] <= "9" else (1, run) for run in runs[:_MOST_RUNS]
    ]
    if len(runs) > _MOST_RUNS:
        key.append((1, "".join(runs[_MOST_RUNS:])))
    return tuple(key)


def nice_sort(values: Iterable[T], key: Callable[[T], str] = str) -> list[T]:
    return sorted(values, key=lambda value: nice_key(key(value)))


def format_size(mib: float, unit: str) -> str:
    """MiB as text: unit ``h`` chooses and adds a suffix, ``m``, ``g`` and ``t`` are bare."""
    if unit not in ("h", "m", "g", "t"):
        raise ValueError(f"unknown unit '{unit}'")
    suffix = unit == "h"
    if unit == "m" or (suffix and mib < 1024):
        return f"{round(mib)}{'M' if suffix else ''}"
    if unit == "g" or (suffix and mib < 1024 * 1024):
        return f"{mib / 1024:.1f}{'G' if suffix else ''}"
    return f"{mib / 1024 / 1024:.1f}{'T' if suffix else ''}"


def parse_size(value: str) -> int:
    """``10g`` and the like in MiB, rounded up to a multiple of 4; raises UnitParseError."""
    found = _SIZE.fullmatch(value.strip().lower())
    if found is None:
        raise UnitParseError(f"'{value}' is not a size such as 512m or 1.5g")
    whole, fraction, unit = found[1], found[2] or "", found[3]
    if unit not in _MIB:
        raise UnitParseError(f"'{value}' has the unknown unit '{unit}'; use m, g or t")
    mib: int = -(-int(whole + fraction) * _MIB[unit] // 10 ** len(fraction))
    return mib + -mib % 4


def format_time(seconds: float | None) -> str:
    """Local time as tables show it; ``N/A`` for none."""
    if seconds is None:
        return "N/A"
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def safe(value: str) -> str:
    """ASCII, with everything else as backslash escapes; printable on any terminal."""
    escaped = value.encode("ascii", "backslashreplace").decode()
    table = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
    return "".join(table.get(c, c if 32 <= ord(c) < 127 else f"\\x{ord(c):02x}") for c in escaped)


def matching_names(short: str, names: Iterable[str]) -> list[str]:
    """The name that is `short`, or else all that begin with it up to a dot, whatever the case."""
    wanted = short.lower()
    begins = []
    for name in names:
        lower = name.lower()
        if lower == wanted:
            return [name]
        if lower.startswith(wanted + "."):
            begins.append(name)
    return begins
