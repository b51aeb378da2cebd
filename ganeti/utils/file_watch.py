# SPDX-License-Identifier: GPL-2.0-or-later
"""Waiting until a file may have become another one, by inotify on its directory.

The directory is watched, not the file, because files are replaced by renaming. A watch can be lost (its
directory was removed, moved or covered by a mount; events overflowed): then it is made anew, and the
file counts as changed. Where there is no inotify, or no pyinotify, the caller has to look once a second.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from typing import Any

from ganeti.utils.clock import Clock

try:
    import pyinotify
except ImportError:  # newer Pythons lack a module that it needs, unless pyasyncore is installed
    pyinotify = None

log = logging.getLogger(__name__)

POLL_S = 1.0
EVENTS = (
    *("IN_CLOSE_WRITE", "IN_MOVED_TO", "IN_MOVED_FROM", "IN_DELETE"),
    *("IN_DELETE_SELF", "IN_MOVE_SELF", "IN_ONLYDIR"),
)


class FileWatch:
    """Watches one file, which need not exist. One thread uses it.

    `begin` makes the watch of a directory for the name of a file in it.
    """

    def __init__(
        self, path: str, clock: Clock, begin: Callable[[str, str], Watch] | None = None
    ) -> None:
        self._directory, self._name = os.path.split(path)
        self._clock, self._begin_watch = clock, begin or Watch
        self._watch: Watch | None = None
        self._told = ""

    def wait(self, timeout_s: float) -> bool:
        """Return when the file has changed, or may have: True; or earlier, or at the end of the time."""
        if self._watch is None or self._watch.is_lost():
            self.close()
            return self._begin(timeout_s)
        return self._watch.wait(timeout_s)

    def close(self) -> None:
        """Stop watching; the next `wait` begins again."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def _begin(self, timeout_s: float) -> bool:
        """True with a watch: nobody knows what was before. Without one this is the pause of a poll."""
        try:
            self._watch = self._begin_watch(self._directory, self._name)
        except (OSError, RuntimeError) as err:
            self._tell(f"{self._directory} cannot be watched, so it is looked at: {err}")
            self._clock.sleep(min(timeout_s, POLL_S))
            return False
        self._told = ""
        return True

    def _tell(self, text: str) -> None:
        """Once, not each second."""
        if text != self._told:
            log.warning("%s", text)
            self._told = text


class Watch:
    """An inotify watch on one directory; OSError or RuntimeError if there is none to be had."""

    def __init__(self, directory: str, name: str) -> None:
        if pyinotify is None:
            raise RuntimeError("pyinotify does not load")
        self._directory, self._name = directory, name
        self._lost = self._changed = False
        self._identity = _identity(directory)
        events = pyinotify.WatchManager()
        try:
            events.add_watch(directory, sum(getattr(pyinotify, e) for e in EVENTS), quiet=False)
        except pyinotify.WatchManagerError as err:
            events.close()
            raise OSError(str(err)) from err
        self._notifier = pyinotify.Notifier(events, self._note)

    def is_lost(self) -> bool:
        """Whether the directory is not the one that was watched; what covers it makes no event."""
        return self._lost or _identity(self._directory) != self._identity

    def wait(self, timeout_s: float) -> bool:
        self._changed = False
        if self._notifier.check_events(int(timeout_s * 1000)):
            try:
                self._notifier.read_events()
                self._notifier.process_events()
            except UnicodeDecodeError:  # the name of some file; events behind it are lost
                self._lost = True
        return self._changed

    def _note(self, event: Any) -> None:
        """Events on the directory itself, and the one that tells of an overflow, have no name."""
        name = getattr(event, "name", "")
        self._changed |= name == self._name
        self._lost |= not name

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._notifier.stop()


def _identity(path: str) -> tuple[int, int] | None:
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_dev, state.st_ino
