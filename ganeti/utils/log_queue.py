# SPDX-License-Identifier: GPL-2.0-or-later
"""A bounded queue between the threads that log and the one that writes: logging never waits for a disk."""

from __future__ import annotations

import contextlib
import copy
import logging
import logging.handlers
import queue
import time

LENGTH = 10_000
REST_S = 0.02
"""Between two looks of the writer: it is not to be woken in the middle of each request."""


class DroppingQueue(logging.handlers.QueueHandler):
    """Hands records to a thread of their own; a full queue drops them and tells how many later.

    Records come one at a time: the handler's lock is held.
    """

    def __init__(self, waiting: queue.Queue[logging.LogRecord]) -> None:
        super().__init__(waiting)
        self._dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """The text as it is now. Traces are left to the writer: they quote source files, from a disk."""
        made = copy.copy(record)
        made.msg, made.args = record.getMessage(), None
        return made

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            if self._dropped:
                self.queue.put_nowait(self._confession(record))
                self._dropped = 0
            self.queue.put_nowait(record)
        except queue.Full:
            self._dropped += 1

    def _confession(self, after: logging.LogRecord) -> logging.LogRecord:
        told = copy.copy(after)
        told.levelno, told.levelname = logging.WARNING, "WARNING"
        told.msg, told.exc_info = f"{self._dropped} log messages were dropped", None
        return told


class Writer(logging.handlers.QueueListener):
    """The thread behind a `DroppingQueue`; it can be ended even if the queue is full."""

    def __init__(
        self, waiting: queue.Queue[logging.LogRecord], handlers: list[logging.Handler]
    ) -> None:
        super().__init__(waiting, *handlers, respect_handler_level=True)
        self._waiting = waiting

    def dequeue(self, block: bool) -> logging.LogRecord:
        record = super().dequeue(block)
        if self._waiting.empty():
            time.sleep(REST_S)
        return record

    def enqueue_sentinel(self) -> None:
        while True:
            try:
                super().enqueue_sentinel()
            except queue.Full:
                with contextlib.suppress(queue.Empty):
                    self._waiting.get_nowait()
            else:
                return


def pair(handlers: list[logging.Handler]) -> tuple[DroppingQueue, Writer]:
    """Both ends of a queue; the writer is not started yet."""
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(LENGTH)
    return DroppingQueue(waiting), Writer(waiting, handlers)
