# SPDX-License-Identifier: GPL-2.0-or-later
"""Types and parameters that opcodes of several areas have in common."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from ganeti.opcodes.base import Disclosure, OpCode, param
from ganeti.schema.types import NonEmpty

Hypervisor = Literal["chroot", "fake", "kvm", "lxc", "xen-hvm", "xen-pvm"]
DiskTemplate = Literal[
    "blockdev", "diskless", "drbd", "ext", "file", "gluster", "plain", "rbd", "sharedfile"
]

Params = dict[str, Any]
"""Parameters of a hypervisor, an OS, a node, …; the unit that takes them checks them."""
PrivateParams = Annotated[dict[str, Any] | None, Disclosure.PRIVATE]
SecretParams = Annotated[dict[str, Any] | None, Disclosure.SECRET]

NicKey = Literal["bridge", "ip", "link", "mac", "mode", "name", "network", "vlan"]
NicSpec = dict[NicKey, str | None]
DiskSpec = dict[NonEmpty, NonEmpty | int]
"""A disk as requested; keys beyond the known ones go to the external storage provider."""

JobSubmission = tuple[Literal[True], int | str] | tuple[Literal[False], str]
SubmittedJobs = dict[Literal["jobs"], list[JobSubmission]]
"""Result of opcodes that submit jobs: for each its id, or why it was refused."""

Changes = list[tuple[NonEmpty, Any]]
"""Result of opcodes that modify: what has changed and its new value."""

SHUTDOWN_TIMEOUT = 120
"""Seconds a guest gets to shut down by itself."""


class InstanceOpCode(OpCode, abstract=True):
    """About one existing instance. The UUID is filled in by the master and then decides."""

    SUBJECT: ClassVar[str | None] = "instance_name"
    instance_name: str = param("Name of the instance")
    instance_uuid: NonEmpty | None = param("UUID of the instance", default=None)


class NodeOpCode(OpCode, abstract=True):
    """About one existing node. The UUID is filled in by the master and then decides."""

    SUBJECT: ClassVar[str | None] = "node_name"
    node_name: NonEmpty = param("Name of the node")
    node_uuid: NonEmpty | None = param("UUID of the node", default=None)
