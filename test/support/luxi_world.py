# SPDX-License-Identifier: GPL-2.0-or-later
"""A master that serves the local protocol over its real sockets, with a real queue behind it."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from ganeti.luxi import framing
from ganeti.luxi.client import Client
from ganeti.master.luxi_methods import LuxiMethods
from ganeti.master.luxi_requests import Requests
from ganeti.master.luxi_server import LuxiServer
from test.support.cluster import a_cluster
from test.support.master_world import MasterWorld
from test.support.queue_world import PATIENCE_S
from test.support.queue_world import World as QueueWorld


class LuxiWorld(MasterWorld):
    """A master with three nodes; `client` and `clients(n)` are connected to it."""

    def __init__(self, root: Path) -> None:
        super().__init__(
            root, a_cluster().with_nodes("n1", "n2", "n3").with_instance("web").build()
        )
        self.queue = QueueWorld(root)
        self.queue.start()
        self.services.jobs = self.queue.queue
        self.server = LuxiServer(self.paths, Requests(LuxiMethods(self.services)))
        self.server.bind()
        self.server.start()
        self._clients: list[Client] = []
        self.client = self.new_client()

    def new_client(self) -> Client:
        self._clients.append(Client(self.paths, io_timeout_s=PATIENCE_S, connect_timeout_s=0))
        return self._clients[-1]

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.server.stop()
        self.queue.queue.shutdown()
        self.queue.queue.close(timeout_s=1)


class Raw:
    """A client that sends what it likes."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE_S)
        self._socket.connect(path)

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def ask(self, method: str, *args: Any) -> None:
        self.send(framing.encode({"method": method, "args": args}))

    def answers(self, count: int) -> list[Any]:
        """So many answers; fewer if the other side ends the connection."""
        data = b""
        while data.count(framing.END) < count and (piece := self._socket.recv(65536)):
            data += piece
        return [framing.decode(message) for message in data.split(framing.END)[:-1]]

    def wait_for_data(self) -> None:
        """Until the first byte of an answer is there; it stays unread."""
        self._socket.recv(1, socket.MSG_PEEK)

    def has_said_all(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def is_ended(self) -> bool:
        """The other side has closed; it is a reset where it had not read all that was sent."""
        try:
            return self._socket.recv(1) == b""
        except ConnectionResetError:
            return True
