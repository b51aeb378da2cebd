# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the hooks of a unit on the nodes (extension points, "Hooks").

A pre hook that fails stops the operation before anything is changed. A node that cannot be reached
never means "no". Post hooks only report.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import version
from ganeti.contracts.node.hooks import FAILED, HookCalls
from ganeti.errors import HooksAbort, HooksFailure
from ganeti.master.services import Services
from ganeti.master.unit import HookNodes, Hooks, JobLog, LogicalUnit, Target
from ganeti.paths import SCRIPT_PATH
from ganeti.rpc.runner import Reply

CONFIG_UPDATE = Hooks("config-update", Target.CLUSTER)

Rows = Sequence[Sequence[Any]]
Replies = Mapping[str, Reply[Any]]


def failed_rows(replies: Mapping[str, Rows], names: Mapping[str, str]) -> list[list[str]]:
    """``[node name, script, output]`` of each script that failed."""
    return [
        [names[uuid], script, output]
        for uuid, rows in replies.items()
        for script, code, output in rows
        if code == FAILED
    ]


class UnitHooks:
    """The hooks around one unit. `changed` hooks (config-update) see the variables of before."""

    def __init__(self, unit: LogicalUnit[Any], services: Services, log: JobLog) -> None:
        self._unit, self._services, self._log = unit, services, log
        self._before: dict[str, Any] = {}
        self._nodes = HookNodes()

    def run_pre(self) -> None:
        """Raises `HooksAbort` if a script on any node refuses."""
        if self._unit.hooks is None:
            return
        self._nodes = self._unit.hook_nodes()
        self._before = self._variables()
        replies = self._run(self._unit.hooks, "pre", self._nodes.pre, self._before)
        self._stop_on_failure(replies)

    def run_post(self) -> Replies:
        """Failures are told in the job's log; the operation's result stands."""
        if self._unit.hooks is None:
            return {}
        return self._run_post(self._unit.hooks, self._nodes.post, self._before)

    def run_post_on(self, nodes: Sequence[str]) -> None:
        """Post hooks out of turn, on nodes that will be gone when it is their turn."""
        assert self._unit.hooks is not None
        self._run_post(self._unit.hooks, nodes, self._variables())

    def _run_post(self, hooks: Hooks, nodes: Sequence[str], before: Mapping[str, Any]) -> Replies:
        after = {f"POST_{key}": value for key, value in self._variables().items()}
        replies = self._run(hooks, "post", nodes, {**before, **after})
        self._tell_failures(replies)
        return replies

    def run_config_update(self) -> None:
        """Runs on the master, which is this host, after a unit that changed the configuration."""
        if not os.path.isdir(f"{self._services.paths.hooks_dir}/{CONFIG_UPDATE.path}-post.d"):
            return
        master = self._services.store.current.cluster.master_node
        replies = self._run(CONFIG_UPDATE, "post", [master], self._before)
        self._tell_failures(replies)

    def _variables(self) -> dict[str, Any]:
        hooks = self._unit.hooks
        assert hooks is not None
        listed = {name.upper(): getattr(self._unit.op, name) for name in hooks.env}
        return listed | dict(self._unit.hook_env())

    def _run(
        self, hooks: Hooks, phase: str, nodes: Sequence[str], variables: Mapping[str, Any]
    ) -> Replies:
        if not nodes:
            return {}
        env = self._fixed(hooks, phase) | {f"GANETI_{k}": str(v) for k, v in variables.items()}
        return self._services.rpc.all(nodes, HookCalls.hooks_runner)(hooks.path, phase, env)

    def _fixed(self, hooks: Hooks, phase: str) -> dict[str, str]:
        cfg = self._services.store.current
        env = {
            "PATH": SCRIPT_PATH,
            "GANETI_HOOKS_VERSION": str(version.HOOKS),
            "GANETI_HOOKS_PHASE": phase,
            "GANETI_HOOKS_PATH": hooks.path,
            "GANETI_OP_CODE": self._unit.op.OP_ID,
            "GANETI_DATA_DIR": str(self._services.paths.data_dir),
            "GANETI_CLUSTER": cfg.cluster.cluster_name,
            "GANETI_MASTER": cfg.master.name,
        }
        if self._unit.hooks is not None:
            env["GANETI_OBJECT_TYPE"] = self._unit.hooks.target.value
        return env

    def _answers(self, replies: Replies) -> tuple[dict[str, Rows], dict[str, str]]:
        """What the scripts said, and the names of the nodes; silent nodes are warned about."""
        nodes = self._services.store.current.nodes
        names = {uuid: nodes[uuid].name if uuid in nodes else uuid for uuid in replies}
        for uuid, reply in replies.items():
            if reply.failed and not reply.offline:
                self._log.warning(f"the hooks on node {names[uuid]} did not run: {reply.error}")
        return {u: r.value for u, r in replies.items() if not r.failed}, names

    def _stop_on_failure(self, replies: Replies) -> None:
        if replies and all(r.failed and not r.offline for r in replies.values()):
            silent = ", ".join(sorted(f"{r.node.name}: {r.error}" for r in replies.values()))
            raise HooksFailure(f"no node could be reached to run the pre hooks ({silent})")
        failed = failed_rows(*self._answers(replies))
        if failed:
            raise HooksAbort(failed)

    def _tell_failures(self, replies: Replies) -> None:
        for node, script, output in failed_rows(*self._answers(replies)):
            self._log.warning(f"hook {script} on node {node} failed: {output or 'no output'}")
