# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_INSTANCE_RENAME: give a stopped instance another name."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti.contracts.node.blockdev import BlockdevCalls
from ganeti.contracts.node.files import FileCalls
from ganeti.contracts.node.os import OsCalls
from ganeti.errors import GenericError, OpExecError
from ganeti.master.disks import layout, lifecycle
from ganeti.master.locks.plan import Level, LockPlan, exclusive
from ganeti.master.unit import Hooks, Target
from ganeti.master.units.instance import names
from ganeti.master.units.instance.subject import InstanceUnit, check_online
from ganeti.model.disk import Disk
from ganeti.opcodes.instance import OpInstanceRename
from ganeti.utils.rollback import Rollback


class InstanceRename(InstanceUnit[OpInstanceRename]):
    """The OS's rename script runs on the new name; it may fail without undoing the rename."""

    hooks = Hooks("instance-rename", Target.INSTANCE)

    def expand(self) -> None:
        super().expand()
        names.check_options(name_check=self.op.name_check, ip_check=self.op.ip_check)
        found = names.resolve(self.cfg, self.op.new_name, name_check=self.op.name_check)
        self.op.new_name, self._address = found.name, found.address

    def lock_plan(self) -> LockPlan:
        both = exclusive(self.instance.name, self.op.new_name)
        return LockPlan({Level.INSTANCE: both})

    def hook_env(self) -> Mapping[str, Any]:
        return {**super().hook_env(), "INSTANCE_NEW_NAME": self.op.new_name}

    def check(self) -> None:
        check_online(self.primary)
        self.check_down("renaming it")
        if self.op.new_name != self.instance.name:
            names.check_free(self.cfg, self.op.new_name)
        if self.op.ip_check:
            names.check_silent(self._address, self.op.new_name)

    def execute(self) -> str:
        old = self.instance.name
        with Rollback() as undo:
            moved = self._move_files(undo)
            with self.write() as cfg:
                cfg.put(cfg.root.instances[self.op.instance_uuid].replace(name=self.op.new_name))
                for disk in moved:
                    cfg.put(disk)
        self._run_script(old)
        return str(self.op.new_name)

    def _move_files(self, undo: Rollback) -> Sequence[Disk]:
        """Rename the directory of file-based disks; returns the disks at their new place."""
        disks = self.cfg.disks_of(self.instance)
        old = layout.directory_of(disks)
        if old is None:
            return ()
        new = os.path.join(os.path.dirname(old), self.op.new_name)
        try:
            self._rename_directory(old, new)
        except GenericError as err:
            raise OpExecError(f"cannot rename the directory {old} to {new}: {err}") from err
        undo.on_failure(self._rename_directory, new, old)
        return [_moved(disk, new) for disk in disks]

    def _rename_directory(self, old: str, new: str) -> None:
        self.rpc.one(self.primary.uuid, FileCalls.file_storage_dir_rename)(old, new)

    def _run_script(self, old: str) -> None:
        instance = self.instance
        try:
            lifecycle.activate(self, instance, ignore_secondaries=True)
            self._tag_devices()
            if instance.os:
                self.rpc.one(instance.primary_node, OsCalls.instance_run_rename)(
                    self.cfg.for_node(instance), old, self.op.debug_level or 0
                )
        except GenericError as err:
            self.log.warning(
                f"instance {instance.name} has its new name, but its disks or its OS were not told:"
                f" {err}"
            )
        finally:
            lifecycle.deactivate(self, instance)

    def _tag_devices(self) -> None:
        for disk in self.cfg.disks_of(self.instance):
            for node in lifecycle.node_order(self, self.instance, [disk]):
                device = self.cfg.annotated(disk, self.instance, node)
                self.rpc.one(node, BlockdevCalls.blockdev_setinfo)(
                    device, f"originstname+{self.instance.name}"
                )


def _moved(disk: Disk, directory: str) -> Disk:
    driver, path = disk.logical_id
    return disk.replace(logical_id=[driver, os.path.join(directory, os.path.basename(path))])
