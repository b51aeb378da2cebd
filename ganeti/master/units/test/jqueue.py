# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_TEST_JQUEUE: a job that stops where its state can be looked at.

Where it stops it puts an entry of the kind ``jqueue-test`` with ``[path, event]`` into the log, listens
on the Unix socket `path`, and goes on when a client has connected and hung up.
"""

from __future__ import annotations

import socket

from ganeti.errors import OpExecError
from ganeti.master.locks.plan import Level, LockPlan, exclusive
from ganeti.master.unit import LogicalUnit
from ganeti.master.units.test import visitor
from ganeti.opcodes.test import OpTestJqueue

KIND = "jqueue-test"
WAITLOCK, EXEC = "waitlock", "exec"


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
        with visitor.expected(path) as listener:
            self.log.entry(KIND, [path, event])
            client = visitor.came(listener, self.patience_s)
            if client is None or not _has_gone(client, self.patience_s):
                raise OpExecError(
                    f"no client has come and gone within {self.patience_s:.0f} s; this opcode is for"
                    " 'gnt-debug test-jobqueue'"
                )


def _has_gone(client: socket.socket, timeout_s: float) -> bool:
    with client:
        client.settimeout(timeout_s)
        try:
            client.recv(1)
        except TimeoutError:
            return False
    return True
