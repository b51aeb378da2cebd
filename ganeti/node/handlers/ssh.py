# SPDX-License-Identifier: GPL-2.0-or-later
"""Distribution of SSH keys, carried out on the master: its own files directly, other nodes by SSH.

Root of a master candidate may log in everywhere; of all nodes that could become candidates the
candidates know the keys (``ganeti_pub_keys``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import simplejson

from ganeti.contracts.node.ssh import Problems, SshCalls
from ganeti.errors import GenericError
from ganeti.node.host import Host
from ganeti.ssh import Ssh
from ganeti.ssh_keys import KeyAction, PublicKeyFile, RootKeys
from ganeti.utils import files, x509

TRIES = 3
TIMEOUT_S = 60.0
PARALLEL = 8

Request = dict[str, Any]
"""Input of ssh-update: for each file an action and keys by node."""


class SshHandlers(SshCalls):
    """A node that cannot be reached is named in the answer; the others are served."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._ssh = Ssh(host.paths, host.ssconf)
        self._public = PublicKeyFile(host.paths.ganeti_pub_keys, host.disk)

    def node_ssh_key_add(
        self,
        node_uuid: str,
        node_name: str,
        potential_master_candidates: list[str],
        to_authorized_keys: bool,
        to_public_keys: bool,
        get_public_keys: bool,
    ) -> Problems:
        self._public.rename(node_name, node_uuid)
        keys = self._keys_of(node_uuid, node_name)
        requests: dict[str, Request] = {}
        for name in self._others():
            request = requests[name] = Request()
            if to_authorized_keys:
                request["authorized_keys"] = [KeyAction.ADD, {node_uuid: keys}]
            if name in potential_master_candidates and to_public_keys:
                request["public_keys"] = [KeyAction.REPLACE_OR_ADD, {node_uuid: keys}]
            if name == node_name and get_public_keys:
                request["public_keys"] = [KeyAction.OVERRIDE, self._public.read()]
        if to_authorized_keys:
            self._own().authorize(keys)
        return self._send(requests)

    def _keys_of(self, uuid: str, name: str) -> list[str]:
        keys = self._public.read().get(uuid)
        if not keys:
            raise GenericError(f"{self._host.paths.ganeti_pub_keys} has no key of node {name}")
        return keys

    def node_ssh_key_remove(
        self,
        node_uuid: str,
        node_name: str,
        master_candidate_uuids: list[str],
        potential_master_candidates: list[str],
        from_authorized_keys: bool,
        from_public_keys: bool,
        clear_authorized_keys: bool,
        clear_public_keys: bool,
        readd: bool,
    ) -> Problems:
        keys = self._public.read().get(node_uuid, [])
        requests: dict[str, Request] = {}
        for name in self._others():
            request = requests[name] = Request()
            if from_authorized_keys and keys:
                request["authorized_keys"] = [KeyAction.REMOVE, {node_uuid: keys}]
            if from_public_keys and name in potential_master_candidates:
                request["public_keys"] = [KeyAction.REMOVE, {node_uuid: []}]
        if node_name in requests:
            requests[node_name] |= self._farewell(
                [node_uuid, *master_candidate_uuids], clear_authorized_keys, clear_public_keys
            )
        if from_authorized_keys:
            self._own().revoke(keys)
        if from_public_keys:
            self._public.apply(KeyAction.REMOVE, {node_uuid: []})
        return self._send(requests)

    def _farewell(self, owners: Iterable[str], authorized: bool, public: bool) -> Request:
        """What the leaving node itself has to forget."""
        table = self._public.read()
        request = Request()
        if authorized:
            known = {uuid: table[uuid] for uuid in owners if uuid in table}
            request["authorized_keys"] = [KeyAction.REMOVE, known]
        if public:
            request["public_keys"] = [KeyAction.CLEAR, {}]
        return request

    def _own(self) -> RootKeys:
        return RootKeys(self._host.paths, self._host.disk, self._host.runner)

    def _others(self) -> list[str]:
        """Names of the online nodes but for this one."""
        me = self._host.ssconf.get("master_node")
        return [name for name in self._host.ssconf.lines("online_nodes") if name != me]

    def _send(self, requests: Mapping[str, Request]) -> Problems:
        """Run ssh-update on several nodes at once; what went wrong on which."""
        wanted = {name: request for name, request in requests.items() if request}
        with ThreadPoolExecutor(PARALLEL) as pool:
            found = zip(wanted, pool.map(self._update, wanted, wanted.values()), strict=True)
            return [(name, problem) for name, problem in found if problem]

    def _update(self, name: str, request: Request) -> str | None:
        certificate = files.read_text(self._host.paths.server_pem)
        data = {
            "cluster_name": self._host.ssconf.get("cluster_name"),
            "node_daemon_certificate": x509.certificate_of(certificate),
            **request,
        }
        argv = self._ssh.command(name, f"{self._host.paths.lib_dir}/ssh-update")
        for _ in range(TRIES):
            result = self._host.runner.run(argv, timeout_s=TIMEOUT_S, input=simplejson.dumps(data))
            if not result.failed:
                return None
        return result.output.strip() or result.fail_reason
