# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs on a host that joins a cluster, fed with JSON on stdin over SSH.

``prepare-node-join`` installs SSH keys, ``node-daemon-setup`` certificates and ssconf, and starts the
node daemon. Both refuse a host that belongs to another cluster and write nothing before all is checked.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from ganeti import ssh_keys
from ganeti.bootstrap import secrets
from ganeti.errors import Code, OpPrereqError
from ganeti.paths import Paths
from ganeti.schema import types
from ganeti.schema.record import Record, stored
from ganeti.ssconf import Ssconf
from ganeti.utils import x509
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


class Joining:
    """This host while it joins."""

    def __init__(self, paths: Paths, disk: Disk, runner: Runner) -> None:
        self._paths, self._disk, self._runner = paths, disk, runner
        self._ssconf = Ssconf(paths)

    def prepare(self, request: PrepareRequest, *, dry_run: bool = False) -> None:
        """Install the cluster's host keys and let the candidates' root in."""
        self.check_cluster(request.cluster_name)
        if dry_run:
            return
        if request.ssh_host_key:
            self._install_host_keys(request)
        root = ssh_keys.RootKeys(self._paths, self._disk, self._runner)
        root.ensure(request.ssh_key_type, request.ssh_key_bits)
        root.authorize(key for keys in request.authorized_keys.values() for key in keys)

    def check_cluster(self, name: str) -> None:
        mine = self._ssconf.get("cluster_name", default="")
        if mine and mine != name:
            raise OpPrereqError(
                f"this host belongs to the cluster {mine} already, not to {name}",
                Code.WRONG_STATE,
            )

    def _install_host_keys(self, request: PrepareRequest) -> None:
        changed = False
        for kind, private, public in request.ssh_host_key:
            base = f"{self._paths.ssh_dir}/ssh_host_{kind}_key"
            changed |= self._install(base, private, 0o600)
            changed |= self._install(base + ".pub", public, 0o644)
        if changed:
            argv = [self._paths.daemon_util, "reload-ssh-keys"]
            self._runner.run(argv, timeout_s=DAEMON_TIMEOUT_S, check=True)

    def _install(self, path: str, text: str, mode: int) -> bool:
        """Write a key file, the old one kept beside it; False if it was the same."""
        try:
            with open(path, encoding="utf-8") as file:
                old = file.read()
        except FileNotFoundError:
            old = None
        if old == text:
            return False
        if old is not None:
            os.rename(path, f"{path}.backup-{int(time.time())}")
        self._disk.write(path, text.encode(), mode=mode)
        return True

    def set_up(self, request: SetupRequest, *, dry_run: bool = False) -> None:
        """Install certificates and ssconf and start the node daemon."""
        self.check_cluster(request.cluster_name)
        self._check_certificate(request)
        if dry_run:
            return
        self._disk.ensure_dir(str(self._paths.data_dir), mode=0o755)
        self._stop_daemons()
        pem = request.node_daemon_certificate.encode()
        self._disk.write(self._paths.server_pem, pem, mode=secrets.PEM_MODE)
        if request.hmac_key:
            self._disk.write(
                self._paths.hmac_key, request.hmac_key.encode(), mode=secrets.HMAC_MODE
            )
        self._ssconf.write(self._disk, dict(request.ssconf))
        secrets.write_client_certificate(self._paths, self._disk, request.node_name)
        if request.start_node_daemon:
            argv = [self._paths.daemon_util, "start", "ganeti-noded"]
            self._runner.run(argv, timeout_s=DAEMON_TIMEOUT_S, check=True)

    def _check_certificate(self, request: SetupRequest) -> None:
        x509.check_pair(request.node_daemon_certificate)
        if request.ssconf.get("cluster_name", request.cluster_name) != request.cluster_name:
            raise OpPrereqError("the ssconf values are of another cluster", Code.WRONG_INPUT)

    def _stop_daemons(self) -> None:
        argv = [self._paths.daemon_util, "stop-all"]
        self._runner.run(argv, timeout_s=DAEMON_TIMEOUT_S, check=True)


def read_request(kind: type[Record], raw: Mapping[str, Any]) -> Any:
    """The request, checked; raises OpPrereqError that names the key."""
    try:
        return kind.from_raw(raw)
    except types.Mismatch as err:
        raise OpPrereqError(f"the input does not fit: {err}", Code.WRONG_INPUT) from None
