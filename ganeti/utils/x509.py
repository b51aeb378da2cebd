# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates of the cluster: made with `cryptography`, in the form of masterd, "Cluster init".

server.pem is self-signed and signs the client.pem of every node. OpenSSL refuses a version 3
certificate as issuer unless it says that it is one, hence the basic constraint.
"""

from __future__ import annotations

import datetime
import re
import time
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from ganeti.errors import X509CertError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

KEY_BITS = 2048
VALID_DAYS = 1825
SLOW_CLOCK = datetime.timedelta(minutes=5)
"""A certificate is shown at once to nodes whose clocks may be behind, by more than verify complains of."""
SERVER_NAME = "ganeti.example.com"
_NAME_LENGTH = 64
_TEXT = "(text)"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)


def _name(common: str) -> x509.Name:
    """X.520 allows 64 characters; nobody decides by this name, the digest counts."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:_NAME_LENGTH])])


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def _builder(subject: x509.Name, issuer: x509.Name, serial: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(serial)
        .not_valid_before(now - SLOW_CLOCK)
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
    )


def _pem(key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> str:
    encoded = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return (encoded + certificate.public_bytes(serialization.Encoding.PEM)).decode()


def self_signed_pem(common_name: str = SERVER_NAME) -> str:
    """A new key and its self-signed certificate, as one text."""
    key, name = _new_key(), _name(common_name)
    builder = _builder(name, name, 1).public_key(key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return _pem(key, builder.sign(key, hashes.SHA256()))


def client_pem(server_pem: str, node_name: str) -> str:
    """A new key and a certificate for a node, signed by the cluster's key."""
    signer, issuer = _signing_key(server_pem), _load(server_pem)
    key = _new_key()
    builder = _builder(_name(node_name), issuer.subject, int(time.time()))
    return _pem(key, builder.public_key(key.public_key()).sign(signer, hashes.SHA256()))


def _key(pem: str) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as err:
        raise X509CertError(
            _TEXT, f"there is no private key in it that can be read: {err}"
        ) from err


def _signing_key(pem: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    key = _key(pem)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise X509CertError(_TEXT, "its key is neither an RSA nor an elliptic one")
    return key


def _load(pem: str, origin: str = _TEXT) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(certificate_of(pem, origin).encode())
    except ValueError as err:
        raise X509CertError(origin, f"it is damaged: {err}") from err


def certificate_of(pem: str, origin: str = _TEXT) -> str:
    """The certificate (and its chain) without the key, wherever in the text that stands."""
    found = _CERTIFICATE.findall(pem)
    if not found:
        raise X509CertError(origin, "there is no certificate in it")
    return "".join(found)


def digest(pem: str, origin: str = _TEXT) -> str:
    """SHA-1 of the certificate as ``AA:BB:…``; `origin` is its name in errors."""
    return _load(pem, origin).fingerprint(hashes.SHA1()).hex(":").upper()


def check_pair(pem: str) -> None:
    """Raises X509CertError unless the text has a key and the certificate that goes with it."""
    key, certificate = _key(pem), _load(pem)
    mine, its = (
        public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        for public in (key.public_key(), certificate.public_key())
    )
    if mine != its:
        raise X509CertError(_TEXT, "key and certificate do not belong together")


def days_left(path: str, now: float) -> float:
    """Days until the certificate in a file expires; below zero when it has."""
    with open(path, encoding="ascii") as file:
        certificate = _load(file.read(), path)
    end = getattr(certificate, "not_valid_after_utc", None)
    if end is None:
        end = certificate.not_valid_after.replace(tzinfo=datetime.UTC)
    return float((end.timestamp() - now) / 86400)
