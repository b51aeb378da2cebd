# SPDX-License-Identifier: GPL-2.0-or-later
"""Locks on files by flock(2): between processes, gone with the process that held them."""

from __future__ import annotations

import errno
import fcntl
import os
from types import TracebackType
from typing import Self

from ganeti.errors import LockError
from ganeti.utils import retry
from ganeti.utils.clock import Clock


class FileLock:
    """A lock file, opened (and made) at once, locked on demand."""

    def __init__(self, path: str, *, mode: int = 0o640, clock: Clock | None = None) -> None:
        self.path = path
        self._clock = clock or Clock()
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)

    def acquire(self, *, shared: bool = False, timeout_s: float | None = None) -> None:
        """Wait for the lock: for ever, or so long; 0 tries once. Raises LockError."""
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        if timeout_s is None:
            fcntl.flock(self.fd, kind)
            return
        if not retry.until(lambda: self._try(kind), timeout_s=timeout_s, clock=self._clock):
            raise LockError(f"{self.path} is locked by another process")

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self.fd, kind | fcntl.LOCK_NB)
        except OSError as err:
            if err.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise
        return True

    def release(self) -> None:
        fcntl.flock(self.fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the lock back and close the file; it stays."""
        os.close(self.fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
