# SPDX-License-Identifier: GPL-2.0-or-later
"""One request to oneself, so that all that a request needs is loaded before the first one comes.

Libraries load some of their parts when they are first needed (pyOpenSSL a codec, when it shows a digest);
with a dead disk that is too late.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from dataclasses import replace

from OpenSSL import SSL

from ganeti.errors import GenericError
from ganeti.http.channel import Channel, PlainChannel, TlsChannel, TlsSettings
from ganeti.http.connection import Connection, Limits
from ganeti.http.messages import Peer, Request, Response

_STEPS = 20


class RehearsalError(GenericError):
    """A client could not be served; the first one that comes would meet the same."""


def rehearse(
    tls: TlsSettings | None, request: bytes, respond: Callable[[Request], Response]
) -> None:
    """Play a client that is let in, sends the request and is answered; nothing leaves this process."""
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        there.setblocking(False)
        connection = Connection(here, _channel(here, tls), Peer("rehearsal", 0), Limits())
        say = _Client(there, tls, request)
        for _ in range(_STEPS):
            say()
            step = connection.advance()
            if isinstance(step, Request):
                connection.answer(respond(step))
                connection.advance()
                return
    raise RehearsalError("the server does not understand its own request")


def _channel(sock: socket.socket, tls: TlsSettings | None) -> Channel:
    if tls is None:
        return PlainChannel(sock)
    welcoming = replace(tls, accept_peer=lambda _digest, _depth: True)
    return TlsChannel(sock, welcoming.context())


class _Client:
    """Each call goes on with the conversation as far as it can."""

    def __init__(self, sock: socket.socket, tls: TlsSettings | None, request: bytes) -> None:
        self._sock, self._tls, self._request = sock, tls, request
        if tls is not None:
            context = SSL.Context(SSL.TLS_METHOD)
            context.use_certificate_chain_file(tls.cert_file)
            context.use_privatekey_file(tls.key_file)
            self._talk = SSL.Connection(context, sock)
            self._talk.set_connect_state()

    def __call__(self) -> None:
        with contextlib.suppress(SSL.WantReadError):
            if self._tls is not None:
                self._talk.do_handshake()
            if self._request:
                (self._sock if self._tls is None else self._talk).sendall(self._request)
            self._request = b""
