# SPDX-License-Identifier: GPL-2.0-or-later
"""Answers to the questions of `gnt-cluster verify`: one small function for each key of the request.

The keys and the forms of the answers are those of the call `node_verify`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ganeti import file_storage, version
from ganeti.contracts.node.os import OsCalls
from ganeti.errors import GenericError
from ganeti.node import ssh_check
from ganeti.node.host import Host
from ganeti.ssh import Ssh
from ganeti.utils import files, net, x509

SSH_TIMEOUT_S = 30.0
# Nothing secret is sent: what guards against tomorrow's computers is half of the time of a trial.
QUICK_KEY_EXCHANGE = "^curve25519-sha256"
PING_TIMEOUT_S = 10.0
PARALLEL = 8

Answer = dict[str, Any]


class SelfCheck:
    """One request to one node."""

    def __init__(self, host: Host, oses: OsCalls, hvparams: Mapping[str, Any]) -> None:
        self._host, self._oses, self._hvparams = host, oses, hvparams
        self._hypervisors, self._machine = host.hypervisors, host.machine
        self._me = net.resolve(net.own_name()).name

    def answer(self, asked: Mapping[str, Any]) -> Answer:
        """What is known here of the questions; a node that runs no guests leaves theirs out."""
        skipped = GUEST_KEYS if self._me in asked.get("nonvmnodes", ()) else ()
        keys = [key for key in asked if key in ANSWERS and key not in skipped]
        with ThreadPoolExecutor(len(WAYS)) as pool:
            begun = {key: pool.submit(ANSWERS[key], self, asked[key]) for key in WAYS & set(keys)}
            return {
                key: begun[key].result() if key in begun else ANSWERS[key](self, asked[key])
                for key in keys
            }

    def filelist(self, paths: list[str]) -> dict[str, str]:
        found = ((path, _checksum(path)) for path in paths)
        return {path: digest for path, digest in found if digest is not None}

    def nodelist(self, asked: Any) -> dict[str, str]:
        """Only a master candidate can try the ways to the others."""
        nodes, extra, candidates = asked
        if self._me not in candidates:
            return {}
        names = list(dict.fromkeys([*nodes, *extra.get(self._me, ())]))
        with ThreadPoolExecutor(PARALLEL) as pool:
            results = zip(names, pool.map(self._ssh_problem, names), strict=True)
            return {name: problem for name, problem in results if problem}

    def _ssh_problem(self, name: str) -> str | None:
        """Whether the other node can be reached and is the one it should be."""
        ssh = Ssh(self._host.paths, self._host.ssconf)
        argv = ssh.command(name, "hostname --fqdn", key_exchange=QUICK_KEY_EXCHANGE)
        result = self._host.runner.run(argv, timeout_s=SSH_TIMEOUT_S)
        if result.failed:
            return result.output.strip() or result.fail_reason
        told = result.stdout.strip()
        if told != name and not name.startswith(told + "."):
            return f"it calls itself {told}"
        return None

    def network(self, asked: Any) -> dict[str, str]:
        """Whether the node daemons of the others answer at both addresses."""
        nodes, candidates = asked
        if self._me not in candidates:
            return {}
        port = net.daemon_port("ganeti-noded")
        silent = _silent({address for _, *own in nodes for address in own}, port)
        texts = {name: [a for a in dict.fromkeys(own) if a in silent] for name, *own in nodes}
        return {
            name: f"no answer at {' and '.join(addresses)} port {port}"
            for name, addresses in texts.items()
            if addresses
        }

    def master_ip(self, asked: Any) -> bool | None:
        master, address, candidates = asked
        if self._me not in candidates or self._me == master:
            return None
        return net.tcp_ping(address, net.daemon_port("ganeti-noded"), timeout_s=PING_TIMEOUT_S)

    def hypervisor(self, names: list[str]) -> dict[str, str | None]:
        return {name: self._told(lambda n=name: self._problem(n)) for name in names}  # type: ignore[misc]

    def _problem(self, name: str) -> str | None:
        return self._hypervisors.of(name).problem(self._hvparams.get(name, {}))

    @staticmethod
    def _told(ask: Callable[[], str | None]) -> str | None:
        try:
            return ask()
        except GenericError as err:
            return str(err)

    def hvparms(self, rows: list[Any]) -> list[list[str]]:
        problems = []
        for source, name, params in rows:
            try:
                self._hypervisors.of(name).validate(params)
            except GenericError as err:
                problems.append([source, name, str(err)])
        return problems

    def instancelist(self, names: list[str]) -> list[str] | str:
        try:
            return [guest for name in names for guest in self._hypervisors.of(name).names()]
        except GenericError as err:
            return str(err)

    def hvinfo(self, name: str) -> Answer:
        return self._hypervisors.of(name).node_info(self._hvparams.get(name, {}))

    def client_cert(self, _asked: Any) -> list[str | None]:
        """``[null, digest]``, or the severity and what is wrong."""
        path = self._host.paths.client_pem
        try:
            pem = files.read_text(path)
            if x509.days_left(path, self._host.clock.now()) < 0:
                return ["ERROR", f"{path} has expired"]
            return [None, x509.digest(pem)]
        except (OSError, GenericError) as err:
            return ["ERROR", f"{path} cannot be read: {err}"]

    def ssh_setup(self, asked: Any) -> list[str]:
        nodes, key_type = asked
        return ssh_check.setup_problems(
            self._me, [ssh_check.Member(*row) for row in nodes], self._ssh_files(key_type)
        )

    def ssh_clutter(self, _asked: Any) -> list[str]:
        return ssh_check.clutter(self._ssh_files("rsa").authorized, self._me)

    def _ssh_files(self, key_type: str) -> ssh_check.SshFiles:
        return ssh_check.read(self._host.paths, key_type)

    def oslist(self, _asked: Any) -> list[Any]:
        return [list(row) for row in self._oses.os_diagnose()]

    def bridges(self, names: list[str]) -> list[str]:
        return self._machine.missing_bridges(names)

    def user_scripts(self, paths: list[str]) -> list[str]:
        return [path for path in paths if not os.access(path, os.X_OK)]

    def allowed_paths(self, node: str) -> list[str]:
        """Only one node is asked, since all are to be the same."""
        return file_storage.bad_entries(self._host.paths) if node == self._me else []

    def storage_path(self, path: str) -> str | None:
        try:
            file_storage.check(self._host.paths, path, may_be_listed=True)
        except GenericError as err:
            return str(err)
        if not os.path.isdir(path):
            return f"{path} is not a directory"
        return None if os.access(path, os.W_OK) else f"{path} cannot be written"

    def version(self, _asked: Any) -> list[Any]:
        return [version.PROTOCOL, version.RELEASE]

    def node_setup(self, _asked: Any) -> list[str]:
        return self._machine.setup_problems()

    def time(self, _asked: Any) -> list[int]:
        now = self._host.clock.now()
        return [int(now), int(now % 1 * 1_000_000)]


ANSWERS: dict[str, Callable[[SelfCheck, Any], Any]] = {
    "filelist": SelfCheck.filelist,
    "nodelist": SelfCheck.nodelist,
    "node-net-test": SelfCheck.network,
    "master-ip": SelfCheck.master_ip,
    "hypervisor": SelfCheck.hypervisor,
    "hvparms": SelfCheck.hvparms,
    "instancelist": SelfCheck.instancelist,
    "hvinfo": SelfCheck.hvinfo,
    "client-cert": SelfCheck.client_cert,
    "ssh-setup": SelfCheck.ssh_setup,
    "ssh-clutter": SelfCheck.ssh_clutter,
    "oslist": SelfCheck.oslist,
    "bridges": SelfCheck.bridges,
    "user-scripts": SelfCheck.user_scripts,
    "allowed-file-storage-paths": SelfCheck.allowed_paths,
    "file-storage-path": SelfCheck.storage_path,
    "shared-file-storage-path": SelfCheck.storage_path,
    "version": SelfCheck.version,
    "nodesetup": SelfCheck.node_setup,
    "time": SelfCheck.time,
}
# What may have to wait for other nodes.
WAYS = frozenset({"nodelist", "node-net-test", "master-ip"})
GUEST_KEYS = frozenset(
    {"hypervisor", "hvparms", "instancelist", "hvinfo", "oslist", "bridges"}
    | {"allowed-file-storage-paths", "file-storage-path", "shared-file-storage-path"}
)


def _checksum(path: str) -> str | None:
    """SHA-1 of a file; None if it is not there."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha1").hexdigest()
    except OSError:
        return None


def _silent(addresses: Collection[str], port: int) -> set[str]:
    """At which of them nobody answers; the silence of several costs no more than that of one."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        heard = pool.map(lambda a: net.tcp_ping(a, port, timeout_s=PING_TIMEOUT_S), addresses)
        return {address for address, good in zip(addresses, heard, strict=True) if not good}
