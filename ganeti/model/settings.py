# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings of the cluster that its making and its changing check in the same way.

Pure functions; they return the value as it is stored and raise OpPrereqError.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable

from ganeti.errors import Code, OpPrereqError
from ganeti.model.params import declare
from ganeti.schema import types

MAC_PREFIX = re.compile(r"[0-9a-z]{2}(:[0-9a-z]{2}){2}")
COMPRESSION_TOOL = re.compile(r"[-_a-zA-Z0-9]+")
UIDS = range(2**32)
DATA_COLLECTORS = ("cpu-avg-load", "diskstats", "drbd", "inst-status-xen", "lv", "xen-cpu-avg-load")
NEW_COLLECTOR = {"active": True, "interval": 5_000_000}
"""How a data collector starts; the interval is in microseconds."""

Range = tuple[int, int]

_image = types.checker(declare.OptionalImage)


def _wrong(message: str) -> OpPrereqError:
    return OpPrereqError(message, Code.WRONG_INPUT)


def mac_prefix(text: str) -> str:
    if not MAC_PREFIX.fullmatch(text.lower()):
        raise _wrong(f"MAC prefix '{text}' is not of the form aa:00:00")
    return text.lower()


def netmask(length: int, *, ipv6: bool) -> int:
    """The prefix length of the cluster's address."""
    most = 128 if ipv6 else 32
    if not 0 < length <= most:
        raise _wrong(f"netmask {length} is not between 1 and {most}")
    return length


def directory(path: str) -> str:
    """A directory for the disks of instances."""
    if not os.path.isabs(path) or os.path.normpath(path) != path:
        raise _wrong(f"'{path}' is not an absolute path in normal form")
    return path


def image(text: str) -> str:
    """The image of a helper VM, or an empty text for none."""
    try:
        _image(text)
    except types.Mismatch as err:
        raise _wrong(f"image '{text}': {err}") from None
    return text


def compression_tools(names: Iterable[str]) -> list[str]:
    """Programs that may compress instances while they are moved."""
    names = list(names)
    wrong = [name for name in names if not COMPRESSION_TOOL.fullmatch(name)]
    if wrong or not names:
        raise _wrong(
            f"name compression tools by letters, digits, - and _, not by {wrong or 'none'}"
        )
    return names


def reserved_lvs(patterns: Iterable[str]) -> list[str]:
    """Regular expressions for volumes that are not the cluster's."""
    patterns = list(patterns)
    for pattern in patterns:
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as err:
            raise _wrong(f"reserved volume '{pattern}' is no regular expression: {err}") from None
    return patterns


def uid_pool(ranges: Iterable[Range]) -> list[Range]:
    """Ranges of user ids, each with its ends, in order."""
    pool = sorted((int(low), int(high)) for low, high in ranges)
    for low, high in pool:
        if low > high or low not in UIDS or high not in UIDS:
            raise _wrong(f"{low}-{high} is no range of user ids (0 to {UIDS[-1]}, low end first)")
    return pool


def uids_changed(pool: Iterable[Range], add: Iterable[Range], take: Iterable[Range]) -> list[Range]:
    """The pool with some ranges added and then some taken away, which must be there as such."""
    ranges = {*uid_pool(pool), *uid_pool(add)}
    for low, high in uid_pool(take):
        if (low, high) not in ranges:
            raise _wrong(f"the user ids {low}-{high} are no range of the pool")
        ranges.remove((low, high))
    return sorted(ranges)


def collector_names(names: Collection[str]) -> None:
    unknown = sorted(set(names) - set(DATA_COLLECTORS))
    if unknown:
        known = ", ".join(DATA_COLLECTORS)
        raise _wrong(f"unknown data collector {', '.join(unknown)} (known: {known})")
