# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends changes of the queue to a master candidate: one call for the files of a round.

Only a whole queue, renames and the drain flag take calls of their own, one after the other. No thread
waits: each answer starts the next call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ganeti.contracts.node.jobs import JobCalls
from ganeti.errors import GenericError
from ganeti.master.candidates import Done
from ganeti.master.queue.changes import Changes
from ganeti.paths import Paths
from ganeti.rpc.runner import Pending, Rpc

Begin = Callable[[str], Pending[Any]]


class QueueTransport:
    """The transport of the queue's candidate set; candidates are UUIDs of nodes."""

    def __init__(self, rpc: Rpc, paths: Paths) -> None:
        self._rpc, self._directory = rpc, paths.queue_dir

    def send(self, candidate: str, content: Changes, done: Done) -> None:
        """Make the calls in order; `done` hears of the first failure, or of success."""
        _next(candidate, self._calls(content), done)

    def _calls(self, changes: Changes) -> Iterator[Begin]:
        if changes.everything:
            yield lambda node: self._rpc.begin(node, JobCalls.jobqueue_purge)()
        if changes.files:
            files = [(self._path(name), packed) for name, packed in changes.packed]
            yield lambda node: self._rpc.begin(node, JobCalls.jobqueue_update_many)(files)
        if changes.renames:
            pairs = [(self._path(old), self._path(new)) for old, new in changes.renames]
            yield lambda node: self._rpc.begin(node, JobCalls.jobqueue_rename)(pairs)
        if changes.drained is not None:
            flag = changes.drained
            yield lambda node: self._rpc.begin(node, JobCalls.jobqueue_set_drain_flag)(flag)

    def _path(self, name: str) -> str:
        return f"{self._directory}/{name}"


def _next(candidate: str, calls: Iterator[Begin], done: Done) -> None:
    begin = next(calls, None)
    if begin is None:
        done(None)
        return

    def answered(pending: Pending[Any]) -> None:
        try:
            _ = pending.reply().value
        except GenericError as err:
            done(err)
        else:
            _next(candidate, calls, done)

    try:
        begin(candidate).when_done(answered)
    except GenericError as err:
        done(err)
