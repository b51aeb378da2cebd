# SPDX-License-Identifier: GPL-2.0-or-later
"""Opcodes that test the cluster's own machinery."""

from __future__ import annotations

from ganeti.opcodes.base import OpCode, param
from ganeti.opcodes.shared import SecretParams
from ganeti.schema.types import NonEmpty, NonNegative


class OpTestDelay(OpCode):
    """Sleep, on the master and on nodes."""

    SUBJECT = "duration"
    RESULT = None
    duration: float = param("Seconds to sleep")
    on_master: bool = param("Sleep on the master", default=True)
    on_nodes: list[NonEmpty] = param("Names of nodes to sleep on", default=[])
    on_node_uuids: list[NonEmpty] | None = param("UUIDs of nodes to sleep on", default=None)
    repeat: NonNegative = param("How often; 0 is once, without a count in the log", default=0)
    interruptible: bool = param("Offer a socket by which the sleep can be ended", default=False)
    no_locks: bool = param("Take no locks", default=True)


class OpTestJqueue(OpCode):
    """Take the queue through its states, with somebody who looks on."""

    RESULT = bool
    notify_waitlock: bool = param("Stop before the locks until a client goes on", default=False)
    notify_exec: bool = param("Stop when it runs until a client goes on", default=False)
    log_messages: list[str] = param("What to write into the job's log", default=[])
    fail: bool = param("Fail in the end", default=False)


class OpTestOsParams(OpCode):
    """Take secret OS parameters the way they go with other opcodes."""

    RESULT = None
    osparams_secret: SecretParams = param("OS parameters that are not stored", default=None)
