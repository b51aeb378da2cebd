# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs on a host that joins a cluster or is in it, fed with JSON on stdin over SSH.

``prepare-node-join`` installs SSH keys, ``node-daemon-setup`` certificates and ssconf, and starts the
node daemon; ``ssh-update`` and ``ssl-update`` change keys and certificates later. All refuse a host that
belongs to another cluster, and write nothing before all is checked.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

from ganeti import ssh_keys
from ganeti.bootstrap import secrets
from ganeti.errors import Code, OpPrereqError
from ganeti.paths import Paths
from ganeti.schema import types
from ganeti.schema.record import Record, stored
from ganeti.ssconf import Ssconf
from ganeti.ssh_keys import KeyAction
from ganeti.utils import files, x509
from ganeti.utils.clock import Clock
from ganeti.utils.files import Disk
from ganeti.utils.process import Runner

DAEMON_TIMEOUT_S = 120


class PrepareRequest(Record):
    """Input of prepare-node-join."""

    cluster_name: str = stored()
    node_daemon_certificate: str | None = stored(default=None)
    ssh_host_key: list[tuple[str, str, str]] = stored(default=[])
    ssh_root_key: list[tuple[str, str, str]] = stored(default=[])
    authorized_keys: dict[str, list[str]] = stored(default={})
    ssh_key_type: str = stored()
    ssh_key_bits: types.Positive = stored()


class SetupRequest(Record):
    """Input of node-daemon-setup."""

    cluster_name: str = stored()
    node_daemon_certificate: str = stored()
    hmac_key: str | None = stored(default=None)
    ssconf: dict[str, str] = stored(default={})
    start_node_daemon: bool = stored(default=True)
    node_name: str = stored()


class SshUpdateRequest(Record):
    """Input of ssh-update; each part is an action and keys by node."""

    cluster_name: str = stored()
    node_daemon_certificate: str | None = stored(default=None)
    public_keys: tuple[KeyAction, dict[str, list[str]]] | None = stored(default=None)
    authorized_keys: tuple[KeyAction, dict[str, list[str]]] | None = stored(default=None)
    generate: tuple[str, int, str] | None = stored(default=None)
    ssh_key_type: str | None = stored(default=None)
    ssh_key_bits: int | None = stored(default=None)


class SslUpdateRequest(Record):
    """Input of ssl-update."""

    cluster_name: str = stored()
    node_daemon_certificate: str = stored()
    node_name: str = stored()
    action: Literal["create", "delete"] = stored(default="create")


Request = PrepareRequest | SetupRequest | SshUpdateRequest | SslUpdateRequest


class Joining:
    """This host, as the master changes it."""

    def __init__(self, paths: Paths, disk: Disk, runner: Runner, clock: Clock) -> None:
        self._paths, self._disk, self._runner, self._clock = paths, disk, runner, clock
        self._ssconf = Ssconf(paths)
        self._root = ssh_keys.RootKeys(paths, disk, runner)

    def check(self, request: Request) -> None:
        """Raises unless the host belongs to this cluster or to none, and the input is whole."""
        mine = self._ssconf.get("cluster_name", default="")
        if mine and mine != request.cluster_name:
            raise OpPrereqError(
                f"this host belongs to the cluster {mine} already, not to {request.cluster_name}",
                Code.WRONG_STATE,
            )
        if request.node_daemon_certificate is not None:
            self._check_certificate(request.node_daemon_certificate)
        if isinstance(request, SetupRequest):
            _check_setup(request)

    def _check_certificate(self, pem: str) -> None:
        digest = x509.digest(pem)
        path = self._paths.server_pem
        if os.path.exists(path) and x509.digest(files.read_text(path)) != digest:
            raise OpPrereqError(
                f"this host has the certificate of another cluster; if it has left that for good,"
                f" remove {path}",
                Code.WRONG_STATE,
            )

    def prepare(self, request: PrepareRequest) -> None:
        """Install the cluster's host keys and let the candidates' root in."""
        for kind, private, public in request.ssh_host_key:
            base = f"{self._paths.ssh_dir}/ssh_host_{kind}_key"
            self._install(base, private, 0o600)
            self._install(base + ".pub", public, 0o644)
        if request.ssh_host_key:  # also the same ones: the last attempt may have failed right here
            self._daemon_util("reload-ssh-keys")
        self._root.ensure(request.ssh_key_type, request.ssh_key_bits)
        self._root.authorize(key for keys in request.authorized_keys.values() for key in keys)

    def _install(self, path: str, text: str, mode: int) -> None:
        """Write a key file and keep the old one beside it; at no time there is none."""
        old = files.read_text(path) if os.path.exists(path) else None
        if old == text:
            return
        if old is not None:
            backup = f"{path}.backup-{int(self._clock.now())}"
            self._disk.write(backup, old.encode(), mode=mode)
        self._disk.write(path, text.encode(), mode=mode)

    def set_up(self, request: SetupRequest) -> None:
        """Install certificates and ssconf and start the node daemon."""
        self._disk.ensure_dir(self._paths.data_dir, mode=0o755)
        self._daemon_util("stop-all")
        if not os.path.exists(self._paths.server_pem):  # what it knew of an earlier cluster
            self._disk.remove(self._paths.master_epoch, missing_ok=True)
        pem = request.node_daemon_certificate.encode()
        self._disk.write(self._paths.server_pem, pem, mode=secrets.PEM_MODE)
        if request.hmac_key:
            self._disk.write(
                self._paths.hmac_key, request.hmac_key.encode(), mode=secrets.HMAC_MODE
            )
        self._ssconf.write(self._disk, dict(request.ssconf))
        secrets.write_client_certificate(self._paths, self._disk, request.node_name)
        if request.start_node_daemon:
            self._daemon_util("start", "ganeti-noded")

    def update_ssh(self, request: SshUpdateRequest) -> None:
        """Carry out the actions on authorized_keys and on the file of public keys."""
        if request.authorized_keys:
            action, table = request.authorized_keys
            self._root.apply(action, [key for owned in table.values() for key in owned])
        if request.public_keys:
            public = ssh_keys.PublicKeyFile(self._paths.ganeti_pub_keys, self._disk)
            public.apply(*request.public_keys)
        if request.generate:
            self._root.generate(*request.generate)

    def update_ssl(self, request: SslUpdateRequest) -> None:
        """Make the node's certificate anew, or take it away."""
        if request.action == "delete":
            self._disk.remove(self._paths.client_pem, missing_ok=True)
        else:
            secrets.write_client_certificate(self._paths, self._disk, request.node_name)

    def _daemon_util(self, *words: str) -> None:
        argv = [self._paths.daemon_util, *words]
        self._runner.run(argv, timeout_s=DAEMON_TIMEOUT_S, check=True)


def _check_setup(request: SetupRequest) -> None:
    x509.check_pair(request.node_daemon_certificate)
    if request.ssconf.get("cluster_name", "").strip() != request.cluster_name:
        raise OpPrereqError("the ssconf values are not of this cluster", Code.WRONG_INPUT)


def read_request(kind: type[Record], raw: Mapping[str, Any]) -> Any:
    """The request, checked; raises OpPrereqError that names the key."""
    try:
        return kind.from_raw(raw)
    except types.Mismatch as err:
        raise OpPrereqError(f"the input does not fit: {err}", Code.WRONG_INPUT) from None
