# SPDX-License-Identifier: GPL-2.0-or-later
"""Trees on the terminal, as all ``info`` commands print them.

They can be read as YAML: ``KEY: VALUE``, children two blanks deeper, list items with ``- ``. Colon and
blank are always written, so a key with children ends in a blank (terminal output, "info").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


class Fields(dict[str, Any]):
    """A mapping printed in its own order (a plain dict is sorted by key).

    The values of the keys in `aligned` form a column.
    """

    def __init__(self, values: Mapping[str, Any], aligned: Iterable[str] = ()) -> None:
        super().__init__(values)
        self.aligned = frozenset(aligned)


def render(value: Any) -> str:
    """The text of a tree, with its final newline."""
    return "\n".join(_lines(value) or [""]) + "\n"


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict):
        return _mapping(value)
    if isinstance(value, list):
        return [line for item in value for line in _item(item)]
    return [_scalar(value)]


def _mapping(values: dict[str, Any]) -> list[str]:
    ordered = values.items() if isinstance(values, Fields) else sorted(values.items())
    aligned = values.aligned if isinstance(values, Fields) else frozenset()
    width = max(map(len, aligned), default=0) + 1
    lines = []
    for key, value in ordered:
        label = f"{key}:".ljust(width) if key in aligned else f"{key}:"
        if isinstance(value, dict | list):
            lines += [f"{label} ", *(f"  {line}" for line in _lines(value))]
        else:
            lines.append(f"{label} {_scalar(value)}")
    return lines


def _item(value: Any) -> list[str]:
    first, *rest = _lines(value) or [""]
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _scalar(value: Any) -> str:
    """A tuple is a short list on one line."""
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)


def inherited(own: Mapping[str, Any], actual: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters in force: an object's own are bare, the others say ``default (VALUE)``."""
    return {key: own.get(key, f"default ({value})") for key, value in actual.items()}


def romanized(value: Any) -> Any:
    """Positive integers as roman numerals, where the module for that is installed."""
    try:
        import roman  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return value
    return _mapped(value, lambda number: roman.toRoman(number) if 0 < number < 5000 else number)


def _mapped(value: Any, change: Callable[[int], Any]) -> Any:
    if isinstance(value, Fields):
        return Fields({k: _mapped(v, change) for k, v in value.items()}, value.aligned)
    if isinstance(value, dict):
        return {k: _mapped(v, change) for k, v in value.items()}
    if isinstance(value, list):
        return [_mapped(v, change) for v in value]
    return change(value) if type(value) is int else value
