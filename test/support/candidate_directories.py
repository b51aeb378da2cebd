# SPDX-License-Identifier: GPL-2.0-or-later
"""Master candidates with a queue directory each, written by the same disk as the master's, side by side.

They get what the real transport sends and do with it what the real handlers do; only the wire is missing. A
cut of the disk shows what each host has.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import simplejson

from ganeti.errors import GenericError
from ganeti.master.candidates import Done
from ganeti.master.queue import job as jobs
from ganeti.master.queue.changes import Changes
from ganeti.master.queue.distribute import QueueTransport
from ganeti.master.queue.job import Job
from ganeti.node.handlers.jobs import JobHandlers
from ganeti.paths import Paths
from ganeti.rpc.runner import Rpc
from ganeti.utils.clock import Clock
from ganeti.utils.files import Disk
from test.support.crash_files import Entry, State


class CandidateDirectories:
    """Each below its name; `broken` ones fail, and with `forgets` all say what they have not done."""

    def __init__(
        self, root: Path, names: Iterable[str], disk: Disk, *, forgets: bool = False
    ) -> None:
        self._master, self._forgets = Paths(str(root)), forgets
        self._paths = {name: Paths(str(root / name)) for name in names}
        self._handlers = {name: _handlers(paths, disk) for name, paths in self._paths.items()}
        for paths in self._paths.values():
            disk.ensure_dir(paths.queue_archive_dir, mode=0o750)
        self._transport = QueueTransport(cast(Rpc, self), self._master)
        self.broken: set[str] = set()
        self._answers: list[threading.Thread] = []

    def wait(self) -> None:
        """Until nothing is on its way any more."""
        while self._answers:
            self._answers.pop().join()

    def send(self, candidate: str, content: Changes, done: Done) -> None:
        if candidate in self.broken:
            done(OSError("connection refused"))
        else:
            self._transport.send(candidate, content, done)

    def begin(self, node: str, method: Callable[..., Any]) -> Callable[..., _Answer]:
        """In place of a call to the node, beside the master's own write: either may be ahead."""
        handler = getattr(self._handlers[node], method.__name__)

        def call(*arguments: Any) -> _Answer:
            there = self._moved(arguments, self._paths[node])
            return _Answer(lambda: [] if self._forgets else handler(*there), self._answers)

        return call

    def _moved(self, value: Any, paths: Paths) -> Any:
        """On real hosts all queues have the same place."""
        match value:
            case str():
                return value.replace(self._master.queue_dir, paths.queue_dir, 1)
            case list() | tuple():
                return [self._moved(item, paths) for item in value]
        return value


def _handlers(paths: Paths, disk: Disk) -> JobHandlers:
    return JobHandlers(cast(Any, SimpleNamespace(paths=paths, disk=disk, clock=Clock())))


class _Answer:
    """Comes from a thread of its own."""

    def __init__(self, work: Callable[[], Any], answers: list[threading.Thread]) -> None:
        self._work, self._answers = work, answers

    def when_done(self, callback: Callable[[_Answer], None]) -> None:
        thread = threading.Thread(target=self._carry_out, args=(callback,))
        thread.start()
        self._answers.append(thread)

    def _carry_out(self, callback: Callable[[_Answer], None]) -> None:
        try:
            self._value, self._error = self._work(), ""
        except (OSError, GenericError) as err:
            self._error = str(err)
        callback(self)

    def reply(self) -> _Answer:
        return self

    @property
    def value(self) -> Any:
        if self._error:
            raise GenericError(self._error)
        return self._value


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
    record = simplejson.loads(entry.content or b"{}") if entry else {}
    names: list[str] = record.get("in_sync", [])
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
