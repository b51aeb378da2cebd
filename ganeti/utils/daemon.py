# SPDX-License-Identifier: GPL-2.0-or-later
"""Becoming a daemon: detach with a report to the starter, PID file, signals, locked memory."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import itertools
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn, Self

from ganeti.errors import GenericError, PidFileLockError

log = logging.getLogger(__name__)

PID_MODE = 0o600
UMASK = 0o077
_MCL_CURRENT, _MCL_FUTURE = 1, 2
FLUSH_S = 5.0
AT_ONCE_S = 3.0
_MAX_REPORT = 64 * 1024
_READY = b"\0"


class Detached:
    """This process as a daemon: `ready` lets the starter go, `failed` tells it why not."""

    def __init__(self, pipe: int | None) -> None:
        self._pipe = pipe

    def ready(self) -> None:
        """Start-up has succeeded; the starter exits with 0."""
        self._report(_READY)

    def failed(self, text: str) -> None:
        """Start-up has failed; the starter prints the text and exits with 1."""
        self._report(text.encode()[:_MAX_REPORT])

    def _report(self, data: bytes) -> None:
        """Only the first report counts; a starter that was killed hears nothing."""
        if self._pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._pipe, data)
            os.close(self._pipe)
            self._pipe = None


def detach(output: str) -> Detached:
    """Double fork, new session, umask, cwd /, streams to `output`; returns in the daemon only."""
    read_end, write_end = os.pipe()
    if os.fork():
        os.close(write_end)
        _wait_for_report(read_end)
    os.close(read_end)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.umask(UMASK)
    os.chdir("/")
    detached = Detached(write_end)
    try:
        _redirect_streams(output)
    except OSError as err:
        detached.failed(str(err))
        os._exit(1)
    return detached


def _wait_for_report(read_end: int) -> NoReturn:
    """In the starter: until the daemon is ready, tells an error, or dies without a word."""
    report = b""
    while chunk := os.read(read_end, _MAX_REPORT):
        report += chunk
    if report == _READY:
        os._exit(0)
    text = report.decode("utf-8", "replace") or "it died while starting, see its log"
    sys.stderr.write(f"Error when starting daemon process: {text!r}\n")
    sys.stderr.flush()
    os._exit(1)


def _redirect_streams(output: str) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    null = os.open(os.devnull, os.O_RDONLY)
    sink = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PID_MODE)
    for source, target in ((null, 0), (sink, 1), (sink, 2)):
        os.dup2(source, target)
    os.close(null)
    os.close(sink)


def foreground() -> Detached:
    """Stay attached to the terminal."""
    os.umask(UMASK)
    return Detached(None)


class PidFile:
    """The PID file, locked and there as long as the block; raises PidFileLockError if another has it."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PID_MODE)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            os.close(self._fd)
            raise PidFileLockError(f"{path} is locked: the daemon runs already") from err
        os.ftruncate(self._fd, 0)
        os.write(self._fd, f"{os.getpid()}\n".encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Unlink while still locked, so that nobody's new file is removed."""
        os.unlink(self._path)
        os.close(self._fd)


def check_user(name: str, uid: int) -> None:
    """Raises GenericError unless this process runs as the daemon's user."""
    if os.getuid() != uid:
        raise GenericError(f"{name} started using wrong user ID ({os.getuid()}), expected {uid}")


def on_signals(stop: Callable[[], None], reopen_logs: Callable[[], None]) -> None:
    """SIGTERM and SIGINT stop, SIGHUP reopens log files; a broken pipe is an error, not the end.

    The calls are made in a thread of their own, so they may take locks: a signal handler runs in the
    middle of whatever the main thread does, with its locks held. To be called in the main thread.
    """
    actions = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: reopen_logs}
    heard, told = os.pipe()

    def listen() -> None:
        while True:
            for number in os.read(heard, 64):
                actions[signal.Signals(number)]()

    threading.Thread(target=listen, name="Signals", daemon=True).start()
    for number in actions:
        signal.signal(number, lambda number, frame: _tell(told, number))
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


def _tell(pipe: int, number: int) -> None:
    os.write(pipe, bytes([number]))


def stopper(stop: Callable[[], None], flush_logs: Callable[[], None]) -> Callable[[], None]:
    """A `stop` for `on_signals` that, asked a second time, also gives what hangs no more than a moment.

    A thread in a call to a dead disk ends by nothing but the end of the process.
    """
    asked = itertools.count(1)

    def ask() -> None:
        stop()
        if next(asked) > 1:
            time.sleep(AT_ONCE_S)
            log.critical("asked twice to stop, and something hangs: the daemon ends without it")
            end_at_once(flush_logs, 1)

    return ask


def end_with_any_thread(flush_logs: Callable[[], None]) -> None:
    """An error that no thread expects ends the whole daemon, with the error in its log.

    What counts is on disk, and a daemon that is started again works; one that lives on without one of
    its threads is deaf in some place that nobody looks at.
    """

    def end(failed: threading.ExceptHookArgs) -> None:
        error = failed.exc_value or failed.exc_type()
        name = failed.thread.name if failed.thread else "?"
        log.critical("thread %s failed, the daemon ends", name, exc_info=error)
        end_at_once(flush_logs, 1)

    threading.excepthook = end


def end_at_once(flush_logs: Callable[[], None], code: int) -> NoReturn:
    """End this process and wait for no thread, nor for a disk that hangs under the log."""
    flushing = threading.Thread(target=flush_logs, name="Flush", daemon=True)
    flushing.start()
    flushing.join(FLUSH_S)
    os._exit(code)


def lock_memory() -> bool:
    """mlockall(2) for now and the future; False, with a log line, if the kernel refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE) == 0:
        return True
    log.error("cannot lock the memory: %s", os.strerror(ctypes.get_errno()))
    return False
