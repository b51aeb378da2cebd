# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates for tests: a cluster's, a node's signed with it, and a stranger's.

Elliptic keys, because they are made at once. Certificates of X.509 version 1, as clusters that were
taken over have them, cannot be made with `cryptography`: they stand beside this file.
"""

from __future__ import annotations

import datetime
import functools
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_VERSION_1 = Path(__file__).parent / "version1"
VERSION_1_SERVER, VERSION_1_CLIENT = str(_VERSION_1 / "server.pem"), str(_VERSION_1 / "client.pem")


@dataclass(frozen=True)
class Identity:
    """A key with its certificate."""

    key: ec.EllipticCurvePrivateKey
    cert: x509.Certificate

    @property
    def digest(self) -> str:
        return self.cert.fingerprint(hashes.SHA1()).hex(":").upper()

    def pem(self) -> bytes:
        key = self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return key + self.cert.public_bytes(serialization.Encoding.PEM)

    def save(self, path: Path) -> str:
        path.write_bytes(self.pem())
        return str(path)


def _made(name: str, issuer: Identity | None, *, days: int = 1) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.cert.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=10))
        .not_valid_after(today + datetime.timedelta(days=days))
    )
    if issuer is None:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    return Identity(key, builder.sign(issuer.key if issuer else key, hashes.SHA256()))


@functools.cache
def cluster() -> Identity:
    return _made("ganeti.example.com", None)


@functools.cache
def node() -> Identity:
    return _made("node1.example.com", cluster())


@functools.cache
def other_node() -> Identity:
    return _made("node2.example.com", cluster())


@functools.cache
def stranger() -> Identity:
    return _made("stranger.example.com", None)


@functools.cache
def expired_node() -> Identity:
    return _made("node3.example.com", cluster(), days=-1)
