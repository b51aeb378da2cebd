# SPDX-License-Identifier: GPL-2.0-or-later
"""What a host knows when it is about to be master: configuration, epoch, its own name, its calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ganeti import owners
from ganeti.contracts.node import sender
from ganeti.contracts.node.sender import Sender
from ganeti.errors import ConfigurationError
from ganeti.master.config import store
from ganeti.master.config.localfile import ConfigFile
from ganeti.master.parts import Parts
from ganeti.model.config import Config
from ganeti.paths import Paths
from ganeti.rpc import nodes
from ganeti.rpc.runner import Rpc, Target
from ganeti.rpc.transport import Credentials, Transport
from ganeti.utils import clock, net


class Startup:
    """Reads and checks; raises GenericError if this host cannot be master with what it has."""

    def __init__(self, paths: Paths, parts: Parts) -> None:
        self.paths, self.parts = paths, parts
        owner = (owners.user_id("masterd"), owners.group_id("confd"))
        self.file = ConfigFile(paths.config_data, parts.disk, owner)
        self.cfg: Config = store.load(self.file, clock.Clock().now())
        self.me = net.resolve(net.own_name()).name
        if self.cfg.master.name != self.me:
            raise ConfigurationError(
                f"the master in {paths.config_data} is {self.cfg.master.name}, not this host"
                f" ({self.me})"
            )
        self.epoch = sender.read_epoch(paths.master_epoch)

    def renewed(self) -> Startup:
        """What is so now, after a vote that may have taken long. A file that nobody has touched since
        is not read again: of a large cluster that is half of the time of a start."""
        try:
            self.file.check_unedited()
        except ConfigurationError:
            return Startup(self.paths, self.parts)
        self.epoch = sender.read_epoch(self.paths.master_epoch)
        return self

    @property
    def sender(self) -> Sender:
        """How this host presents itself to nodes."""
        return Sender(self.me, self.epoch)

    def credentials(self) -> Credentials:
        return Credentials(self.paths.server_pem, (self.paths.client_pem, self.paths.server_pem))

    def targets(self) -> list[Target]:
        """All nodes, whatever their flags."""
        return [nodes.direct(node) for node in self.cfg.nodes.values()]

    @contextmanager
    def calls(self) -> Iterator[Rpc]:
        """Calls for a short while."""
        transport = Transport(self.credentials())
        try:
            yield Rpc(
                transport,
                lambda uuid: nodes.target(self.cfg.nodes[uuid]),
                port=net.daemon_port("ganeti-noded"),
                sender=self.sender,
            )
        finally:
            transport.close()
