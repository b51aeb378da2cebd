# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_TEST_JQUEUE: a job that stops where its state can be looked at.

Where it stops it puts an entry of the kind ``jqueue-test`` with ``[path, event]`` into the log, listens
on the Unix socket `path`, and goes on when a client has connected and hung up.
"""

from __future__ import annotations

import contextlib
import os
import socket

from ganeti.errors import OpExecError
from ganeti.master.locks.plan import Level, LockPlan, exclusive
from ganeti.master.unit import LogicalUnit
from ganeti.opcodes.test import OpTestJqueue

KIND = "jqueue-test"
WAITLOCK, EXEC = "waitlock", "exec"
SOCKET_MODE = 0o660


class TestJqueue(LogicalUnit[OpTestJqueue]):
    """While it stops before its locks it occupies a worker; that is why it is only for tests."""

    patience_s = 30.0

    def expand(self) -> None:
        if self.op.notify_waitlock:
            self._stop_at(WAITLOCK)

    def lock_plan(self) -> LockPlan:
        return LockPlan({Level.NODE: exclusive(self.cfg.cluster.master_node)})

    def execute(self) -> bool:
        if self.op.notify_exec:
            self._stop_at(EXEC)
        for text in self.op.log_messages:
            self.log.plain(text)
        if self.op.fail:
            raise OpExecError("this opcode was told to fail")
        return True

    def _stop_at(self, event: str) -> None:
        path = f"{self.paths.socket_dir}/{self.context.replace('/', '-')}-{event}"
        with contextlib.suppress(FileNotFoundError):  # of a daemon that was killed here
            os.unlink(path)
        with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as undo:
            listener.bind(path)
            undo.callback(os.unlink, path)
            os.chmod(path, SOCKET_MODE)
            listener.listen()
            self.log.entry(KIND, [path, event])
            _wait_for_client(listener, self.patience_s)


def _wait_for_client(listener: socket.socket, patience_s: float) -> None:
    try:
        listener.settimeout(patience_s)
        client, _ = listener.accept()
        with client:
            client.settimeout(patience_s)
            client.recv(1)
    except TimeoutError:
        raise OpExecError(
            f"no client has come and gone within {patience_s:.0f} s; this opcode is for"
            " 'gnt-debug test-jobqueue'"
        ) from None
