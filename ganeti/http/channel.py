# SPDX-License-Identifier: GPL-2.0-or-later
"""Non-blocking byte channels over an accepted socket: plain, or TLS with a check of the peer.

Every operation does what it can at once; it raises `Blocked` where it would wait and `Closed` when
the other end is gone or broke the protocol.
"""

from __future__ import annotations

import contextlib
import functools
import selectors
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from OpenSSL import SSL, crypto

from ganeti.errors import X509CertError

CHUNK = 65536
CIPHERS = b"HIGH:-DES:-3DES:-EXPORT:-DH"

# SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER; not named by pyOpenSSL, and set by it only in newer versions.
_MOVING_WRITE_BUFFER = 2


class Blocked(Exception):
    """The operation has to wait until the socket is ready for `events`."""

    def __init__(self, events: int) -> None:
        super().__init__(events)
        self.events = events


class Closed(Exception):
    """There is nobody to talk to any more."""


class Channel(Protocol):
    """One end of a connection."""

    def handshake(self) -> str | None:
        """Finish the handshake; the digest of the peer's certificate if it showed one."""

    def receive(self) -> bytes:
        """Some bytes."""

    def send(self, data: memoryview) -> int:
        """Send some of the bytes; how many."""

    def finish(self) -> None:
        """Tell the peer that nothing follows."""


class PlainChannel:
    """TCP without protection (``--no-ssl``)."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def handshake(self) -> str | None:
        return None

    def receive(self) -> bytes:
        try:
            data = self._sock.recv(CHUNK)
        except BlockingIOError:
            raise Blocked(selectors.EVENT_READ) from None
        except OSError as err:
            raise Closed(str(err)) from None
        if not data:
            raise Closed("end of file")
        return data

    def send(self, data: memoryview) -> int:
        try:
            return self._sock.send(data)
        except BlockingIOError:
            raise Blocked(selectors.EVENT_WRITE) from None
        except OSError as err:
            raise Closed(str(err)) from None

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)


@dataclass(frozen=True)
class TlsSettings:
    """Key and certificate of a server, and whom it lets in.

    `accept_peer` gets the SHA-1 digest (``AA:BB:…``) of every certificate of a client's chain and its
    depth, 0 for the client's own; without it no certificate is asked for. It pins certificates, so a
    chain that `ca_file` does not vouch for (expired, or of version 1) is its decision too.
    """

    key_file: str
    cert_file: str
    ca_file: str | None = None
    accept_peer: Callable[[str, int], bool] | None = None

    def context(self) -> SSL.Context:
        """A context that reads the files now and never again."""
        context = SSL.Context(SSL.TLS_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_cipher_list(CIPHERS)
        # No resumption: who was let in yesterday must show today's certificate.
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
        context.set_mode(_MOVING_WRITE_BUFFER)
        context.set_session_id(b"ganeti")
        for path, load in self._loads(context):
            try:
                load()
            except SSL.Error as err:
                raise X509CertError(path, f"it cannot be used: {err}") from None
        if self.accept_peer is not None:
            must = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
            context.set_verify(must, _verifier(self.accept_peer))
        return context

    def _loads(self, context: SSL.Context) -> Iterator[tuple[str, Callable[[], None]]]:
        """The files, and how each gets into the context."""
        yield self.cert_file, functools.partial(context.use_certificate_chain_file, self.cert_file)
        yield self.key_file, functools.partial(context.use_privatekey_file, self.key_file)
        yield self.key_file, context.check_privatekey
        if self.ca_file is not None:
            yield self.ca_file, functools.partial(context.load_verify_locations, self.ca_file)


def _verifier(
    accept: Callable[[str, int], bool],
) -> Callable[[SSL.Connection, crypto.X509, int, int, int], bool]:
    def verify(_conn: SSL.Connection, cert: crypto.X509, _error: int, depth: int, _ok: int) -> bool:
        return accept(_digest(cert), depth)

    return verify


def _digest(cert: crypto.X509) -> str:
    return cert.digest("sha1").decode("ascii")


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except SSL.WantReadError:
        raise Blocked(selectors.EVENT_READ) from None
    except SSL.WantWriteError:
        raise Blocked(selectors.EVENT_WRITE) from None
    except SSL.ZeroReturnError:
        raise Closed("end of file") from None
    except (SSL.Error, OSError) as err:
        raise Closed(f"TLS: {err}") from None


class TlsChannel:
    """TLS, the server's end. What it needs is made when the peer first says something."""

    def __init__(self, sock: socket.socket, context: SSL.Context) -> None:
        self._sock, self._context = sock, context

    @functools.cached_property
    def _conn(self) -> SSL.Connection:
        conn = SSL.Connection(self._context, self._sock)
        conn.set_accept_state()
        return conn

    def handshake(self) -> str | None:
        with _translated():
            self._conn.do_handshake()
        cert = self._conn.get_peer_certificate()
        return None if cert is None else _digest(cert)

    def receive(self) -> bytes:
        with _translated():
            return self._conn.recv(CHUNK)

    def send(self, data: memoryview) -> int:
        with _translated():
            return self._conn.send(data)

    def finish(self) -> None:
        with contextlib.suppress(SSL.Error, OSError):
            self._conn.shutdown()
        with contextlib.suppress(SSL.Error, OSError):
            self._conn.sock_shutdown(socket.SHUT_WR)
