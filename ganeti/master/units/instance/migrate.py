# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_INSTANCE_MIGRATE: move a running instance to another node while it runs.

Until the source says that the memory has gone over, every failure is undone and the instance runs on
where it was. After that only the way forward is left. While the source does not say anything, nothing is
done at all: a guest that is let go on here while it runs there destroys its disks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ganeti.contracts.node.instance import InstanceCalls
from ganeti.contracts.node.system import SystemCalls
from ganeti.errors import Code, GenericError, OpExecError, OpPrereqError
from ganeti.master.unit import Hooks, Target
from ganeti.master.units.instance import migration_cleanup, runtime_memory
from ganeti.master.units.instance.failover import fail_over
from ganeti.master.units.instance.moving import MovingUnit
from ganeti.master.units.instance.subject import check_online
from ganeti.model.node import Node
from ganeti.opcodes.instance import OpInstanceMigrate
from ganeti.rpc.runner import Deposed, RpcError

POLL_S = 1.0
SILENCES = 10
AFTER_SILENCE_S = 6.0
PROGRESS_S = 10.0
FAILED = ("failed", "cancelled")
UNDER_WAY = ("active", "setup", "postcopy-active", "device")
DEFAULT_SHUTDOWN_S = 120


class OutOfSight(OpExecError):
    """The source does not tell whether the memory has gone over."""


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
        if self.instance.admin_state == "up":
            self._free_mib = self.check_memory_on_target()

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
        self._fit_memory()
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

    def _fit_memory(self) -> None:
        """Take from the guest what the target cannot give."""
        now_mib = int(self.live_info().get("memory", 0))
        if now_mib <= self._free_mib:
            return
        if not self.op.allow_runtime_changes:
            raise OpExecError(
                f"instance {self.instance.name} has {now_mib} MiB of memory and {self.target.name}"
                f" has {self._free_mib} MiB free; leave out --no-runtime-changes to take some away"
            )
        self.log.step(f"setting the memory of {self.instance.name} to {self._free_mib} MiB")
        runtime_memory.balloon(self, self._free_mib)

    def _transfer(self, source: Node, target: Node, info: Any) -> None:
        self.log.step(f"preparing {target.name} to accept the instance")
        self.rpc.one(target.uuid, InstanceCalls.accept_instance)(
            self._carried(target), info, target.secondary_ip
        )
        self.log.step(f"migrating the instance to {target.name}")
        self._send(source, target)
        self.log.step("memory transfer starts")
        self._wait_for_memory(source)
        self.log.step("memory transfer is complete")

    def _send(self, source: Node, target: Node) -> None:
        try:
            self.rpc.one(source.uuid, InstanceCalls.instance_migrate)(
                self.cfg.cluster.cluster_name,
                self._carried(source),
                target.secondary_ip,
                self._live,
            )
        except RpcError as err:
            if self._status(source)["status"] in FAILED:
                raise
            self.log.warning(f"{err}; but the memory is on its way")

    def _wait_for_memory(self, source: Node) -> None:
        told = self.clock.monotonic()
        while (status := self._status(source))["status"] in UNDER_WAY:
            now = self.clock.monotonic()
            if now - told >= PROGRESS_S and status.get("total_ram"):
                done = 100.0 * status["transferred_ram"] / status["total_ram"]
                self.log.step(f"memory transfer: {done:.2f} %")
                told = now
            self.clock.sleep(POLL_S)
        if status["status"] in FAILED:
            raise OpExecError(f"the hypervisor says: migration {status['status']}")

    def _status(self, source: Node) -> Mapping[str, Any]:
        """What the source says; raises OutOfSight if it says nothing for a minute."""
        ask = self.rpc.one(source.uuid, InstanceCalls.instance_get_migration_status)
        for _ in range(SILENCES):
            try:
                return ask(self._carried(source))
            except RpcError as err:
                why = err
            self.clock.sleep(AFTER_SILENCE_S)
        name, target = self.instance.name, self.target.name
        raise OutOfSight(
            f"it is not known how the migration of {name} goes on: {why}. Nothing was ended, for it"
            f" may run on {target}. When {source.name} answers, run 'gnt-instance migrate --cleanup"
            f" -n {target} {name}'"
        )

    @contextmanager
    def _undone_on_failure(self, source: Node, target: Node) -> Iterator[None]:
        try:
            yield
        except (OutOfSight, Deposed):  # what is right now, only somebody else can say
            raise
        except GenericError as err:
            self.log.warning(f"the migration failed and is undone: {err}")
            abort(self, source, target)
            raise OpExecError(
                f"cannot migrate instance {self.instance.name}: {err};"
                f" it runs on {source.name} as before"
            ) from err

    def _finish(self, source: Node, target: Node, info: Any) -> None:
        try:
            self.end_on_source(source, success=True, live=self._live)
            self.end_on_target(target, info, success=True)
        except GenericError as err:
            raise OpExecError(
                f"instance {self.instance.name} went to {target.name}, but finishing failed: {err};"
                f" when both nodes answer, run 'gnt-instance migrate --cleanup -n {target.name}"
                f" {self.instance.name}'"
            ) from err
        self.make_primary(target)
        self.leave_disks_to(target, [source])
        self.log.step("done")


def _version(infos: Sequence[Mapping[str, Any]] | None) -> Any:
    return infos[0].get("hv_version") if infos else None


def abort(unit: MovingUnit[Any], source: Node, target: Node) -> None:
    """Give the instance back to its source; what cannot be undone is named."""
    attempts: tuple[tuple[str, Callable[[], None]], ...] = (
        (f"end the copy on {target.name}", lambda: unit.end_on_target(target, success=False)),
        (
            f"let the instance go on on {source.name}",
            lambda: unit.end_on_source(source, success=False),
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
