# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_NODE_ADD: take a host that was set up (`gnt-node add`) into the cluster, or take it in again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti import version
from ganeti.contracts.node.files import FileCalls
from ganeti.contracts.node.system import SystemCalls
from ganeti.errors import Code, GenericError, OpExecError, OpPrereqError
from ganeti.master import ancillary
from ganeti.master.unit import HookNodes, Hooks, LogicalUnit, Target
from ganeti.master.units.node import membership, pool
from ganeti.model.group import NodeGroup
from ganeti.model.node import Node
from ganeti.opcodes.node import OpNodeAdd
from ganeti.rpc import nodes
from ganeti.utils import net
from ganeti.utils.rollback import Rollback


class NodeAdd(LogicalUnit[OpNodeAdd]):
    """The node daemon answers already; nothing is written before all checks have passed."""

    exclusive = True
    hooks = Hooks("node-add", Target.NODE)

    def expand(self) -> None:
        host = net.resolve(self.op.node_name, family=self.cfg.cluster.primary_ip_family)
        self.op.node_name, self.op.primary_ip = host.name, host.address
        if self.op.readd and self.op.group:
            raise OpPrereqError("a node that is added again stays in its group", Code.WRONG_INPUT)

    def hook_env(self) -> Mapping[str, Any]:
        return {
            "OP_TARGET": self.op.node_name,
            "NODE_NAME": self.op.node_name,
            "NODE_PIP": self.op.primary_ip,
            "NODE_SIP": self.op.secondary_ip,
            "MASTER_CAPABLE": str(self._node.master_capable),
            "VM_CAPABLE": str(self._node.vm_capable),
        }

    def hook_nodes(self) -> HookNodes:
        others = [n.uuid for n in self.cfg.nodes.values() if n.name != self.op.node_name]
        return HookNodes(others, [*others, self._node.uuid])

    def check(self) -> None:
        known = {node.name: node for node in self.cfg.nodes.values()}.get(self.op.node_name)
        self._check_known(known)
        node = self._known(known) if known else self._new()
        self._node = node.replace(**membership.settings(self.op, node))
        self.op.secondary_ip = self._node.secondary_ip
        membership.check_unique(
            self.cfg, self._node.uuid, [self._node.primary_ip, self._node.secondary_ip]
        )
        membership.check_homing(self.cfg, self._node.primary_ip, self._node.secondary_ip)
        self._check_reachable()

    def _check_known(self, known: Node | None) -> None:
        if known and not self.op.readd:
            raise OpPrereqError(
                f"node {self.op.node_name} is in the cluster already; use --readd",
                Code.ALREADY_EXISTS,
            )
        if not known and self.op.readd:
            raise OpPrereqError(
                f"node {self.op.node_name} is not in the cluster; leave out --readd",
                Code.UNKNOWN_ENTITY,
            )
        if known and known.uuid == self.cfg.cluster.master_node:
            raise OpPrereqError("the master cannot be added again", Code.WRONG_INPUT)

    def _new(self) -> Node:
        secondary = self.op.secondary_ip or self._default_secondary()
        if not net.is_ipv4(secondary):
            raise OpPrereqError(f"'{secondary}' is not an IPv4 address", Code.WRONG_INPUT)
        group = self.cfg.group(self.op.group) if self.op.group else self._default_group()
        master_capable = self.op.master_capable is not False
        return Node(
            uuid=self.services.store.reserve(self.context).uuid(),
            name=self.op.node_name,
            primary_ip=str(self.op.primary_ip),
            secondary_ip=secondary,
            master_candidate=master_capable and pool.has_room(self.cfg, newcomers=1),
            offline=False,
            drained=False,
            group=group.uuid,
            master_capable=master_capable,
            vm_capable=self.op.vm_capable is not False,
            serial_no=0,
        )

    def _default_group(self) -> NodeGroup:
        """The only group, or the one that is named so."""
        groups = list(self.cfg.groups.values())
        return groups[0] if len(groups) == 1 else self.cfg.group("default")

    def _default_secondary(self) -> str:
        if self.cfg.cluster.primary_ip_family != net.IPV4:
            raise OpPrereqError(
                "nodes of an IPv6 cluster need an IPv4 secondary address; give it with -s",
                Code.WRONG_INPUT,
            )
        return str(self.op.primary_ip)

    def _known(self, known: Node) -> Node:
        """The node as it comes back: online, and candidate again if there is room."""
        if self.op.secondary_ip not in (None, known.secondary_ip):
            raise OpPrereqError(
                f"node {known.name} has the secondary address {known.secondary_ip};"
                " change it with 'gnt-node modify' first",
                Code.WRONG_INPUT,
            )
        if known.secondary_ip == known.primary_ip != self.op.primary_ip:
            raise OpPrereqError(
                f"node {known.name} has the only address {known.primary_ip} and now resolves to"
                f" {self.op.primary_ip}; correct that, or remove the node and add it as a new one",
                Code.WRONG_INPUT,
            )
        flags = {name: getattr(self.op, name) for name in ("master_capable", "vm_capable")}
        flags = {name: value for name, value in flags.items() if value is not None}
        if flags.get("vm_capable") is False and self._has_instances(known):
            raise OpPrereqError(
                f"node {known.name} has instances and must be able to run them", Code.WRONG_STATE
            )
        back = known.replace(offline=False, drained=False, primary_ip=self.op.primary_ip, **flags)
        candidate = back.master_capable and (
            known.master_candidate or pool.has_room(self.cfg, newcomers=1)
        )
        return back.replace(master_candidate=candidate)

    def _has_instances(self, node: Node) -> bool:
        return bool(self.cfg.instances_on(node.uuid) or self.cfg.secondaries_on(node.uuid))

    def _check_reachable(self) -> None:
        port = net.daemon_port("ganeti-noded")
        for address in dict.fromkeys([self._node.primary_ip, self._node.secondary_ip]):
            if not net.tcp_ping(address, port):
                raise OpPrereqError(
                    f"the node daemon on {self._node.name} does not answer at {address}:{port}",
                    Code.ENVIRONMENT,
                )
        try:
            theirs = self.rpc.one(nodes.direct(self._node), SystemCalls.version)()
        except GenericError as err:
            raise OpPrereqError(
                f"node {self._node.name} does not answer: {err}", Code.ENVIRONMENT
            ) from err
        if theirs != version.PROTOCOL:
            raise OpPrereqError(
                f"node {self._node.name} speaks protocol {theirs}, the master {version.PROTOCOL};"
                " install the same release on both",
                Code.ENVIRONMENT,
            )
        if self._node.secondary_ip != self._node.primary_ip:
            membership.check_has_address(self, self._node, self._node.secondary_ip)

    def execute(self) -> None:
        node = self._node
        with Rollback() as undo:
            if not self.op.readd:
                undo.on_failure(membership.change_etc_hosts, self, "remove", node)
            membership.change_etc_hosts(self, "add", node)
            self._check_by_ssh()
            role = "a master candidate" if node.master_candidate else "a regular node"
            self.log.info(f"node {node.name} will be {role}")
            self._add(node)
        self._make_storage_directories()
        ancillary.distribute(self, [n.uuid for n in self.cfg.online_nodes()])
        if self.op.readd and not node.master_candidate:
            self._take_copies_back(node)
        if self.op.node_setup:
            if self.op.readd:  # with another key, or another role
                membership.remove_ssh_key(self, node, readd=True)
            membership.add_ssh_key(self, node)
        membership.ensure_confd(self, node)

    def _check_by_ssh(self) -> None:
        """The master must reach the node by SSH, and the node must know its own name."""
        asked = {"nodelist": [[self._node.name], {}, [self.cfg.master.name]]}
        answer = self.rpc.one(self.cfg.cluster.master_node, SystemCalls.node_verify)(
            asked, self.cfg.cluster.cluster_name, {}
        )
        for name, text in (answer.get("nodelist") or {}).items():
            raise OpExecError(f"the master cannot reach node {name} by SSH: {text}")

    def _add(self, node: Node) -> None:
        """The node and the digest of its certificate come into the configuration together.

        A candidate that is added again may be an empty machine: only who is new gets everything.
        """
        joining = membership.digests(self, [node] if node.master_candidate else [])
        if self.op.readd:
            with self.write() as cfg:
                left = cfg.put(node.replace(master_candidate=False))
            node = left.replace(master_candidate=node.master_candidate)
        with self.write() as cfg:
            cfg.put(node)
            cfg.put(membership.with_certificates(cfg.root.cluster, joining, {node.uuid}))

    def _make_storage_directories(self) -> None:
        """Files of instances can come to the node at once; what cannot be made is warned about."""
        cluster = self.cfg.cluster
        directories = {
            "file": cluster.file_storage_dir,
            "sharedfile": cluster.shared_file_storage_dir,
        }
        for template, directory in directories.items():
            if template not in cluster.enabled_disk_templates or not self._node.vm_capable:
                continue
            try:
                self.rpc.one(self._node.uuid, FileCalls.file_storage_dir_create)(directory)
            except GenericError as err:
                self.log.warning(f"{directory} on node {self._node.name}: {err}")

    def _take_copies_back(self, node: Node) -> None:
        try:
            self.rpc.one(node.uuid, SystemCalls.node_demote_from_mc)()
        except GenericError as err:
            self.log.warning(f"node {node.name} keeps old copies of the configuration: {err}")
