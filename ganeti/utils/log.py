# SPDX-License-Identifier: GPL-2.0-or-later
"""Logging of daemons and commands: format, files that can be reopened, syslog, a bounded queue.

    2024-05-01 12:00:00,123: ganeti-masterd pid=77/Worker3 INFO text

Debug adds module and line after the PID. Whatever cannot be written is dropped: logging never blocks.
Every command imports this module, so what only daemons need is imported where they ask for it.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import typing
from typing import TextIO

if typing.TYPE_CHECKING:
    from ganeti.utils.log_queue import Writer

CONSOLE = "/dev/console"
MODE = 0o600
OPEN_MODE = 0o644

log = logging.getLogger(__name__)


class ReopenableFile(logging.StreamHandler[TextIO]):
    """Appends to a file; what cannot be written goes to `fallback` (noded's console) or is dropped.

    With `streams` the process's stdout and stderr go to the file as well, wherever it is reopened.
    """

    def __init__(
        self, path: str, *, mode: int = MODE, fallback: str | None = None, streams: bool = False
    ) -> None:
        self._path, self._mode = path, mode
        self._fallback, self._streams = fallback, streams
        super().__init__(self._open())

    def _open(self) -> TextIO:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        fd = os.open(self._path, flags, self._mode)
        if self._streams:
            os.dup2(fd, 1)
            os.dup2(fd, 2)
        # Nothing is kept back: what a full disk refused would be an error again at each later flush.
        raw = io.FileIO(fd, "a")
        return io.TextIOWrapper(
            raw, encoding="utf-8", errors="backslashreplace", write_through=True
        )

    def reopen(self) -> None:
        """After the file was moved away: write into a new one; if there is none to be had, go on."""
        try:
            new = self._open()
        except OSError as err:
            log.error("cannot reopen %s: %s", self._path, err)
            return
        old = self.setStream(new)
        if old is not None:
            old.close()

    def handleError(self, record: logging.LogRecord) -> None:
        if self._fallback is None:
            return
        try:
            with open(self._fallback, "a", encoding="utf-8") as console:
                console.write(self.format(record) + "\n")
        except OSError:
            return


def line_format(name: str, *, debug: bool, threads: bool) -> logging.Formatter:
    thread = "/%(threadName)s" if threads else ""
    where = " %(module)s:%(lineno)s" if debug else ""
    return logging.Formatter(
        f"%(asctime)s: {name} pid=%(process)d{thread}{where} %(levelname)s %(message)s"
    )


class Log:
    """The set-up of one process."""

    def __init__(self, name: str, *, debug: bool = False, threads: bool = False) -> None:
        self._name = name
        self._level = logging.DEBUG if debug else logging.INFO
        self._format = line_format(name, debug=debug, threads=threads)
        self._files: list[ReopenableFile] = []
        self._handlers: list[logging.Handler] = []
        self._writer: Writer | None = None

    def to_file(
        self, path: str, *, mode: int = MODE, fallback: str | None = None, streams: bool = False
    ) -> None:
        handler = ReopenableFile(path, mode=mode, fallback=fallback, streams=streams)
        self._files.append(handler)
        self._add(handler, self._level)

    def to_stderr(self) -> None:
        self._add(logging.StreamHandler(sys.stderr), self._level)

    def to_syslog(self) -> None:
        """Never debug messages."""
        from ganeti.utils.log_syslog import Syslog

        handler = Syslog()
        self._add(handler, logging.INFO)
        handler.setFormatter(
            logging.Formatter(
                f"{self._name}[%(process)d]: (%(threadName)s) %(levelname)s %(message)s"
            )
        )

    def _add(self, handler: logging.Handler, level: int) -> None:
        handler.setLevel(level)
        handler.setFormatter(self._format)
        self._handlers.append(handler)

    def start(self, *, queued: bool = False) -> None:
        """Take over the root logger. `queued`: the thread that logs never waits for the disk."""
        root = logging.getLogger()
        for old in list(root.handlers):
            root.removeHandler(old)
        root.setLevel(self._level)
        if not queued:
            for handler in self._handlers:
                root.addHandler(handler)
            return
        from ganeti.utils import log_queue

        handler, self._writer = log_queue.pair(self._handlers)
        self._writer.start()
        root.addHandler(handler)

    def reopen(self) -> None:
        """For SIGHUP: log files may have been moved away."""
        for handler in self._files:
            handler.reopen()

    def stop(self) -> None:
        """Write what waits in the queue."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.stop()


def for_daemon(
    name: str,
    path: str,
    *,
    debug: bool,
    syslog: str,
    foreground: bool,
    fallback: str | None = None,
    queued: bool = False,
) -> Log:
    """The usual set-up of a daemon; `syslog` is one of no, yes, only."""
    made = Log(name, debug=debug, threads=True)
    if syslog != "only":
        made.to_file(path, fallback=fallback, streams=not foreground)
    if syslog != "no":
        made.to_syslog()
    if foreground:
        made.to_stderr()
    made.start(queued=queued)
    return made
