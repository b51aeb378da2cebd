# SPDX-License-Identifier: GPL-2.0-or-later
"""The node as a whole: versions, roles, addresses, daemons, health."""

from __future__ import annotations

from typing import Annotated, Any

from ganeti.contracts.node.names import FileName
from ganeti.paths import DEFAULT
from ganeti.schema.contract import Contract, Timeout, call
from ganeti.schema.types import Check

Params = dict[str, Any]
HvSpec = tuple[str, Params]
StorageUnit = tuple[str, str, list[Any]]
NodeInfo = tuple[str, list[Params | None] | None, list[Params] | None]
"""Boot id, a row per storage unit asked for, a row per hypervisor asked for."""
Standing = tuple[int, int, float, int, int, int, list[str]]
"""Highest epoch seen; serial and time of the configuration; serial of the queue; epoch, number and UUIDs
of the record of who has all of it."""


MASTER_PARAMETERS = {"ip", "netmask", "netdev", "ip_family"}
MasterParams = Annotated[Params, Check(lambda p: p.keys() >= MASTER_PARAMETERS, "an address")]
MasterInfo = tuple[str, str, str, int, str]
"""Interface and address of the cluster, name of the master, address family, prefix length."""


def _pause(duration: float) -> float:
    return duration + 5


class SystemCalls(Contract):
    """What is not about one instance or disk."""

    @call(Timeout.URGENT, repeatable=True, fenced=False, even_offline=True)
    def version(self) -> int:
        """The protocol version."""

    @call(Timeout.URGENT, repeatable=True, fenced=False, even_offline=True)
    def master_node_name(self) -> str:
        """Whom this node takes for the master."""

    @call(Timeout.URGENT, repeatable=True, fenced=False, even_offline=True)
    def master_info(self) -> MasterInfo:
        """The same with more; the name by which masters of old asked."""

    @call(Timeout.URGENT, repeatable=True, fenced=False, even_offline=True)
    def master_standing(self) -> Standing:
        """How much this node has of what was acknowledged."""

    @call(Timeout.FAST, fenced=False, even_offline=True)
    def master_obey(self, name: str, epoch: int) -> None:
        """Obey this master, which knows by `master_standing` what is here, and no older one."""

    @call(Timeout.URGENT, repeatable=True, fenced=False)
    def node_info(
        self, storage_units: list[StorageUnit] | None, hv_specs: list[HvSpec] | None
    ) -> NodeInfo:
        """Memory, processors and storage."""

    @call(Timeout.NORMAL, fenced=False)
    def node_verify(
        self, checkdict: Params, cluster_name: str, all_hvparams: dict[str, Params]
    ) -> Params:
        """Answer the questions of `gnt-cluster verify` that are keys of `checkdict`."""

    @call(Timeout.NORMAL, fenced=False)
    def node_verify_light(
        self, checkdict: Params, cluster_name: str, hvparams: dict[str, Params]
    ) -> Params:
        """The same, of a node that need not be in the cluster yet."""

    @call(Timeout.FAST)
    def node_activate_master_ip(
        self, master_params: MasterParams, use_external_mip_script: bool
    ) -> None:
        """Bring the cluster's address up here."""

    @call(Timeout.FAST)
    def node_deactivate_master_ip(
        self, master_params: MasterParams, use_external_mip_script: bool
    ) -> None:
        """Take the cluster's address down here."""

    @call(Timeout.FAST)
    def node_change_master_netmask(
        self, old_netmask: int, netmask: int, master_ip: str, master_netdev: str
    ) -> None:
        """Give the cluster's address another prefix length."""

    @call(Timeout.FAST)
    def node_start_master_daemons(self, no_voting: bool) -> None:
        """Start the daemons that only the master runs."""

    @call(Timeout.FAST, fenced=False)
    def node_stop_master(self) -> None:
        """Stop them."""

    @call(Timeout.NORMAL)
    def node_leave_cluster(self, modify_ssh_setup: bool) -> str:
        """Forget the cluster; the node daemon ends once it has answered."""

    @call(Timeout.FAST, in_turn=DEFAULT.config_data)
    def node_demote_from_mc(self) -> None:
        """Give back what only master candidates have."""

    @call(Timeout.FAST, repeatable=True, fenced=False)
    def node_has_ip_address(self, address: str) -> bool:
        """Whether this host has the address."""

    @call(Timeout.SLOW)
    def node_crypto_tokens(
        self, token_request: list[tuple[str, str, Params | None]]
    ) -> list[tuple[str, str]]:
        """Rows of kind (``ssl``) and digest of the certificate; an action may make a new one."""

    @call(Timeout.URGENT)
    def node_ensure_daemon(self, daemon: FileName, run: bool) -> bool:
        """Start or stop a daemon."""

    @call(Timeout.NORMAL, even_offline=True, from_memory=True)
    def node_powercycle(self, hypervisor: str, hvparams: Params) -> str:
        """Reset the machine in some seconds."""

    @call(Timeout.NORMAL)
    def etc_hosts_modify(self, mode: str, name: str, ip: str | None) -> None:
        """``add`` or ``remove`` a line of /etc/hosts."""

    @call(Timeout.NORMAL)
    def node_configure_ovs(self, ovs_name: str, ovs_link: str | None) -> None:
        """Make an Open vSwitch, and connect it to a network interface."""

    @call(Timeout.URGENT, repeatable=True, fenced=False)
    def bridges_exist(self, bridges_list: list[str]) -> None:
        """Fails and names the bridges that are missing."""

    @call(_pause)
    def test_delay(self, duration: float) -> None:
        """Wait."""

    @call(Timeout.URGENT, repeatable=True, fenced=False)
    def get_watcher_pause(self) -> float | None:
        """Until when the watcher pauses."""

    @call(Timeout.URGENT)
    def set_watcher_pause(self, until: float | None) -> None:
        """Let the watcher pause, or go on."""

    @call(Timeout.SLOW)
    def restricted_command(self, cmd: str) -> str:
        """Run one of the commands the administrator has put there for this."""

    @call(Timeout.NORMAL)
    def run_oob(self, oob_program: str, command: str, remote_node: str, timeout: float) -> Any:
        """Run the out-of-band program."""
