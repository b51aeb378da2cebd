# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_INSTANCE_MIGRATE: move a running instance to another node while it runs.

Until the source says that the memory has gone over, every failure is undone and the instance runs on
where it was. After that only the way forward is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ganeti.contracts.node.instance import InstanceCalls
from ganeti.contracts.node.system import SystemCalls
from ganeti.errors import Code, GenericError, OpExecError, OpPrereqError
from ganeti.master.unit import Hooks, Target
from ganeti.master.units.instance import migration_cleanup
from ganeti.master.units.instance.failover import fail_over
from ganeti.master.units.instance.moving import MovingUnit
from ganeti.master.units.instance.subject import check_memory, check_online
from ganeti.model.node import Node
from ganeti.opcodes.instance import OpInstanceMigrate

POLL_S = 1.0
PROGRESS_S = 10.0
FAILED = ("failed", "cancelled")
DEFAULT_SHUTDOWN_S = 120


class InstanceMigrate(MovingUnit[OpInstanceMigrate]):
    """Live or not; with `allow_failover` what cannot be migrated is failed over."""

    hooks = Hooks("instance-migrate", Target.INSTANCE, env=("allow_runtime_changes",))

    def expand(self) -> None:
        if self.op.live is not None and self.op.mode is not None:
            raise OpPrereqError("'live' and 'mode' exclude each other", Code.WRONG_INPUT)
        if self.op.live is not None:
            self.op.mode, self.op.live = ("live" if self.op.live else "non-live"), None
        super().expand()

    def hook_env(self) -> Mapping[str, Any]:
        live = {"MIGRATE_LIVE": self._live, "MIGRATE_CLEANUP": self.op.cleanup}
        return {**super().hook_env(), **live}

    def check(self) -> None:
        self._fails_over = False
        if self.op.cleanup:
            self._source, self._has_secondary = self.primary, False
            self._live = True
            return
        super().check()
        check_online(self.primary)
        filled = self.cfg.hvparams(self.instance)
        self._live = (self.op.mode or filled["migration_mode"]) == "live"
        self._fails_over = self._must_fail_over()
        needed = self.cfg.beparams(self.instance)["minmem"]
        check_memory(self, self.instance, self.target.uuid, needed, Code.NO_RESOURCES)

    def _must_fail_over(self) -> bool:
        """Whether a failover takes the place of the migration; raises if it may not."""
        if self.cfg.beparams(self.instance)["always_failover"]:
            self.log.info("the instance is set to be failed over always")
            return True
        why = self._hindrance()
        if why is None:
            return False
        if self.op.allow_failover:
            self.log.info(f"{why}; failing over instead")
            return True
        raise OpPrereqError(
            f"{why}; use 'gnt-instance failover' or --allow-failover", Code.WRONG_STATE
        )

    def _hindrance(self) -> str | None:
        name = self.instance.name
        if self.instance.admin_state != "up":
            return f"instance {name} is not running"
        try:
            self.rpc.one(self.primary.uuid, InstanceCalls.instance_migratable)(
                self.cfg.for_node(self.instance)
            )
        except GenericError as err:
            return f"instance {name} cannot be migrated: {err}"
        return None

    def execute(self) -> None:
        if self.op.cleanup:
            self.log.plain(f"cleaning up after a migration of {self.instance.name}")
            migration_cleanup.clean_up(self)
        elif self._fails_over:
            fail_over(self, False, DEFAULT_SHUTDOWN_S)
        else:
            self.log.plain(f"migrating instance {self.instance.name} to {self.target.name}")
            self._migrate()

    def _migrate(self) -> None:
        source, target = self.primary, self.target
        self._check_versions(source, target)
        self.check_consistent(ignore=False)
        info = self.rpc.one(source.uuid, InstanceCalls.migration_info)(self._carried(source))
        self.log.step(f"closing the disks on {target.name}")
        self.close_disks(target)
        with self._undone_on_failure(source, target):
            self.log.step("opening the disks shared on both nodes")
            self.open_disks(source, exclusive=False)
            self.open_disks(target, exclusive=False)
            self._transfer(source, target, info)
        self._finish(source, target, info)

    def _carried(self, node: Node) -> Any:
        return self.cfg.for_node(self.instance, node.uuid)

    def _check_versions(self, source: Node, target: Node) -> None:
        specs = [(self.instance.hypervisor, self.cfg.cluster_hvparams(self.instance.hypervisor))]
        replies = self.rpc.all([source.uuid, target.uuid], SystemCalls.node_info)(None, specs)
        versions = [_version(reply.value[2]) for reply in replies.values()]
        if versions[0] != versions[1] and None not in versions and not self.op.ignore_hvversions:
            raise OpExecError(
                f"the hypervisors of {source.name} and {target.name} have different versions"
                f" ({versions[0]} and {versions[1]}); use --ignore-hvversions to try it"
            )

    def _transfer(self, source: Node, target: Node, info: Any) -> None:
        self.log.step(f"preparing {target.name} to accept the instance")
        self.rpc.one(target.uuid, InstanceCalls.accept_instance)(
            self._carried(target), info, target.secondary_ip
        )
        self.log.step(f"migrating the instance to {target.name}")
        self.rpc.one(source.uuid, InstanceCalls.instance_migrate)(
            self.cfg.cluster.cluster_name,
            self._carried(source),
            target.secondary_ip,
            self._live,
        )
        self.log.step("memory transfer starts")
        self._wait_for_memory(source)
        self.log.step("memory transfer is complete")

    def _wait_for_memory(self, source: Node) -> None:
        told = self.clock.monotonic()
        for status in self._statuses(source):
            if status["status"] in FAILED:
                raise OpExecError(f"the hypervisor says: migration {status['status']}")
            now = self.clock.monotonic()
            if now - told >= PROGRESS_S and status.get("total_ram"):
                done = 100.0 * status["transferred_ram"] / status["total_ram"]
                self.log.step(f"memory transfer: {done:.2f} %")
                told = now

    def _statuses(self, source: Node) -> Iterator[Mapping[str, Any]]:
        """Each answer of the source until it is no longer busy."""
        carried = self._carried(source)
        while True:
            ask = self.rpc.one(source.uuid, InstanceCalls.instance_get_migration_status)
            status = ask(carried)
            yield status
            if status["status"] not in ("active", "setup", "postcopy-active", "device"):
                return
            self.clock.sleep(POLL_S)

    @contextmanager
    def _undone_on_failure(self, source: Node, target: Node) -> Iterator[None]:
        try:
            yield
        except GenericError as err:
            self.log.warning(f"the migration failed and is undone: {err}")
            abort(self, source, target)
            raise OpExecError(
                f"cannot migrate instance {self.instance.name}: {err};"
                f" it runs on {source.name} as before"
            ) from err

    def _finish(self, source: Node, target: Node, info: Any) -> None:
        try:
            self.rpc.one(source.uuid, InstanceCalls.instance_finalize_migration_src)(
                self._carried(source), True, self._live
            )
            self.rpc.one(target.uuid, InstanceCalls.instance_finalize_migration_dst)(
                self._carried(target), info, True
            )
        except GenericError as err:
            raise OpExecError(
                f"instance {self.instance.name} went to {target.name}, but finishing failed: {err};"
                " run 'gnt-instance migrate --cleanup' when both nodes answer"
            ) from err
        self.make_primary(target)
        self.log.step(f"closing the disks on {source.name}")
        self.close_disks(source)
        self.log.step(f"opening the disks exclusively on {target.name}")
        self.open_disks(target, exclusive=True)
        self.log.step("done")


def _version(infos: Sequence[Mapping[str, Any]] | None) -> Any:
    return infos[0].get("hv_version") if infos else None


def abort(unit: MovingUnit[Any], source: Node, target: Node) -> None:
    """Give the instance back to its source; what cannot be undone is named."""
    attempts: tuple[tuple[str, Callable[[], None]], ...] = (
        (
            f"end the copy on {target.name}",
            lambda: unit.rpc.one(target.uuid, InstanceCalls.instance_finalize_migration_dst)(
                unit.cfg.for_node(unit.instance, target.uuid), None, False
            ),
        ),
        (
            f"let the instance go on on {source.name}",
            lambda: unit.rpc.one(source.uuid, InstanceCalls.instance_finalize_migration_src)(
                unit.cfg.for_node(unit.instance, source.uuid), False, True
            ),
        ),
        (f"close the disks on {target.name}", lambda: unit.close_disks(target)),
        (
            f"open the disks exclusively on {source.name}",
            lambda: unit.open_disks(source, exclusive=True),
        ),
    )
    for what, act in attempts:
        try:
            act()
        except GenericError as err:
            unit.log.warning(f"cannot {what}: {err}")
