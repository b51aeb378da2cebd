# SPDX-License-Identifier: GPL-2.0-or-later
"""What is written of a job, and what clients see of it.

A new job is seen when it is durable; the end of an opcode likewise. Everything else is seen at once and
written at leisure. Belongs to the scheduler, whose lock protects it; `written` callbacks come from the
store's thread, without the lock.
"""

from __future__ import annotations

from ganeti.master.queue.entry import Entry, Outcome
from ganeti.master.queue.job import Job
from ganeti.master.queue.store import QueueStore
from ganeti.rpc.runner import Deposed


class Records:
    """Between the jobs in memory, the store and the clients."""

    def __init__(self, store: QueueStore) -> None:
        self._store = store
        self._news: list[int] = []
        self.deposed: Deposed | None = None
        """Why nothing may be acknowledged any more."""

    def write(self, entry: Entry, written: Outcome) -> None:
        """Make the job durable as it is now; whoever waits for that is told after `written`."""
        outcomes, entry.outcomes, entry.is_new = entry.outcomes, [], False

        def then(error: Exception | None) -> None:
            error = self.deposed or error
            for outcome in (written, *outcomes):
                outcome(error)

        self._store.put(entry.head, then=then)

    def note(self, entry: Entry, *, replicate: bool = True) -> None:
        """A change that may be lost: show it, write it some time."""
        self.show(entry)
        self._store.put_lazily(entry.head, replicate=replicate)

    def show(self, entry: Entry) -> None:
        """Clients may see the job as it is, unless it is new or the end of an opcode is."""
        if entry.shown is not None and entry.shown.finished == entry.head.finished:
            self._show(entry, entry.head)

    def show_durable(self, entry: Entry, job: Job) -> None:
        """The job was written so, and may have changed since."""
        self._show(entry, job)
        self.show(entry)

    def _show(self, entry: Entry, job: Job) -> None:
        if self.deposed is None:
            entry.shown = job
            self._news.append(entry.id)

    def show_end(self, entry: Entry, job: Job) -> None:
        """The last thing that clients see, of a master that has been deposed."""
        entry.shown = job
        self._news.append(entry.id)

    def take_news(self) -> list[int]:
        """The jobs that look different since the last time."""
        news, self._news = self._news, []
        return news
