# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates: their form, and that OpenSSL accepts a node's as signed by the cluster's."""

from __future__ import annotations

import datetime
import hashlib
import time
from pathlib import Path

import pytest
from cryptography import x509 as reader
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto

from ganeti.errors import X509CertError
from ganeti.utils import x509
from test.support import pki

DAY_S = 86400


@pytest.fixture(scope="module")
def server() -> str:
    return x509.self_signed_pem()


@pytest.fixture(scope="module")
def client(server: str) -> str:
    return x509.client_pem(server, "node1.example.com")


def parsed(pem: str) -> reader.Certificate:
    return reader.load_pem_x509_certificate(x509.certificate_of(pem).encode())


def common_name(name: reader.Name) -> str:
    assert [attribute.rfc4514_attribute_name for attribute in name] == ["CN"]
    return str(next(iter(name)).value)


def is_accepted(pem: str, authority: str) -> bool:
    """What OpenSSL says of a certificate and the one that is said to have signed it."""
    store = crypto.X509Store()
    store.add_cert(crypto.X509.from_cryptography(parsed(authority)))
    try:
        crypto.X509StoreContext(
            store, crypto.X509.from_cryptography(parsed(pem))
        ).verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return True


def test_the_form_of_server_pem(server: str) -> None:
    assert server.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert server.endswith("-----END CERTIFICATE-----\n")
    assert server.count("-----BEGIN") == 2
    found = parsed(server)
    assert common_name(found.subject) == common_name(found.issuer) == "ganeti.example.com"
    assert found.serial_number == 1
    assert found.signature_hash_algorithm is not None
    assert found.signature_hash_algorithm.name == "sha256"
    key = found.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 2048
    basic = found.extensions.get_extension_for_class(reader.BasicConstraints)
    assert (basic.critical, basic.value.ca) == (True, True)


def test_the_form_of_client_pem(client: str) -> None:
    found = parsed(client)
    assert common_name(found.subject) == "node1.example.com"
    assert common_name(found.issuer) == "ganeti.example.com"
    assert abs(found.serial_number - time.time()) < 600
    assert isinstance(load_pem_private_key(client.encode(), None), rsa.RSAPrivateKey)
    assert len(found.extensions) == 0


def _time(certificate: reader.Certificate, which: str) -> datetime.datetime:
    """By the name that cryptography knows since version 42, or by the one of before."""
    name = f"not_valid_{which}"
    found = getattr(certificate, f"{name}_utc", None) or getattr(certificate, name)
    assert isinstance(found, datetime.datetime)
    return found


def test_it_is_valid_for_five_years_and_at_once_where_the_clock_is_behind(
    server: str, client: str, tmp_path: Path
) -> None:
    for pem in (server, client):
        path = tmp_path / "pem"
        path.write_text(pem)
        found = parsed(pem)
        start, end = (_time(found, which) for which in ("before", "after"))
        assert end - start == datetime.timedelta(days=1825, minutes=5)
        assert x509.days_left(str(path), time.time()) == pytest.approx(1825, abs=0.01)
        assert x509.days_left(str(path), time.time() + 1826 * DAY_S) < 0


def test_openssl_accepts_what_the_cluster_signed(server: str, client: str) -> None:
    assert is_accepted(server, server)
    assert is_accepted(client, server)
    stranger = x509.self_signed_pem()
    assert not is_accepted(client, stranger)
    assert not is_accepted(stranger, server)


def test_the_key_fits_the_certificate(server: str, client: str, tmp_path: Path) -> None:
    for pem in (server, client):
        context = SSL.Context(SSL.TLS_METHOD)
        (tmp_path / "pem").write_text(pem)
        context.use_privatekey_file(str(tmp_path / "pem"))
        context.use_certificate_file(str(tmp_path / "pem"))
        context.check_privatekey()
        x509.check_pair(pem)


def test_a_cluster_that_was_taken_over_can_sign() -> None:
    old = Path(pki.VERSION_1_SERVER).read_text()
    assert parsed(old).version is reader.Version.v1
    assert is_accepted(x509.client_pem(old, "node1.example.com"), old)


def test_an_elliptic_key_of_the_administrator_can_sign() -> None:
    own = pki.cluster().pem().decode()
    assert is_accepted(x509.client_pem(own, "node1.example.com"), own)


def test_names_longer_than_certificates_allow(server: str) -> None:
    name = f"{'n' * 63}.example.com"
    pem = x509.client_pem(server, name)
    assert common_name(parsed(pem).subject) == name[:64]
    assert is_accepted(pem, server)


def test_each_has_a_key_of_its_own(server: str, client: str) -> None:
    pems = [server, client, x509.client_pem(server, "node1.example.com")]
    assert len({x509.digest(pem) for pem in pems}) == 3
    assert len({pem[:400] for pem in pems}) == 3


def test_the_digest_is_sha1_of_the_certificate(server: str) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    raw = hashlib.sha1(parsed(server).public_bytes(Encoding.DER)).hexdigest().upper()
    assert x509.digest(server) == ":".join(raw[i : i + 2] for i in range(0, 40, 2))
    assert x509.digest(x509.certificate_of(server)) == x509.digest(server)


def test_the_key_is_left_out_wherever_it_stands(server: str) -> None:
    certificate = x509.certificate_of(server)
    key = server.removesuffix(certificate)
    for pem in (server, certificate + key, f"# ours\n{certificate}{key}{certificate}"):
        found = x509.certificate_of(pem)
        assert "PRIVATE" not in found
        assert found.startswith(certificate)


def test_what_is_no_certificate(server: str, tmp_path: Path) -> None:
    key = server.removesuffix(x509.certificate_of(server))
    with pytest.raises(X509CertError, match="no certificate"):
        x509.digest(key)
    with pytest.raises(X509CertError, match="damaged"):
        x509.digest("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    path = tmp_path / "rapi.pem"
    path.write_text(key)
    with pytest.raises(X509CertError) as caught:
        x509.days_left(str(path), 0)
    assert caught.value.args[0] == str(path)


def test_what_is_no_pair(server: str, client: str) -> None:
    mixed = server.removesuffix(x509.certificate_of(server)) + x509.certificate_of(client)
    with pytest.raises(X509CertError, match="do not belong together"):
        x509.check_pair(mixed)
    with pytest.raises(X509CertError, match="no private key"):
        x509.check_pair(x509.certificate_of(server))
    with pytest.raises(X509CertError, match="no private key"):
        x509.client_pem(x509.certificate_of(server), "node1.example.com")
