# SPDX-License-Identifier: GPL-2.0-or-later
"""What the HTTP server and its handlers hand each other."""

from __future__ import annotations

import html
import http
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """Who is at the other end. `digest`: SHA-1 of the client's certificate as ``AA:BB:…``."""

    address: str
    port: int
    digest: str | None = None

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class Request:
    """A whole request. Names of headers are in lower case; `principal` is what `authorize` said."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    peer: Peer
    version: str = "1.1"
    principal: str = ""


@dataclass(frozen=True)
class Response:
    """An answer. Length, date and server are added by the server, before them stands `headers`."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Refused(Exception):
    """A request that is answered with an error; the connection is closed after it."""

    def __init__(self, status: int, explain: str) -> None:
        super().__init__(status, explain)
        self.status, self.explain = status, explain


_PAGE = """\
<html>
<head><title>{status} {reason}</title></head>
<body>
<h1>{status} {reason}</h1>
<p>{explain}</p>
</body>
</html>
"""


def error_page(status: int, explain: str) -> Response:
    """An HTML answer for what never reached a procedure."""
    reason = http.HTTPStatus(status).phrase
    page = _PAGE.format(status=status, reason=reason, explain=html.escape(explain))
    return Response(status, page.encode(), (("Content-Type", "text/html"),))
