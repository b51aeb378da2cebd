# SPDX-License-Identifier: GPL-2.0-or-later
"""A Unix socket on which a job waits for somebody: whoever connects lets it go on.

Those who may talk to the master daemon may connect.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

MODE = 0o660


@contextlib.contextmanager
def expected(path: str) -> Iterator[socket.socket]:
    """The socket is there, and clients may connect, within the block."""
    with contextlib.suppress(FileNotFoundError):  # of a daemon that was killed here
        os.unlink(path)
    with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as undo:
        listener.bind(path)
        undo.callback(os.unlink, path)
        os.chmod(path, MODE)
        listener.listen()
        yield listener


def came(listener: socket.socket, timeout_s: float) -> socket.socket | None:
    """Whoever connects within that time."""
    try:
        listener.settimeout(timeout_s)
        return listener.accept()[0]
    except TimeoutError:
        return None
