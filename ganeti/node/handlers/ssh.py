# SPDX-License-Identifier: GPL-2.0-or-later
"""Distribution of SSH keys, carried out on the master: its own files directly, other nodes by SSH.

Root of a master candidate may log in everywhere; of all nodes that could become candidates the
candidates know the keys (``ganeti_pub_keys``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import simplejson

from ganeti.contracts.node.ssh import Problems, SshCalls
from ganeti.errors import GenericError
from ganeti.node.host import Host
from ganeti.ssh import Ssh
from ganeti.ssh_keys import PublicKeyFile, RootKeys
from ganeti.utils import files

TRIES = 3
TIMEOUT_S = 60.0
ADD, REMOVE, REPLACE_OR_ADD, CLEAR = "add", "remove", "replace_or_add", "clear"


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
        problems = []
        for name in self._others():
            request: dict[str, Any] = {}
            if to_authorized_keys:
                request["authorized_keys"] = [ADD, {node_uuid: keys}]
            if name in potential_master_candidates and to_public_keys:
                request["public_keys"] = [REPLACE_OR_ADD, {node_uuid: keys}]
            if name == node_name and get_public_keys:
                request["public_keys"] = [REPLACE_OR_ADD, self._public.read()]
            problems += self._update(name, request)
        if to_authorized_keys:
            self._own().authorize(keys)
        return problems

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
        problems: Problems = []
        for name in self._others():
            request: dict[str, Any] = {}
            if name == node_name:
                request |= self._farewell(
                    master_candidate_uuids, clear_authorized_keys, clear_public_keys
                )
            else:
                if from_authorized_keys and keys:
                    request["authorized_keys"] = [REMOVE, {node_uuid: keys}]
                if from_public_keys and name in potential_master_candidates:
                    request["public_keys"] = [REMOVE, {node_uuid: []}]
            problems += self._update(name, request)
        if from_authorized_keys:
            self._own().revoke(keys)
        if from_public_keys:
            self._public.apply(REMOVE, {node_uuid: []})
        return problems

    def _farewell(
        self, candidates: Iterable[str], authorized: bool, public: bool
    ) -> dict[str, Any]:
        """What the leaving node itself has to forget."""
        table = self._public.read()
        request: dict[str, Any] = {}
        if authorized:
            known = {uuid: table[uuid] for uuid in candidates if uuid in table}
            request["authorized_keys"] = [REMOVE, known]
        if public:
            request["public_keys"] = [CLEAR, {}]
        return request

    def _own(self) -> RootKeys:
        return RootKeys(self._host.paths, self._host.disk, self._host.runner)

    def _others(self) -> list[str]:
        """Names of the online nodes but for this one."""
        me = self._host.ssconf.get("master_node")
        return [name for name in self._host.ssconf.lines("online_nodes") if name != me]

    def _update(self, name: str, request: dict[str, Any]) -> Problems:
        """Run ssh-update on a node."""
        if not request:
            return []
        data = {
            "cluster_name": self._host.ssconf.get("cluster_name"),
            "node_daemon_certificate": files.read_text(self._host.paths.server_pem),
            **request,
        }
        argv = self._ssh.command(name, f"{self._host.paths.lib_dir}/ssh-update")
        for _ in range(TRIES):
            result = self._host.runner.run(argv, timeout_s=TIMEOUT_S, input=simplejson.dumps(data))
            if not result.failed:
                return []
        return [(name, result.output.strip() or result.fail_reason)]
