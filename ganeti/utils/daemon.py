# SPDX-License-Identifier: GPL-2.0-or-later
"""Becoming a daemon: detach with a report to the starter, PID file, signals, locked memory."""

from __future__ import annotations

import ctypes
import fcntl
import logging
import os
import pwd
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from ganeti.errors import GenericError, PidFileLockError

log = logging.getLogger(__name__)

PID_MODE = 0o600
UMASK = 0o077
_MCL_CURRENT, _MCL_FUTURE = 1, 2
_MAX_REPORT = 64 * 1024


class Detached:
    """This process as a daemon: `ready` lets the starter go, `failed` tells it why not."""

    def __init__(self, pipe: int | None) -> None:
        self._pipe = pipe

    def ready(self) -> None:
        """Start-up has succeeded; the starter exits with 0."""
        self._close()

    def failed(self, text: str) -> None:
        """Start-up has failed; the starter prints the text and exits with 1."""
        if self._pipe is not None:
            os.write(self._pipe, text.encode()[:_MAX_REPORT])
        self._close()

    def _close(self) -> None:
        if self._pipe is not None:
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
    _redirect_streams(output)
    return Detached(write_end)


def _wait_for_report(read_end: int) -> NoReturn:
    """In the starter: until the daemon is ready (end of file) or tells an error."""
    text = b""
    while chunk := os.read(read_end, _MAX_REPORT):
        text += chunk
    if text:
        sys.stderr.write(f"Error when starting daemon process: {text.decode()!r}\n")
        sys.stderr.flush()
    os._exit(1 if text else 0)


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
    """The PID file, locked as long as this process lives; raises PidFileLockError if another has it."""

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

    def remove(self) -> None:
        """Unlink while still locked, so that nobody's new file is removed."""
        os.unlink(self._path)
        os.close(self._fd)


def check_user(name: str, wanted: str) -> None:
    """Raises GenericError unless this process runs as the daemon's user (root where it has none)."""
    uid = user_id(wanted)
    if os.getuid() != uid:
        raise GenericError(f"{name} started using wrong user ID ({os.getuid()}), expected {uid}")


def user_id(name: str) -> int:
    """The user's id, or root's if there is no such user."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return 0


def on_signals(stop: Callable[[], None], reopen_logs: Callable[[], None]) -> None:
    """SIGTERM and SIGINT stop, SIGHUP reopens log files; a broken pipe is an error, not the end."""
    signal.signal(signal.SIGTERM, lambda number, frame: stop())
    signal.signal(signal.SIGINT, lambda number, frame: stop())
    signal.signal(signal.SIGHUP, lambda number, frame: reopen_logs())
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


def lock_memory() -> bool:
    """mlockall(2) for now and the future; False, with a log line, if the kernel refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE) == 0:
        return True
    log.error("cannot lock the memory: %s", os.strerror(ctypes.get_errno()))
    return False
