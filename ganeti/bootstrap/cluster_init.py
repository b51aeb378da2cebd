# SPDX-License-Identifier: GPL-2.0-or-later
"""`gnt-cluster init`: makes this host the master of a new cluster.

All checks come first. What is written afterwards is taken back if a later step fails, so that the
command can be given again.
"""

from __future__ import annotations

import functools
import os
import stat
import uuid
from collections.abc import Callable
from dataclasses import replace

from ganeti import ssh_keys
from ganeti.bootstrap import host_checks, new_cluster, secrets
from ganeti.bootstrap.new_cluster import HostFacts, InitRequest
from ganeti.errors import GenericError, OpExecError
from ganeti.luxi.client import Client
from ganeti.model import configfile
from ganeti.model.config import Config
from ganeti.model.ssconf_values import ssconf_values
from ganeti.paths import Paths
from ganeti.ssconf import Ssconf
from ganeti.utils import net, retry
from ganeti.utils.clock import Clock
from ganeti.utils.files import Disk
from ganeti.utils.process import Runner
from ganeti.utils.rollback import Rollback

DAEMON_TIMEOUT_S = 120
READY_TIMEOUT_S = 10.0
CONFIG_MODE = 0o640
DIRECTORY_MODE = 0o750
KNOWN_HOSTS_MODE = 0o644


class ClusterInit:
    """The steps of making a cluster on this host."""

    def __init__(self, paths: Paths, disk: Disk, runner: Runner, clock: Clock) -> None:
        self._paths, self._disk, self._runner, self._clock = paths, disk, runner, clock

    def run(self, request: InitRequest) -> Config:
        """Returns the first configuration, with the daemons running."""
        host_checks.check_unused(self._paths)
        host_checks.check_kinds(request)
        family = net.IPV6 if request.primary_ip_version == 6 else net.IPV4
        me = host_checks.own_address(family)
        cluster = host_checks.cluster_address(request.cluster_name, family)
        secondary = host_checks.secondary_address(request, me.address)
        new_cluster.netmask(request)
        host_checks.check_storage(request, self._runner, self._paths)
        host_checks.check_netdev(request)
        new_cluster.ssh_bits(request)
        keys = ssh_keys.required_host_keys(self._paths.ssh_dir)
        facts = HostFacts(
            node_name=me.name,
            primary_ip=me.address,
            secondary_ip=secondary,
            cluster_ip=cluster.address,
            family=family,
            rsa_key=ssh_keys.public_body(keys, "rsa"),
            dsa_key=ssh_keys.public_body(keys, "dsa"),
            client_digest="",
            default_iallocator=host_checks.find_allocator(request, self._paths),
            directories=new_cluster.storage_directories(request, self._paths),
        )
        self._first(request, facts)
        return self.set_up(request, facts, keys)

    def _first(self, request: InitRequest, facts: HostFacts) -> Config:
        now = self._clock.now()
        return new_cluster.first_config(request, facts, lambda: str(uuid.uuid4()), now)

    def set_up(
        self, request: InitRequest, facts: HostFacts, keys: list[ssh_keys.KeyPair]
    ) -> Config:
        """Make the cluster on a host that fits; one that fails leaves the host as it was."""
        with Rollback() as undo:
            undo.on_failure(self._clear)
            self._daemon_util("stop-all")
            self._runner.run([self._paths.ensure_dirs], timeout_s=DAEMON_TIMEOUT_S, check=True)
            for directory in facts.directories.values():
                self._disk.ensure_dir(directory, mode=DIRECTORY_MODE)
            secrets.write_cluster_secrets(self._paths, self._disk)
            digest = secrets.write_client_certificate(self._paths, self._disk, facts.node_name)
            config = self._first(request, replace(facts, client_digest=digest))
            self._write(config, keys)
            if request.modify_etc_hosts:
                self._note_in_etc_hosts(facts, undo)
            if request.modify_ssh_setup:
                self._set_up_ssh(request, config, undo)
            self._start(undo)
        return config

    def _clear(self) -> None:
        """Remove what makes this host look like part of a cluster; before, there were no files."""
        for directory in (self._paths.data_dir, self._paths.queue_dir):
            self._disk.remove_files(directory)

    def _keep(self, path: str, undo: Rollback) -> None:
        """Put the file back as it is now if a later step fails."""
        try:
            with open(path, "rb") as file:
                state, data = os.fstat(file.fileno()), file.read()
        except FileNotFoundError:
            undo.on_failure(functools.partial(self._disk.remove, path, missing_ok=True))
            return
        mode, owner = stat.S_IMODE(state.st_mode), (state.st_uid, state.st_gid)
        undo.on_failure(functools.partial(self._disk.write, path, data, mode=mode, owner=owner))

    def _daemon_util(self, *words: str) -> None:
        argv = [self._paths.daemon_util, *words]
        self._runner.run(argv, timeout_s=DAEMON_TIMEOUT_S, check=True)

    def _write(self, config: Config, keys: list[ssh_keys.KeyPair]) -> None:
        text = ssh_keys.known_hosts(config.cluster.cluster_name, keys)
        self._disk.write(self._paths.known_hosts, text.encode(), mode=KNOWN_HOSTS_MODE)
        self._disk.write(self._paths.config_data, configfile.encode(config), mode=CONFIG_MODE)
        Ssconf(self._paths).write(self._disk, ssconf_values(config))

    def _note_in_etc_hosts(self, facts: HostFacts, undo: Rollback) -> None:
        self._keep(self._paths.etc_hosts, undo)
        net.add_to_hosts_file(self._disk, self._paths.etc_hosts, facts.primary_ip, facts.node_name)

    def _set_up_ssh(self, request: InitRequest, config: Config, undo: Rollback) -> None:
        """Root of this node may log in to itself; its key is the first of the cluster's."""
        root = ssh_keys.RootKeys(self._paths, self._disk, self._runner)
        key = root.ensure(request.ssh_key_type, new_cluster.ssh_bits(request))
        self._keep(root.authorized_keys, undo)
        root.authorize([key])
        table = ssh_keys.PublicKeyFile(self._paths.ganeti_pub_keys, self._disk)
        table.replace(config.cluster.master_node, [key])

    def _start(self, undo: Rollback) -> None:
        undo.on_failure(self._daemon_util, "stop-all")
        self._daemon_util("start", "ganeti-noded")
        self._wait("the node daemon", self._noded_answers)
        self._daemon_util("start-all")
        self._wait("the master daemon", self._masterd_answers)

    def _wait(self, what: str, is_ready: Callable[[], bool]) -> None:
        if not retry.until(is_ready, timeout_s=READY_TIMEOUT_S, clock=self._clock):
            raise OpExecError(
                f"{what} did not answer within {READY_TIMEOUT_S:.0f} seconds;"
                f" see its log in {self._paths.log_dir}"
            )

    def _noded_answers(self) -> bool:
        return net.tcp_ping("127.0.0.1", net.daemon_port("ganeti-noded")) or net.tcp_ping(
            "::1", net.daemon_port("ganeti-noded")
        )

    def _masterd_answers(self) -> bool:
        try:
            with Client(self._paths) as client:
                client.QueryConfigValues(["cluster_name"])
        except (GenericError, OSError):
            return False
        return True
