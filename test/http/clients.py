# SPDX-License-Identifier: GPL-2.0-or-later
"""Plain clients for the server's tests: raw sockets, so that they can misbehave."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ganeti.http.channel import TlsSettings
from ganeti.http.messages import Request, Response
from ganeti.http.server import Server
from test.support import pki
from test.support.noded import Noded

PATIENCE_S = 10.0


def echo(request: Request) -> Response:
    return Response(200, request.method.encode() + b" " + request.body)


def anybody(_request: Request) -> str:
    return "somebody"


@contextlib.contextmanager
def serving(
    handler: Callable[[Request], Response] = echo,
    *,
    address: str = "127.0.0.1",
    tls: TlsSettings | None = None,
    authorize: Callable[[Request], str | Response] = anybody,
    port: int = 0,
    **more: Any,
) -> Iterator[Server]:
    server = Server(address, port, tls, handler, authorize, **more)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def connect(server: Server | Noded, address: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection((address, server.port), timeout=PATIENCE_S)


def post(body: bytes = b"", *, target: str = "/", more: str = "", version: str = "1.1") -> bytes:
    head = f"POST {target} HTTP/{version}\r\nHost: x\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def read_response(sock: socket.socket, method: str = "POST") -> tuple[int, bytes]:
    status, body, _ = read_whole_response(sock, method)
    return status, body


def read_whole_response(
    sock: socket.socket, method: str = "POST"
) -> tuple[int, bytes, http.client.HTTPMessage]:
    response = http.client.HTTPResponse(sock, method=method)
    response.begin()
    return response.status, response.read(), response.headers


def is_closed(sock: socket.socket) -> bool:
    """Wait for the end of the connection; False if the server keeps it beyond the patience."""
    try:
        return sock.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def tls_settings(
    directory: Path, accept: Callable[[str, int], bool] | None = lambda _digest, _depth: True
) -> TlsSettings:
    pem = pki.cluster().save(directory / "server.pem")
    return TlsSettings(pem, pem, pem, accept)


def client_context(certificate: str | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        context.load_cert_chain(certificate)
    return context


def connect_tls(server: Server | Noded, context: ssl.SSLContext, **more: Any) -> ssl.SSLSocket:
    return context.wrap_socket(connect(server), **more)
