# SPDX-License-Identifier: GPL-2.0-or-later
"""The keys and certificates a cluster starts with, and those a node gets when it joins."""

from __future__ import annotations

import secrets

from ganeti.paths import Paths
from ganeti.utils import x509
from ganeti.utils.files import Disk

KEY_BYTES = 20
PEM_MODE = 0o440
HMAC_MODE = 0o440
DOMAIN_MODE = 0o640


def new_hex_key() -> str:
    """40 hexadecimal digits and a line end, as hmac.key and the domain secret have."""
    return secrets.token_hex(KEY_BYTES) + "\n"


def write_cluster_secrets(paths: Paths, disk: Disk) -> None:
    """server.pem, rapi.pem, spice.pem with its CA, hmac.key and the domain secret."""
    for path in (paths.server_pem, paths.rapi_pem):
        disk.write(path, x509.self_signed_pem().encode(), mode=PEM_MODE)
    spice = x509.self_signed_pem()
    disk.write(paths.spice_pem, spice.encode(), mode=PEM_MODE)
    disk.write(paths.spice_ca_pem, x509.certificate_of(spice).encode(), mode=PEM_MODE)
    disk.write(paths.hmac_key, new_hex_key().encode(), mode=HMAC_MODE)
    disk.write(paths.cluster_domain_secret, new_hex_key().encode(), mode=DOMAIN_MODE)


def write_client_certificate(paths: Paths, disk: Disk, node_name: str) -> str:
    """Make client.pem, signed by the cluster's key; returns its digest."""
    with open(paths.server_pem, encoding="ascii") as file:
        server = file.read()
    pem = x509.client_pem(server, node_name)
    disk.write(paths.client_pem, pem.encode(), mode=PEM_MODE)
    return x509.digest(pem)
