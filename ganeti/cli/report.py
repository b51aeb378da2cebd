# SPDX-License-Identifier: GPL-2.0-or-later
"""What several commands say in the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ganeti.cli.command import Run


def changes(run: Run, kind: str, name: str, result: Sequence[Sequence[Any]] | None) -> bool:
    """What a ``modify`` changed; false if it has nothing to say."""
    if not result:
        return False
    run.say(f"Modified {kind} {name}")
    for key, value in result:
        run.say(f" - {key:<5} -> {value}")
    return True


def named(
    run: Run, kind: str, names: Sequence[str], ask: Callable[[Sequence[str]], list[Any]]
) -> list[Any]:
    """The rows of the objects with these names; the master leaves unknown ones out, so warn of them.

    Where nothing is left, the command has its own words.
    """
    rows = ask(names)
    if rows and len(rows) < len(set(names)):
        unknown = [name for name in dict.fromkeys(names) if not ask([name])]
        if unknown:
            run.note(f"Warning: there is no {kind} {', '.join(unknown)}")
    return rows
