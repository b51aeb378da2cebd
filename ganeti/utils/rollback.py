# SPDX-License-Identifier: GPL-2.0-or-later
"""Undo, written down before it is needed.

with Rollback() as undo:
    disk.create()
    undo.on_failure(disk.remove)
    disk.grow(size)          # raises → disk.remove() runs, newest first
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

log = logging.getLogger(__name__)


class Rollback:
    """Runs what was registered if the block is left by an exception.

    `failed`: what could not be undone, for callers that must name it.
    """

    def __init__(self) -> None:
        self._steps: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self.failed: list[str] = []

    def on_failure(self, undo: Callable[..., Any], *args: Any) -> None:
        """Remember how to take a step back; newer steps are taken back first."""
        self._steps.append((undo, args))

    def commit(self) -> None:
        """From here on nothing is taken back."""
        self._steps.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._steps.clear()
        while self._steps:
            undo, args = self._steps.pop()
            self._run(undo, args)

    def _run(self, undo: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            undo(*args)
        except Exception as err:  # the first error is the one to raise
            what = getattr(undo, "__name__", repr(undo))
            self.failed.append(f"{what}: {err}")
            log.exception("cannot take back %s", what)
