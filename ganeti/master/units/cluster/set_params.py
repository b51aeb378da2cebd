# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_CLUSTER_SET_PARAMS: change settings of the cluster, all of them in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.contracts.node.files import FileCalls
from ganeti.contracts.node.system import SystemCalls
from ganeti.errors import Code, GenericError, OpExecError, OpPrereqError
from ganeti.master.locks.plan import Level, LockPlan, all_shared
from ganeti.master.unit import Hooks, LogicalUnit, Target
from ganeti.master.units.cluster import set_params_conflicts as conflicts
from ganeti.master.units.cluster import set_params_plan as plan
from ganeti.master.units.instance import os_params, overrides
from ganeti.master.units.node import membership, pool
from ganeti.model import master_network
from ganeti.model.cluster import Cluster
from ganeti.model.config import Config
from ganeti.model.node import Node
from ganeti.opcodes.cluster import OpClusterSetParams
from ganeti.utils import files
from ganeti.utils.rollback import Rollback


class ClusterSetParams(LogicalUnit[OpClusterSetParams]):
    """Nothing changes unless every change is possible."""

    hooks = Hooks("cluster-modify", Target.CLUSTER)

    def expand(self) -> None:
        if self.op.instance_communication_network:
            raise OpPrereqError(
                "this release has no network by which instances talk to their nodes;"
                " leave out --instance-communication-network",
                Code.WRONG_INPUT,
            )
        plan.cluster_after(self.cfg.cluster, self.op)

    def lock_plan(self) -> LockPlan:
        levels = (Level.INSTANCE, Level.NODEGROUP, Level.NODE)
        return LockPlan({level: all_shared() for level in levels})

    def hook_env(self) -> Mapping[str, Any]:
        return {"OP_TARGET": self.cfg.cluster.cluster_name, "NEW_VG_NAME": self.op.vg_name}

    def check(self) -> None:
        change = conflicts.Change(self.cfg, plan.config_after(self.cfg, self.op))
        conflicts.check(change)
        self._check_allocator()
        for text in conflicts.warnings(change):
            self.log.warning(text)
        for text in plan.already_marked(self.cfg.cluster, self.op):
            self.log.plain(text)
        self._check_on_nodes(change.after)

    def _check_allocator(self) -> None:
        name = self.op.default_iallocator
        if name and files.find_executable(self.paths.iallocator_search_path, name) is None:
            raise OpPrereqError(f"there is no allocator '{name}' on the master", Code.WRONG_INPUT)

    def _check_on_nodes(self, after: Config) -> None:
        """The nodes that can have instances confirm parameters that are new."""
        nodes = self._hosts()
        for hypervisor, filled in plan.hvparams_to_confirm(self.cfg, after, self.op):
            overrides.check_on_nodes(self, nodes, hypervisor, filled)
        given = {**(self.op.osparams or {}), **(self.op.osparams_private_cluster or {})}
        for name in given:
            params = after.os_defaults(name)
            os_params.check(self, nodes, name, params, required=False, force_variant=False)

    def _hosts(self) -> list[str]:
        return [node.uuid for node in self.cfg.online_nodes() if node.vm_capable]

    def execute(self) -> None:
        change = conflicts.Change(self.cfg, plan.config_after(self.cfg, self.op))
        before, after = change.before.cluster, change.after.cluster
        moves = before.master_netdev != after.master_netdev
        joining = membership.digests(self, self._promoted(change.after))
        with Rollback() as undo:
            if moves:
                undo.on_failure(self._address_up, before)
                self._address_down(before)
            self._store(joining)
        if moves:
            self._address_up(self.cfg.cluster)
        elif before.master_netmask != after.master_netmask:
            self._change_netmask(before.master_netmask)
        self._make_directories(conflicts.new_directories(change))
        membership.welcome(self, joining)

    def _promoted(self, after: Config) -> list[Node]:
        """The nodes for which a larger pool has room."""
        return [] if self.op.candidate_pool_size is None else pool.promotions(after)

    def _store(self, joining: Mapping[str, str]) -> None:
        """Write it down, with the new master candidates; nobody else changes their roles now."""
        with self.write() as cfg:
            cluster = plan.cluster_after(cfg.root.cluster, self.op)
            cfg.put(membership.with_certificates(cluster, joining))
            for uuid in joining:
                cfg.put(cfg.root.nodes[uuid].replace(master_candidate=True))

    def _make_directories(self, directories: list[str]) -> None:
        """As for a node that joins: what cannot be made is warned about."""
        for directory in directories:
            replies = self.rpc.all(self._hosts(), FileCalls.file_storage_dir_create)(directory)
            for uuid, reply in replies.items():
                if reply.failed:
                    name = self.cfg.nodes[uuid].name
                    self.log.warning(f"{directory} on node {name}: {reply.error}")

    def _address_down(self, cluster: Cluster) -> None:
        call = self.rpc.one(cluster.master_node, SystemCalls.node_deactivate_master_ip)
        try:
            call(master_network.parameters(cluster), cluster.use_external_mip_script)
        except GenericError as err:
            text = (
                f"the cluster's address could not be taken down on {cluster.master_netdev}: {err}"
            )
            if not self.op.force:
                raise OpExecError(f"{text}; use --force to go on all the same") from err
            self.log.warning(text)

    def _address_up(self, cluster: Cluster) -> None:
        call = self.rpc.one(cluster.master_node, SystemCalls.node_activate_master_ip)
        try:
            call(master_network.parameters(cluster), cluster.use_external_mip_script)
        except GenericError as err:
            self.log.warning(
                f"the cluster's address could not be brought up on {cluster.master_netdev}: {err}",
                hint="correct the interface, or use 'gnt-cluster activate-master-ip'",
            )

    def _change_netmask(self, before: int) -> None:
        cluster = self.cfg.cluster
        call = self.rpc.one(cluster.master_node, SystemCalls.node_change_master_netmask)
        try:
            call(before, cluster.master_netmask, cluster.master_ip, cluster.master_netdev)
        except GenericError as err:
            self.log.warning(
                f"the netmask of the cluster's address could not be changed: {err}",
                hint="use 'gnt-cluster deactivate-master-ip' and 'activate-master-ip'",
            )
