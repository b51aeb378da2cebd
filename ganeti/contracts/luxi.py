# SPDX-License-Identifier: GPL-2.0-or-later
"""The methods of the master daemon's local protocol (LUXI, "Job-related methods" and "Query methods").

The master daemon implements this contract; `ganeti.luxi.client` speaks it without importing it.
"""

from __future__ import annotations

from typing import Any

from ganeti.opcodes.base import JobId, OpCode, Reason
from ganeti.opcodes.query import Resource
from ganeti.opcodes.tags import TagKind
from ganeti.schema import types
from ganeti.schema.contract import Contract, call

Ops = list[OpCode]
Filter = list[Any] | None
Rows = list[list[Any]]


class LuxiCalls(Contract):
    """A method's result is JSON, or a future if it is not known yet."""

    @call()
    def SubmitJob(self, ops: Ops) -> int:
        """A new job; its id."""

    @call()
    def SubmitJobToDrainedQueue(self, ops: Ops) -> int:
        """The same, whatever the drain flag says."""

    @call()
    def SubmitManyJobs(self, jobs: list[Ops]) -> list[tuple[bool, int | str]]:
        """For each job ``[true, id]`` or ``[false, text]``."""

    @call()
    def PickupJob(self, job_id: JobId) -> None:
        """Of older releases, in which another daemon took jobs in; always an error."""

    @call()
    def CancelJob(self, job_id: JobId, kill: bool = False) -> tuple[bool, str]:
        """Cancel a job that does not run yet."""

    @call()
    def ChangeJobPriority(self, job_id: JobId, priority: int) -> tuple[bool, str]:
        """Give the rest of a job another priority."""

    @call()
    def ArchiveJob(self, job_id: JobId) -> bool:
        """Move a finished job to the archive."""

    @call()
    def AutoArchiveJobs(self, age: float, timeout: float) -> tuple[int, int]:
        """Archive old finished jobs; how many were, and how many were not looked at in time."""

    @call()
    def WaitForJobChange(
        self,
        job_id: JobId,
        fields: list[str],
        prev_info: Any,
        prev_serial: int | None,
        timeout: float,
    ) -> Any:
        """``[values, log entries]`` when something is new, ``"nochange"`` when the time is over."""

    @call()
    def QueryJobs(self, job_ids: list[JobId] | None, fields: list[str]) -> Rows:
        """Rows of values."""

    @call()
    def Query(self, what: Resource, fields: list[str], qfilter: Filter) -> dict[str, Any]:
        """Field definitions and rows of ``[status, value]``."""

    @call()
    def QueryFields(self, what: Resource, fields: list[str] | None) -> dict[str, Any]:
        """Field definitions."""

    @call()
    def QueryInstances(self, names: list[str], fields: list[str], use_locking: bool) -> Rows:
        """Rows of values."""

    @call()
    def QueryNodes(self, names: list[str], fields: list[str], use_locking: bool) -> Rows:
        """Rows of values."""

    @call()
    def QueryGroups(self, names: list[str], fields: list[str], use_locking: bool) -> Rows:
        """Rows of values."""

    @call()
    def QueryNetworks(self, names: list[str], fields: list[str], use_locking: bool) -> Rows:
        """Rows of values."""

    @call()
    def QueryExports(self, nodes: list[str], use_locking: bool) -> Rows:
        """Rows of node and export; null in place of the exports of a node that does not tell."""

    @call()
    def QueryFilters(self, uuids: list[str] | None, fields: list[str]) -> Rows:
        """Rows of values."""

    @call()
    def ReplaceFilter(
        self,
        uuid: str | None,
        priority: types.NonNegative,
        predicates: list[tuple[str, list[Any]]],
        action: str | tuple[str, types.Positive],
        reason: Reason,
    ) -> str:
        """Add a rule for jobs, or put it in the place of one; its UUID."""

    @call()
    def DeleteFilter(self, uuid: str) -> None:
        """Take a rule away."""

    @call()
    def QueryClusterInfo(self) -> dict[str, Any]:
        """All about the cluster."""

    @call()
    def QueryConfigValues(self, fields: list[str]) -> list[Any]:
        """Some values, in order."""

    @call()
    def QueryTags(self, kind: TagKind, name: str) -> list[str]:
        """The tags of one object."""

    @call()
    def SetDrainFlag(self, drain_flag: bool) -> bool:
        """Refuse new jobs, or take them again."""

    @call()
    def SetWatcherPause(self, until: float | None) -> float | None:
        """Let the watcher pause until a time, or go on."""
