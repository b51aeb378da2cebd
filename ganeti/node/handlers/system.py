# SPDX-License-Identifier: GPL-2.0-or-later
"""The node as a whole."""

from __future__ import annotations

import logging
import os
from typing import Any

import simplejson

from ganeti import queue_record, version
from ganeti.contracts.node.sender import Sender
from ganeti.contracts.node.system import (
    HvSpec,
    MasterInfo,
    NodeInfo,
    Params,
    Standing,
    StorageUnit,
    SystemCalls,
)
from ganeti.errors import CommandError, GenericError
from ganeti.node import master_ip, membership, restricted
from ganeti.node.handlers.os import OsHandlers
from ganeti.node.host import Host
from ganeti.node.master_ip import change_netmask
from ganeti.node.powercycle import Powercycle
from ganeti.node.self_check import SelfCheck
from ganeti.utils import files, net, x509

log = logging.getLogger(__name__)

OVS_S = 60.0
PAUSE_MODE = 0o644
MIB = 1024 * 1024


class SystemHandlers(SystemCalls):
    """Thin: each call looks something up or hands on."""

    def __init__(self, host: Host) -> None:
        self._host, self._machine, self._hypervisors = host, host.machine, host.hypervisors
        self._powercycle = Powercycle(host.machine, host.clock, host.kernel)

    # Who is who.

    def version(self) -> int:
        return version.PROTOCOL

    def master_node_name(self) -> str:
        return self._host.ssconf.get("master_node", default="")

    def master_info(self) -> MasterInfo:
        told = self._host.ssconf.get
        return (
            told("master_netdev", default=""),
            told("master_ip", default=""),
            self.master_node_name(),
            int(told("primary_ip_family", default=str(net.IPV4))),
            told("master_netmask", default=""),
        )

    def master_standing(self) -> Standing:
        paths = self._host.paths
        serial, mtime = _config_stamp(paths.config_data)
        known = queue_record.read(paths.queue_candidates)
        of_queue = (_number(paths.queue_serial), known.epoch, known.number, sorted(known.in_sync))
        return (self._host.fence.epoch, serial, mtime, *of_queue)

    def master_obey(self, name: str, epoch: int) -> None:
        self._host.fence.obey(Sender(name, epoch))

    # What there is.

    def node_info(
        self, storage_units: list[StorageUnit] | None, hv_specs: list[HvSpec] | None
    ) -> NodeInfo:
        storage = None if storage_units is None else [_storage(unit) for unit in storage_units]
        hypervisors = None
        if hv_specs is not None:
            hypervisors = [self._hypervisors.of(name).node_info(p) for name, p in hv_specs]
        return (self._machine.boot_id(), storage, hypervisors)

    def node_verify(
        self, checkdict: Params, cluster_name: str, all_hvparams: dict[str, Params]
    ) -> Params:
        check = SelfCheck(self._host, OsHandlers(self._host), all_hvparams)
        return check.answer(checkdict)

    def node_verify_light(
        self, checkdict: Params, cluster_name: str, hvparams: dict[str, Params]
    ) -> Params:
        return self.node_verify(checkdict, cluster_name, hvparams)

    def node_has_ip_address(self, address: str) -> bool:
        return net.owns_address(address)

    def bridges_exist(self, bridges_list: list[str]) -> None:
        missing = self._machine.missing_bridges(bridges_list)
        if missing:
            raise GenericError(f"there is no bridge {', '.join(missing)}")

    def node_configure_ovs(self, ovs_name: str, ovs_link: str | None) -> None:
        """What is there already is left as it is."""
        add = [["add-br", ovs_name], *([["add-port", ovs_name, ovs_link]] if ovs_link else [])]
        for words in add:
            argv = ["ovs-vsctl", "--may-exist", *words]
            self._host.runner.run(argv, timeout_s=OVS_S, check=True)

    def node_crypto_tokens(
        self, token_request: list[tuple[str, str, Params | None]]
    ) -> list[tuple[str, str]]:
        return [self._token(kind, action) for kind, action, _options in token_request]

    def _token(self, kind: str, action: str) -> tuple[str, str]:
        if (kind, action) != ("ssl", "get"):
            raise GenericError(f"action '{action}' on tokens of kind '{kind}' is unknown")
        return (kind, x509.digest(files.read_text(self._host.paths.client_pem)))

    # The master's address and daemons.

    def node_activate_master_ip(self, master_params: Params, use_external_mip_script: bool) -> None:
        master_ip.activate(self._host, master_params, external=use_external_mip_script)

    def node_deactivate_master_ip(
        self, master_params: Params, use_external_mip_script: bool
    ) -> None:
        master_ip.deactivate(self._host, master_params, external=use_external_mip_script)

    def node_change_master_netmask(
        self, old_netmask: int, netmask: int, master_ip: str, master_netdev: str
    ) -> None:
        change_netmask(self._host, old_netmask, netmask, master_ip, master_netdev)

    def node_start_master_daemons(self, no_voting: bool) -> None:
        membership.start_master(self._host, no_voting=no_voting)

    def node_stop_master(self) -> None:
        membership.daemon_util(self._host, "stop-master")

    def node_ensure_daemon(self, daemon: str, run: bool) -> bool:
        return membership.ensure_daemon(self._host, daemon, run=run)

    # Joining and leaving.

    def node_leave_cluster(self, modify_ssh_setup: bool) -> str:
        membership.leave(self._host, modify_ssh_setup=modify_ssh_setup)
        self._host.stop()
        return "this node has left the cluster; its node daemon ends"

    def node_demote_from_mc(self) -> None:
        membership.demote(self._host)

    def etc_hosts_modify(self, mode: str, name: str, ip: str | None) -> None:
        path = self._host.paths.etc_hosts
        if mode == "add" and ip:
            net.add_to_hosts_file(self._host.disk, path, ip, name)
        elif mode == "remove" and not ip:
            net.remove_from_hosts_file(self._host.disk, path, name)
        else:
            raise GenericError(f"'{mode}' of {name} with address {ip} makes no sense")

    # Other.

    def node_powercycle(self, hypervisor: str, hvparams: Params) -> str:
        return self._powercycle.schedule()

    def test_delay(self, duration: float) -> None:
        if duration < 0:
            raise GenericError(f"a delay of {duration} s is in the past")
        self._host.clock.sleep(duration)

    def get_watcher_pause(self) -> float | None:
        try:
            return float(files.read_text(self._host.paths.watcher_pause))
        except (FileNotFoundError, ValueError):
            return None

    def set_watcher_pause(self, until: float | None) -> None:
        path = self._host.paths.watcher_pause
        if until is None:
            self._host.disk.remove(path, missing_ok=True)
        else:
            self._host.disk.write(path, f"{until:.0f}\n".encode(), mode=PAUSE_MODE)

    def restricted_command(self, cmd: str) -> str:
        return restricted.run(self._host, cmd)

    def run_oob(self, oob_program: str, command: str, remote_node: str, timeout: float) -> Any:
        result = self._host.runner.run([oob_program, command, remote_node], timeout_s=timeout)
        if result.failed:
            raise CommandError(result.error_text())
        try:
            return simplejson.loads(result.stdout) if result.stdout.strip() else None
        except ValueError as err:
            raise GenericError(f"{oob_program} {command} did not print JSON: {err}") from err


def _storage(unit: StorageUnit) -> Params | None:
    """Free and whole size of a storage unit in MiB; None for kinds that do not tell."""
    kind, key, _more = unit
    if kind not in ("file", "sharedfile"):
        return None
    try:
        state = os.statvfs(key)
    except OSError as err:
        log.warning("the space in %s cannot be found out: %s", key, err)
        return None
    return {
        "type": kind,
        "name": key,
        "storage_free": state.f_bavail * state.f_frsize // MIB,
        "storage_size": state.f_blocks * state.f_frsize // MIB,
    }


def _config_stamp(path: str) -> tuple[int, float]:
    """Serial number and time of the configuration that lies here; zeros if there is none."""
    try:
        raw = simplejson.loads(files.read_text(path))
        return int(raw["serial_no"]), float(raw["mtime"])
    except (OSError, ValueError, KeyError):
        return (0, 0.0)


def _number(path: str) -> int:
    try:
        return int(files.read_text(path))
    except (OSError, ValueError):
        return 0
