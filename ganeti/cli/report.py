# SPDX-License-Identifier: GPL-2.0-or-later
"""Result lines that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
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
