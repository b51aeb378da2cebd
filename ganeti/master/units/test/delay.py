# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_TEST_DELAY: sleep on the master and on nodes.

If it may be interrupted, the job's log gets an entry of the kind ``delay-test`` with the path of a Unix
socket for each round; whoever connects to it ends the round.
"""

from __future__ import annotations

from ganeti.contracts.node.system import SystemCalls
from ganeti.errors import Code, OpExecError, OpPrereqError
from ganeti.master.locks.plan import Level, LockPlan, exclusive
from ganeti.master.unit import LogicalUnit
from ganeti.master.units.test import visitor
from ganeti.opcodes.test import OpTestDelay

KIND = "delay-test"


class TestDelay(LogicalUnit[OpTestDelay]):
    """A job that takes as long as it is told."""

    def expand(self) -> None:
        if self.op.duration <= 0:
            raise OpPrereqError("the duration must be above zero", Code.WRONG_INPUT)
        if self.op.interruptible and (self._named() or not self.op.on_master):
            raise OpPrereqError(
                "only the master's own delay can be interrupted, none on nodes", Code.WRONG_INPUT
            )
        self.op.on_node_uuids = [self.cfg.node(name).uuid for name in self._named()]

    def _named(self) -> list[str]:
        return self.op.on_node_uuids or self.op.on_nodes

    def lock_plan(self) -> LockPlan:
        if self.op.no_locks:
            return LockPlan()
        nodes = set(self.op.on_node_uuids or ())
        if self.op.on_master:
            nodes.add(self.cfg.cluster.master_node)
        return LockPlan({Level.NODE: exclusive(*nodes)})

    def execute(self) -> None:
        if self.op.repeat == 0:
            self._round()
            return
        for number in range(self.op.repeat):
            self.log.info(f"round {number}/{self.op.repeat - 1}")
            self._round()

    def _round(self) -> None:
        if self.op.interruptible:
            self._sleep_until_visited()
        elif self.op.on_master:
            self.clock.sleep(self.op.duration)
        replies = self.rpc.all(self.op.on_node_uuids or (), SystemCalls.test_delay)(
            self.op.duration
        )
        for uuid, reply in replies.items():
            if reply.failed:
                raise OpExecError(f"node {self.cfg.nodes[uuid].name} did not wait: {reply.error}")

    def _sleep_until_visited(self) -> None:
        path = f"{self.paths.socket_dir}/{self.context.replace('/', '-')}-delay"
        with visitor.expected(path) as listener:
            self.log.entry(KIND, path)
            client = visitor.came(listener, self.op.duration)
            if client is not None:
                client.close()
