# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_INSTANCE_QUERY_DATA: all there is to say about instances, for `gnt-instance info`.

The keys of the answer are an interface: the remote API hands the same object out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.contracts.node.blockdev import BlockdevCalls
from ganeti.contracts.node.instance import InstanceCalls
from ganeti.errors import GenericError
from ganeti.master.locks.plan import Level, LockPlan, all_shared, shared
from ganeti.master.unit import JobLog, LogicalUnit
from ganeti.model.config import Config
from ganeti.model.disk import Disk
from ganeti.model.instance import Instance
from ganeti.model.nic import Nic
from ganeti.model.params.hv import registry
from ganeti.opcodes.instance import OpInstanceQueryData
from ganeti.rpc.runner import Rpc

USER_DOWN = 1


class InstanceQueryData(LogicalUnit[OpInstanceQueryData]):
    """Without `static` the nodes are asked, under locks."""

    def expand(self) -> None:
        self.op.instances = [self.cfg.instance(name).name for name in self.op.instances]
        self._locking = self.op.use_locking or not self.op.static

    def lock_plan(self) -> LockPlan:
        if not self._locking:
            return LockPlan()
        names = self.op.instances
        return LockPlan(
            {
                Level.INSTANCE: shared(*names) if names else all_shared(),
                Level.NODEGROUP: lambda _held: shared(*self._groups()),
                Level.NODE: lambda _held: shared(*self._nodes()),
                Level.NETWORK: lambda _held: shared(*self._networks()),
            }
        )

    def _instances(self, cfg: Config) -> list[Instance]:
        if self.op.instances:
            return [cfg.instance(name) for name in self.op.instances]
        return sorted(cfg.instances.values(), key=lambda instance: instance.name)

    def _nodes(self) -> set[str]:
        return {uuid for i in self._instances(self.cfg) for uuid in self.cfg.nodes_of(i)}

    def _groups(self) -> set[str]:
        return {self.cfg.nodes[uuid].group for uuid in self._nodes()}

    def _networks(self) -> set[str]:
        return {n.network for i in self._instances(self.cfg) for n in i.nics if n.network}

    def execute(self) -> dict[str, dict[str, Any]]:
        """Of one configuration: without locks it may change meanwhile."""
        cfg = self.cfg
        details = Details(cfg, self.rpc, self.log, is_static=self.op.static)
        return {instance.name: details.of(instance) for instance in self._instances(cfg)}


class Details:
    """Describes instances as they are in a configuration, and on the nodes unless `is_static`."""

    def __init__(self, cfg: Config, rpc: Rpc, log: JobLog, *, is_static: bool) -> None:
        self._cfg, self._rpc, self._log, self._is_static = cfg, rpc, log, is_static

    def of(self, instance: Instance) -> dict[str, Any]:
        return {
            "name": instance.name,
            "uuid": instance.uuid,
            "serial_no": instance.serial_no,
            "ctime": instance.ctime,
            "mtime": instance.mtime,
            "config_state": instance.admin_state,
            "run_state": self._run_state(instance),
            **self._place(instance),
            "os": instance.os,
            "nics": [self._nic(nic) for nic in instance.nics],
            "disk_template": self._cfg.disk_template(instance),
            "disks": [self._disk(instance, disk) for disk in self._cfg.disks_of(instance)],
            "network_port": instance.network_port,
            **self._parameters(instance),
        }

    def _run_state(self, instance: Instance) -> str | None:
        """``up``, ``down``, ``user down``, or None when not asked or not known."""
        node = self._cfg.nodes[instance.primary_node]
        if self._is_static or node.offline:
            return None
        try:
            info = self._rpc.one(node.uuid, InstanceCalls.instance_info)(
                instance.name, instance.hypervisor, self._cfg.hvparams(instance)
            )
        except GenericError as err:
            self._log.warning(f"node {node.name} does not tell the state of {instance.name}: {err}")
            return None
        if not info:
            return "down"
        return "user down" if info["state"] == USER_DOWN else "up"

    def _place(self, instance: Instance) -> dict[str, Any]:
        primary, *secondaries = (self._cfg.nodes[uuid] for uuid in self._cfg.nodes_of(instance))
        groups = [self._cfg.groups[node.group] for node in secondaries]
        return {
            "pnode": primary.name,
            "pnode_group_uuid": primary.group,
            "pnode_group_name": self._cfg.groups[primary.group].name,
            "snodes": [node.name for node in secondaries],
            "snodes_group_uuids": [group.uuid for group in groups],
            "snodes_group_names": [group.name for group in groups],
        }

    def _parameters(self, instance: Instance) -> dict[str, Any]:
        return {
            "hypervisor": instance.hypervisor,
            "hv_instance": instance.hvparams,
            "hv_actual": self._hvparams(instance),
            "be_instance": instance.beparams,
            "be_actual": self._cfg.beparams(instance),
            "os_instance": instance.osparams,
            "os_actual": self._cfg.osparams(instance),
        }

    def _hvparams(self, instance: Instance) -> dict[str, Any]:
        """Those that are the instance's business."""
        filled, globally = self._cfg.hvparams(instance), registry.CLUSTER_ONLY
        return {name: value for name, value in filled.items() if name not in globally}

    def _nic(self, nic: Nic) -> list[Any]:
        """Name, UUID, IP, MAC, mode, link, VLAN, network and its description."""
        params = self._cfg.nicparams(nic)
        network = self._cfg.networks[nic.network] if nic.network else None
        return [
            *(nic.name, nic.uuid, nic.ip, nic.mac),
            *(params["mode"], params["link"], params["vlan"]),
            network.name if network else None,
            network.raw() if network else None,
        ]

    def _disk(self, instance: Instance, disk: Disk) -> dict[str, Any]:
        return {
            "iv_name": disk.iv_name,
            "dev_type": disk.dev_type,
            "logical_id": _public(disk),
            "drbd_info": self._drbd(disk),
            "pstatus": self._status(instance, disk, 0),
            "sstatus": self._status(instance, disk, 1),
            "children": [self._disk(instance, child) for child in disk.children or ()],
            "mode": disk.mode,
            "size": disk.size,
            "spindles": disk.spindles,
            "name": disk.name,
            "uuid": disk.uuid,
        }

    def _drbd(self, disk: Disk) -> dict[str, Any] | None:
        if disk.dev_type != "drbd":
            return None
        node_a, node_b, port, minor_a, minor_b, _secret = disk.logical_id
        return {
            "primary_node": self._cfg.nodes[node_a].name,
            "primary_minor": minor_a,
            "secondary_node": self._cfg.nodes[node_b].name,
            "secondary_minor": minor_b,
            "port": port,
        }

    def _status(self, instance: Instance, disk: Disk, place: int) -> list[Any] | None:
        """What the node says of the device; None if not asked, not known, or no such node."""
        nodes = self._cfg.nodes_of(instance)[place : place + 1]
        if self._is_static or not nodes or self._cfg.nodes[nodes[0]].offline:
            return None
        try:
            status = self._rpc.one(nodes[0], BlockdevCalls.blockdev_find)(
                self._cfg.annotated(disk, instance, nodes[0])
            )
        except GenericError as err:
            name = self._cfg.nodes[nodes[0]].name
            self._log.warning(f"node {name} does not tell the state of {disk.iv_name}: {err}")
            return None
        return _row(status) if status else None


_STATUS = (
    *("dev_path", "major", "minor", "sync_percent"),
    *("estimated_time", "is_degraded", "ldisk_status"),
)


def _row(status: Mapping[str, Any]) -> list[Any]:
    return [status[key] for key in _STATUS]


def _public(disk: Disk) -> list[Any]:
    """The logical id without the secret of DRBD."""
    return list(disk.logical_id[:5] if disk.dev_type == "drbd" else disk.logical_id)
