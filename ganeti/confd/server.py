# SPDX-License-Identifier: GPL-2.0-or-later
"""The UDP socket of confd. One thread answers what comes, one datagram after the other."""

from __future__ import annotations

import logging
import os
import select
import socket
from collections.abc import Callable

from ganeti.confd import packet
from ganeti.utils import net

log = logging.getLogger(__name__)

BATCH = 256
Address = tuple[str, int] | tuple[str, int, int, int]
RECEIVE_BUFFER_BYTES = 1024 * 1024
"""Requests wait here while a new configuration is read; the kernel may give less."""


class Server:
    """Gives datagrams to `reply`, and what that returns to their senders."""

    def __init__(self, address: str, port: int, reply: Callable[[bytes], bytes | None]) -> None:
        self._reply = reply
        self._socket = socket.socket(net.family_of(address), socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        if self._socket.family == socket.AF_INET6:  # all addresses are those of IPv4, too
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self._socket.setblocking(False)
        with net.binding(address, port):
            self._socket.bind((address, port))
        self._stop = os.eventfd(0, os.EFD_NONBLOCK)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def serve(self) -> None:
        """Answer until `stop`."""
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        waiting.register(self._stop, select.POLLIN)
        while not any(fd == self._stop for fd, _ in waiting.poll()):
            self._answer_waiting()
        self._socket.close()

    def stop(self) -> None:
        """End `serve`; from another thread, and as often as somebody wants it."""
        os.eventfd_write(self._stop, 1)

    def _answer_waiting(self) -> None:
        """All that is there, without asking the kernel before each; `stop` is looked for in between."""
        for _ in range(BATCH):
            try:
                data, address = self._socket.recvfrom(packet.MOST_BYTES)
            except BlockingIOError:
                return
            reply = self._reply(data)
            if reply is None:
                log.debug("no answer to %s", address)
            else:
                self._send(reply, address)

    def _send(self, reply: bytes, address: Address) -> None:
        """What cannot be sent is lost, as any datagram may be: the client asks again."""
        try:
            self._socket.sendto(reply, address)
        except OSError as err:
            log.debug("no answer to %s: %s", address, err)
