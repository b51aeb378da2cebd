# SPDX-License-Identifier: GPL-2.0-or-later
"""Master candidates with a queue directory each, written by the same disk as the master's, side by side.

A cut of that disk shows what each host has.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable
from pathlib import Path

import simplejson

from ganeti.master.candidates import Done
from ganeti.master.queue import job as jobs
from ganeti.master.queue.changes import Changes
from ganeti.master.queue.job import Job
from ganeti.paths import Paths
from ganeti.utils.files import Disk, Write
from test.support.crash_files import Entry, State


class CandidateDirectories:
    """Each below its name; `broken` ones fail, and with `forgets` all say what they have not done."""

    def __init__(
        self, root: Path, names: Iterable[str], disk: Disk, *, forgets: bool = False
    ) -> None:
        self._disk, self._forgets = disk, forgets
        self._paths = {name: Paths(str(root / name)) for name in names}
        for paths in self._paths.values():
            disk.ensure_dir(paths.queue_archive_dir, mode=0o750)
        self.broken: set[str] = set()

    def send(self, candidate: str, content: Changes, done: Done) -> None:
        if candidate in self.broken:
            done(OSError("connection refused"))
            return
        threading.Thread(target=self._receive, args=(candidate, content, done)).start()

    def _receive(self, candidate: str, content: Changes, done: Done) -> None:
        """Beside the master's own write, so that either may be ahead when the power fails."""
        try:
            if not self._forgets:
                self._write(self._paths[candidate], content)
        except OSError as err:
            done(err)
        else:
            done(None)

    def _write(self, paths: Paths, content: Changes) -> None:
        directory = paths.queue_dir
        if content.everything:
            self._purge(paths)
        self._disk.write_many(Write(f"{directory}/{n}", data) for n, data in content.files.items())
        if content.renames:
            pairs = [(f"{directory}/{old}", f"{directory}/{new}") for old, new in content.renames]
            pairs = [pair for pair in pairs if os.path.exists(pair[0])]
            self._disk.rename_many(pairs, make_dirs_mode=0o750)
        if content.drained:
            self._disk.write(paths.queue_drain, b"")
        elif content.drained is not None:
            self._disk.remove(paths.queue_drain, missing_ok=True)

    def _purge(self, paths: Paths) -> None:
        for found in Path(paths.queue_dir).rglob("job-*"):
            self._disk.remove(str(found))


# What is in a cut.

QUEUE = "var/lib/ganeti/queue/"


def jobs_in(state: State, *, archived: bool = False) -> dict[int, Job]:
    """What the files of the master say."""
    found = {}
    for path, entry in state.items():
        directory, _, name = path.rpartition("/")
        is_here = directory.startswith(f"{QUEUE}archive/") if archived else f"{directory}/" == QUEUE
        if is_here and re.fullmatch(r"job-\d+", name) and entry.content is not None:
            job = jobs.decode(entry.content)
            found[job.id] = job
    return found


def in_sync(state: State) -> list[str]:
    """The candidates that the master counts as in sync."""
    entry = state.get(f"{QUEUE}candidates")
    names: list[str] = simplejson.loads(entry.content or b"{}")["in_sync"] if entry else []
    return names


def swapped(state: State, candidate: str) -> State:
    """Master and candidate have changed places."""
    mine = f"{candidate}/"
    theirs = {path: entry for path, entry in state.items() if path.startswith(mine)}
    others = {path: entry for path, entry in state.items() if path not in theirs}
    others.pop(candidate)
    taken = {path.removeprefix(mine): entry for path, entry in theirs.items()}
    return {
        candidate: Entry(0o755, None),
        **taken,
        **{mine + path: e for path, e in others.items()},
    }
