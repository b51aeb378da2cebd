# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends changes of the queue to a master candidate: one call for the files of a round.

Only a whole queue, renames and the drain flag take calls of their own, one after the other. No thread
waits: each answer starts the next call.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable
from typing import Any

from ganeti.contracts.node.jobs import JobCalls
from ganeti.contracts.node.packed import Packed
from ganeti.errors import GenericError
from ganeti.master.candidates import Done
from ganeti.master.queue.changes import Changes
from ganeti.paths import Paths
from ganeti.rpc.runner import Pending, Rpc

ARCHIVED_IN_CALL = 50
"""They are read between two answers, so in a hurry."""

Begin = Callable[[str], Pending[Any]]
Calls = Generator[Begin, Any, None]
"""Each call gets the answer to the one before."""


class QueueTransport:
    """The transport of the queue's candidate set; candidates are UUIDs of nodes."""

    def __init__(self, rpc: Rpc, paths: Paths) -> None:
        self._rpc, self._paths = rpc, paths

    def send(self, candidate: str, content: Changes, done: Done) -> None:
        """Make the calls in order; `done` hears of the first failure, or of success."""
        _next(candidate, self._calls(content), None, done)

    def _calls(self, changes: Changes) -> Calls:
        """What is new goes before what is old, so that the candidate never has less than before."""
        if changes.files:
            yield self._update((self._path(name), packed) for name, packed in changes.packed)
        if changes.tells_all:
            yield from self._keep(changes)
        if changes.renames:
            pairs = [(self._path(old), self._path(new)) for old, new in changes.renames]
            yield lambda node: self._rpc.begin(node, JobCalls.jobqueue_rename)(pairs)
        if changes.drained is not None:
            flag = changes.drained
            yield lambda node: self._rpc.begin(node, JobCalls.jobqueue_set_drain_flag)(flag)

    def _keep(self, changes: Changes) -> Calls:
        """Let the candidate keep what it should have, and send what it lacks."""
        live, archived = sorted(changes.live), sorted(changes.archived)
        lacking = yield lambda node: self._rpc.begin(node, JobCalls.jobqueue_keep)(live, archived)
        paths = [self._paths.job(n) for n in lacking if n in changes.live]
        paths += [self._paths.archived_job(n) for n in lacking if n not in changes.live]
        for first in range(0, len(paths), ARCHIVED_IN_CALL):
            yield self._update(_read(paths[first : first + ARCHIVED_IN_CALL]))

    def _update(self, files: Iterable[tuple[str, Packed]]) -> Begin:
        content = list(files)
        return lambda node: self._rpc.begin(node, JobCalls.jobqueue_update_many)(content)

    def _path(self, name: str) -> str:
        return f"{self._paths.queue_dir}/{name}"


def _read(paths: Iterable[str]) -> Iterable[tuple[str, Packed]]:
    """Files of jobs, but for those that have been archived or cleaned away since."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
            yield path, Packed(file.read())


def _next(candidate: str, calls: Calls, answer: Any, done: Done) -> None:
    try:
        begin = calls.send(answer)
    except StopIteration:
        done(None)
        return
    except OSError as err:
        done(err)
        return

    def answered(pending: Pending[Any]) -> None:
        try:
            value = pending.reply().value
        except GenericError as err:
            done(err)
        else:
            _next(candidate, calls, value, done)

    try:
        begin(candidate).when_done(answered)
    except GenericError as err:
        done(err)
