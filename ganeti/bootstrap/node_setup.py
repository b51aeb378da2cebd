# SPDX-License-Identifier: GPL-2.0-or-later
"""The master's part of preparing a host for `gnt-node add`, by SSH, before any trust exists.

Two programs run on the host, fed with JSON on stdin: ``prepare-node-join`` (SSH keys, if the cluster
manages them) and ``node-daemon-setup`` (certificates, ssconf, node daemon). Nothing secret is in argv.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import simplejson

from ganeti import ssh_keys
from ganeti.errors import OpExecError
from ganeti.paths import Paths
from ganeti.ssconf import Ssconf
from ganeti.ssh import FirstContact
from ganeti.utils import files, net, retry, x509
from ganeti.utils.clock import Clock
from ganeti.utils.files import Disk

READY_TIMEOUT_S = 10.0
REMOTE_TIMEOUT_S = 180


@dataclass(frozen=True)
class SetupRequest:
    """What the command knows about the host and the cluster."""

    name: str
    address: str
    ssh_port: int
    cluster_name: str
    candidates: Sequence[str]
    """UUIDs of the master candidates, whose keys the host will accept."""
    modify_ssh_setup: bool
    ssh_key_type: str
    ssh_key_bits: int
    check_host_key: bool = True
    verbose: bool = False
    debug: bool = False


class NodeSetup:
    """Prepares one host."""

    def __init__(self, paths: Paths, disk: Disk, clock: Clock, contact: FirstContact) -> None:
        self._paths, self._disk, self._clock = paths, disk, clock
        self._contact = contact

    def run(self, request: SetupRequest) -> None:
        """The host's node daemon answers when this returns; raises OpExecError otherwise."""
        if request.modify_ssh_setup:
            self._run_tool(request, "prepare-node-join", self._join_data(request))
            self._store_public_key(request)
        self._run_tool(request, "node-daemon-setup", self._daemon_data(request))
        self._wait_for_daemon(request)

    def _run_tool(self, request: SetupRequest, tool: str, data: dict[str, Any]) -> None:
        argv = [f"{self._paths.lib_dir}/{tool}"]
        argv += ["--verbose"] if request.verbose else []
        argv += ["--debug"] if request.debug else []
        result = self._contact.run(argv, stdin=simplejson.dumps(data), timeout_s=REMOTE_TIMEOUT_S)
        if result.failed:
            raise OpExecError(
                f"{tool} failed on {request.name}: {result.output.strip() or result.fail_reason};"
                " is the same release installed there?"
            )

    def _join_data(self, request: SetupRequest) -> dict[str, Any]:
        pairs = ssh_keys.host_keys(self._paths.ssh_dir)
        table = ssh_keys.PublicKeyFile(self._paths.ganeti_pub_keys, self._disk).read()
        return {
            "cluster_name": request.cluster_name,
            "node_daemon_certificate": x509.certificate_of(files.read_text(self._paths.server_pem)),
            "ssh_host_key": [[pair.kind, pair.private, pair.public] for pair in pairs],
            "authorized_keys": {u: table[u] for u in request.candidates if u in table},
            "ssh_key_type": request.ssh_key_type,
            "ssh_key_bits": request.ssh_key_bits,
        }

    def _store_public_key(self, request: SetupRequest) -> None:
        """The host's new key is known under its name until it has a UUID."""
        path = f"{self._paths.root_ssh_dir}/id_{request.ssh_key_type}.pub"
        result = self._contact.run(["cat", path], stdin="", timeout_s=REMOTE_TIMEOUT_S)
        if result.failed:
            raise OpExecError(
                f"the SSH key of {request.name} cannot be read: {result.output.strip()}"
            )
        table = ssh_keys.PublicKeyFile(self._paths.ganeti_pub_keys, self._disk)
        table.replace(request.name, [result.stdout.strip()])

    def _daemon_data(self, request: SetupRequest) -> dict[str, Any]:
        return {
            "cluster_name": request.cluster_name,
            "node_daemon_certificate": files.read_text(self._paths.server_pem),
            "hmac_key": files.read_text(self._paths.hmac_key),
            "ssconf": Ssconf(self._paths).read_all(),
            "start_node_daemon": True,
            "node_name": request.name,
        }

    def _wait_for_daemon(self, request: SetupRequest) -> None:
        port = net.daemon_port("ganeti-noded")

        def answers() -> bool:
            return net.tcp_ping(request.address, port)

        if not retry.until(answers, timeout_s=READY_TIMEOUT_S, clock=self._clock):
            raise OpExecError(
                f"the node daemon on {request.name} does not answer at"
                f" {request.address}:{port}; see its log there"
            )
