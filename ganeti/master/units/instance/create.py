# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_INSTANCE_CREATE: a new instance.

Disks are created before the configuration knows the instance and are removed again if one fails;
from then on the instance stays, so that what goes wrong later (OS scripts, start) can be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.contracts.node.os import OsCalls
from ganeti.errors import Code, GenericError, OpExecError, OpPrereqError
from ganeti.master import hook_env
from ganeti.master.disks import layout, lifecycle
from ganeti.master.locks.plan import Level, LockPlan, exclusive, shared
from ganeti.master.unit import HookNodes, Hooks, LogicalUnit, Target
from ganeti.master.units.instance import (
    create_request,
    names,
    os_params,
    overrides,
    running,
)
from ganeti.master.units.instance.nics import NicBuilder
from ganeti.master.units.instance.subject import (
    check_accepts_instances,
    check_bridges,
    check_memory,
    with_master,
)
from ganeti.master.units.tags.objects import check_tags
from ganeti.model import ipolicy, templates
from ganeti.model.instance import Instance
from ganeti.model.params import be
from ganeti.model.params.hv import registry
from ganeti.opcodes.instance import OpInstanceCreate
from ganeti.utils import text
from ganeti.utils.rollback import Rollback


class InstanceCreate(LogicalUnit[OpInstanceCreate]):
    """The result names the instance's nodes, the primary first."""

    hooks = Hooks("instance-add", Target.INSTANCE)

    def expand(self) -> None:
        create_request.settle(self.op, self.cfg.cluster)
        if self.op.iallocator:
            raise OpPrereqError(
                f"allocator {self.op.iallocator} is not installed; give the primary node with -n",
                Code.WRONG_INPUT,
            )
        check_tags(self.op.tags)
        names.check_options(name_check=self.op.name_check, ip_check=self.op.ip_check)
        found = names.resolve(self.cfg, self.op.instance_name, name_check=self.op.name_check)
        self.op.instance_name, self._address = found.name, found.address
        node = self.cfg.node(self.op.pnode_uuid or str(self.op.pnode))
        self.op.pnode, self.op.pnode_uuid = node.name, node.uuid

    def lock_plan(self) -> LockPlan:
        node = str(self.op.pnode_uuid)
        return LockPlan(
            {
                Level.INSTANCE: exclusive(self.op.instance_name),
                Level.NODEGROUP: lambda _held: shared(self.cfg.node(node).group),
                Level.NODE: exclusive(node),
                Level.NODE_RES: exclusive(node),
            }
        )

    def hook_env(self) -> Mapping[str, Any]:
        return {
            **hook_env.new_instance_env(
                self.cfg, self._new, str(self.op.disk_template), self._disks
            ),
            "ADD_MODE": self.op.mode,
            "INSTANCE_STATUS": self.op.start,
        }

    def hook_nodes(self) -> HookNodes:
        nodes = with_master(self.cfg, [self._new.primary_node])
        return HookNodes(nodes, nodes)

    def check(self) -> None:
        names.check_free(self.cfg, self.op.instance_name)
        self._node = self.cfg.node(str(self.op.pnode_uuid))
        check_accepts_instances(self._node)
        self._warn_about_secondary()
        if self.op.ip_check:
            names.check_silent(self._address, self.op.instance_name)
        self._os_given = os_params.Given.of(self.op)
        self._new = self._instance()
        self._disks = self._layout()
        if not self.op.ignore_ipolicy:
            self._check_policy()
        self._check_on_node()

    def _warn_about_secondary(self) -> None:
        template = templates.TEMPLATES[str(self.op.disk_template)]
        if self.op.snode and template.nodes == 1:
            self.log.warning(f"disk template {template.name} has no use for a secondary node")
            self.op.snode = None

    def _instance(self) -> Instance:
        hypervisor = self.op.hypervisor or self.cfg.cluster.enabled_hypervisors[0]
        if hypervisor not in self.cfg.cluster.enabled_hypervisors:
            enabled = ", ".join(self.cfg.cluster.enabled_hypervisors)
            raise OpPrereqError(
                f"hypervisor {hypervisor} is not enabled on this cluster (enabled: {enabled})",
                Code.WRONG_STATE,
            )
        reserve = self.services.store.reserve(self.context)
        build = NicBuilder(
            self.cfg,
            reserve,
            self._node.group,
            name_address=self._address,
            conflicts_check=self.op.conflicts_check,
        )
        return Instance(
            uuid=reserve.uuid(),
            name=self.op.instance_name,
            primary_node=self._node.uuid,
            os=self.op.os_type or "",
            hypervisor=hypervisor,
            hvparams=self._hvparams(hypervisor),
            beparams=self._beparams(),
            osparams=os_params.updated({}, self._os_given.public),
            osparams_private=os_params.updated({}, self._os_given.private),
            admin_state="down",
            disks_active=False,
            nics=tuple(build.new(nic) for nic in self.op.nics),
            network_port=reserve.port() if registry.needs_port(hypervisor) else None,
            tags=tuple(dict.fromkeys(self.op.tags)),
            serial_no=0,
        )

    def _hvparams(self, hypervisor: str) -> dict[str, Any]:
        own = registry.typed(hypervisor, self.op.hvparams)
        defaults = self.cfg.default_hvparams(hypervisor, self.op.os_type or "")
        registry.check_syntax(hypervisor, {**defaults, **own})
        return _without(own, defaults) if self.op.identify_defaults else own

    def _beparams(self) -> dict[str, Any]:
        given = {k: v for k, v in self.op.beparams.items() if v != "auto"}
        own = be.without_defaults(be.typed(given))
        defaults = self.cfg.cluster_beparams()
        be.check({**defaults, **own})
        return _without(own, defaults) if self.op.identify_defaults else own

    def _layout(self) -> tuple[Any, ...]:
        template = str(self.op.disk_template)
        reserve = self.services.store.reserve(self.context)
        directory = None
        if templates.TEMPLATES[template].file_based:
            directory = layout.file_directory(
                self.cfg.cluster, template, self.op.file_storage_dir, self.op.instance_name
            )
        return templates.new_disks(
            template,
            self.op.disks,
            nodes=[self._node.uuid],
            directory=directory,
            file_driver=self.op.file_driver,
            instance_uuid=self._new.uuid,
            new_uuid=reserve.uuid,
        )

    def _check_policy(self) -> None:
        ipolicy.check_spec(
            self.cfg,
            self._node.group,
            ipolicy.Spec.of(
                {**self.cfg.cluster_beparams(), **self._new.beparams},
                disk_sizes=[disk.size for disk in self._disks],
                nic_count=len(self._new.nics),
                template=str(self.op.disk_template),
            ),
        )

    def _check_on_node(self) -> None:
        """What only the node knows: parameters, OS, bridges, memory."""
        node = self._node.uuid
        hypervisor = self._new.hypervisor
        overrides.check_on_nodes(self, [node], hypervisor, self.cfg.hvparams(self._new))
        os_params.check(
            self,
            [node],
            self._new.os,
            os_params.merged(self.cfg, self._new, self._new.os, self._os_given),
            force_variant=self.op.force_variant,
        )
        check_bridges(self, self._new, node)
        if self.op.start:
            needed = self.cfg.beparams(self._new)["maxmem"]
            check_memory(self, self._new, node, needed, Code.NO_RESOURCES)

    def dry_run_result(self) -> list[str]:
        return [self._node.uuid]

    def execute(self) -> list[str]:
        with Rollback() as undo:
            self._create_disks()
            undo.on_failure(self._remove_disks)
            self._add_to_configuration()
        self.locks.release(Level.NODE)
        if self._disks:
            self._in_sync()
        self.locks.release(Level.NODE_RES)
        self._install()
        if self.op.start:
            self._start()
        return [self._node.name]

    def _create_disks(self) -> None:
        for index, disk in enumerate(self._disks):
            self.log.step(f"disk {index}, size {_size(disk.size)}")
        self.log.step(f"creating the disks on {self._node.name}")
        directory = layout.directory_of(self._disks)
        lifecycle.create(self, self._new, self._disks, directory=directory)

    def _remove_disks(self) -> None:
        directory = layout.directory_of(self._disks)
        lifecycle.remove(self, self._new, self._disks, directory=directory)

    def _add_to_configuration(self) -> None:
        self.log.plain(f"writing instance {self.op.instance_name} into the configuration")
        with self.write() as cfg:
            for disk in self._disks:
                cfg.put(disk)
            cfg.put(self._new.replace(disks=[disk.uuid for disk in self._disks]))
        self.log.plain(f"{self.op.instance_name} and its {len(self._disks)} disks are in it")

    def _in_sync(self) -> None:
        """Only mirrored disks have to wait; the lines are there for all, as users know them."""
        for _ in range(2):
            self.log.info(f"waiting until the disks of {self.op.instance_name} are in sync")
            self.log.info(f"the disks of {self.op.instance_name} are in sync")

    def _install(self) -> None:
        instance = self._stored()
        if self.op.no_install or not self._disks or not instance.os:
            return
        self.log.step(f"running the create scripts of OS {instance.os} on {self._node.name}")
        lifecycle.activate(self, instance)
        carried = os_params.carried(self.cfg, instance, self._os_given)
        try:
            self.rpc.one(instance.primary_node, OsCalls.instance_os_add)(
                carried, False, self.op.debug_level or 0
            )
        except GenericError as err:
            raise OpExecError(
                f"cannot install OS {instance.os} on {instance.name}: {err};"
                " the instance stays, remove it or try 'gnt-instance reinstall'"
            ) from err
        finally:
            lifecycle.deactivate(self, instance)

    def _stored(self) -> Instance:
        return self.cfg.instances[self._new.uuid]

    def _start(self) -> None:
        with self.write() as cfg:
            instance = cfg.root.instances[self._new.uuid]
            cfg.put(instance.replace(admin_state="up", disks_active=True))
        self.log.step(f"starting {self.op.instance_name}")
        running.start_with_disks(self, self._stored(), ignore_secondaries=False)


def _without(own: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Own values that differ from the defaults."""
    return {key: value for key, value in own.items() if defaults.get(key) != value}


def _size(size_mib: int) -> str:
    return text.format_size(size_mib, "h")
