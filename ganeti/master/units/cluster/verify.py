# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_CLUSTER_VERIFY: submits a job for the configuration and one for each node group."""

from __future__ import annotations

from ganeti.master.unit import JobsResult, LogicalUnit
from ganeti.opcodes.base import OpCode
from ganeti.opcodes.cluster import OpClusterVerify, OpClusterVerifyConfig, OpClusterVerifyGroup


class ClusterVerify(LogicalUnit[OpClusterVerify]):
    """The groups' jobs wait for the configuration's, whatever comes of it."""

    def expand(self) -> None:
        if self.op.group_name is not None:
            self.cfg.group(self.op.group_name)

    def execute(self) -> JobsResult:
        if self.op.group_name is not None:
            return JobsResult([[self._group(self.cfg.group(self.op.group_name).name)]])
        jobs: list[list[OpCode]] = [[self._config()]]
        for group in sorted(self.cfg.groups.values(), key=lambda g: g.name):
            jobs.append([self._group(group.name).replace(depends=[(-len(jobs), [])])])
        return JobsResult(jobs)

    def _config(self) -> OpClusterVerifyConfig:
        return OpClusterVerifyConfig(
            debug_simulate_errors=self.op.debug_simulate_errors,
            error_codes=self.op.error_codes,
            ignore_errors=self.op.ignore_errors,
            verbose=self.op.verbose,
        )

    def _group(self, name: str) -> OpClusterVerifyGroup:
        return OpClusterVerifyGroup(
            group_name=name,
            debug_simulate_errors=self.op.debug_simulate_errors,
            error_codes=self.op.error_codes,
            skip_checks=self.op.skip_checks,
            ignore_errors=self.op.ignore_errors,
            verbose=self.op.verbose,
            verify_clutter=self.op.verify_clutter,
        )
