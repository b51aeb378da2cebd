# SPDX-License-Identifier: GPL-2.0-or-later
"""What the methods of the local protocol do: they hand on to the queue, the queries and the store."""

from __future__ import annotations

import uuid as uuids
from concurrent.futures import Future
from typing import Any

from ganeti.contracts.luxi import Filter, LuxiCalls, Ops, Rows
from ganeti.contracts.node.system import SystemCalls
from ganeti.errors import Code, GenericError, OpExecError, OpPrereqError
from ganeti.master import filter_rules
from ganeti.master.query import cluster_info, engine
from ganeti.master.queue.watch import Known
from ganeti.master.services import Services
from ganeti.master.units.tags.objects import tagged
from ganeti.opcodes.base import OpCode, Reason
from ganeti.opcodes.query import Resource
from ganeti.opcodes.tags import TagKind

_CONTEXT = "luxi"
"""In place of a job, whose reservations would end with it; here is nothing to reserve."""


class LuxiMethods(LuxiCalls):
    """One object serves all clients."""

    def __init__(self, services: Services) -> None:
        self._services = services

    # Jobs.

    def SubmitJob(self, ops: list[OpCode]) -> int:
        return self._services.jobs.submit(ops)

    def SubmitJobToDrainedQueue(self, ops: list[OpCode]) -> int:
        return self._services.jobs.submit(ops, to_drained=True)

    def SubmitManyJobs(self, jobs: list[Ops]) -> list[tuple[bool, int | str]]:
        return self._services.jobs.submit_many(jobs)

    def PickupJob(self, job_id: int) -> None:
        raise GenericError("the master daemon picks its jobs up by itself")

    def CancelJob(self, job_id: int, kill: bool = False) -> tuple[bool, str]:
        good, text = self._services.jobs.cancel(job_id, kill)
        return (good, text)

    def ChangeJobPriority(self, job_id: int, priority: int) -> tuple[bool, str]:
        good, text = self._services.jobs.change_priority(job_id, priority)
        return (good, text)

    def ArchiveJob(self, job_id: int) -> bool:
        return self._services.jobs.archive(job_id)

    def AutoArchiveJobs(self, age: float, timeout: float) -> tuple[int, int]:
        return self._services.jobs.auto_archive(age, timeout)

    def WaitForJobChange(
        self,
        job_id: int,
        fields: list[str],
        prev_info: Any,
        prev_serial: int | None,
        timeout: float,
    ) -> Future[Any]:
        """The queue answers: now, when the job changes, or when the time is over."""
        news: Future[Any] = Future()
        known = Known(fields, prev_info, prev_serial)
        self._services.jobs.wait_for_change(job_id, known, timeout, news.set_result)
        return news

    def SetDrainFlag(self, drain_flag: bool) -> bool:
        self._services.jobs.set_drained(drain_flag)
        return True

    # Queries.

    def QueryJobs(self, job_ids: list[int] | None, fields: list[str]) -> Rows:
        return engine.old_style(self._services, "job", fields, job_ids or ())

    def Query(self, what: Resource, fields: list[str], qfilter: Filter) -> dict[str, Any]:
        return engine.query(self._services, what, fields, qfilter)

    def QueryFields(self, what: Resource, fields: list[str] | None) -> dict[str, Any]:
        return engine.query_fields(what, fields)

    def QueryInstances(self, names: list[str], fields: list[str], use_locking: bool) -> Rows:
        return self._old_style("instance", names, fields, use_locking)

    def QueryNodes(self, names: list[str], fields: list[str], use_locking: bool) -> Rows:
        return self._old_style("node", names, fields, use_locking)

    def QueryGroups(self, names: list[str], fields: list[str], use_locking: bool) -> Rows:
        return self._old_style("group", names, fields, use_locking)

    def QueryNetworks(self, names: list[str], fields: list[str], use_locking: bool) -> Rows:
        return self._old_style("network", names, fields, use_locking)

    def QueryExports(self, nodes: list[str], use_locking: bool) -> Rows:
        return self._old_style("export", nodes, ["node", "export"], use_locking)

    def _old_style(self, what: str, names: list[str], fields: list[str], locking: bool) -> Rows:
        if locking:
            raise OpPrereqError("queries take no locks any more", Code.WRONG_INPUT)
        return engine.old_style(self._services, what, fields, names)

    def QueryClusterInfo(self) -> dict[str, Any]:
        return cluster_info.cluster_info(self._services)

    def QueryConfigValues(self, fields: list[str]) -> list[Any]:
        return cluster_info.config_values(self._services, fields)

    def QueryTags(self, kind: TagKind, name: str) -> list[str]:
        return list(tagged(self._services.store.current, kind, name).tags)

    # Rules for jobs.

    def QueryFilters(self, uuids: list[str] | None, fields: list[str]) -> Rows:
        return engine.old_style(self._services, "filter", fields, uuids or ())

    def ReplaceFilter(
        self,
        uuid: str | None,
        priority: int,
        predicates: list[tuple[str, list[Any]]],
        action: str | tuple[str, int],
        reason: Reason,
    ) -> str:
        rule = filter_rules.made(
            uuid or str(uuids.uuid4()),
            priority,
            predicates,
            action,
            reason,
            watermark=self._services.jobs.last_id,
            now=self._services.clock.now(),
        )
        with self._services.store.write(_CONTEXT) as transaction:
            transaction.put(rule)
        return rule.uuid

    def DeleteFilter(self, uuid: str) -> None:
        with self._services.store.write(_CONTEXT) as transaction:
            transaction.remove(filter_rules.find(transaction.root, uuid))

    # The watcher.

    def SetWatcherPause(self, until: float | None) -> float | None:
        if until is not None and until < self._services.clock.now():
            raise GenericError("the time until which the watcher shall pause is in the past")
        online = [node.uuid for node in self._services.store.current.online_nodes()]
        replies = self._services.rpc.all(online, SystemCalls.set_watcher_pause)(until)
        failed = sorted(f"{r.node.name}: {r.error}" for r in replies.values() if r.failed)
        if failed:
            raise OpExecError(f"not all nodes know of the watcher's pause: {'; '.join(failed)}")
        return int(until) if until is not None and until.is_integer() else until
