# SPDX-License-Identifier: GPL-2.0-or-later
"""OP_CLUSTER_VERIFY_GROUP: are the nodes and instances of a group in order?

One `node_verify` call asks every node for all that is checked; the checks themselves are pure
functions (`ganeti.master.verify`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ganeti.contracts.node.blockdev import BlockdevCalls
from ganeti.contracts.node.system import SystemCalls
from ganeti.master.locks.plan import Held, Level, LockPlan, Want, shared
from ganeti.master.unit import HookNodes, Hooks, LogicalUnit, Target
from ganeti.master.verify import files, instance_checks, node_checks, request
from ganeti.master.verify.findings import Findings
from ganeti.model.instance import Instance
from ganeti.model.node import Node
from ganeti.opcodes.cluster import OpClusterVerifyGroup
from ganeti.rpc.runner import Reply

HOOK_FAILED = 1


class ClusterVerifyGroup(LogicalUnit[OpClusterVerifyGroup]):
    """The result is True if nothing but warnings was found and no hook objected.

    An instance that comes to the group while the job waits for its locks is left out: it is being made.
    """

    hooks = Hooks("cluster-verify", Target.CLUSTER)

    def expand(self) -> None:
        self._group = self.cfg.group(self.op.group_name)
        self._names = {instance.name for instance in self._instances_now()}

    def lock_plan(self) -> LockPlan:
        return LockPlan(
            {
                Level.INSTANCE: shared(*self._names),
                Level.NODEGROUP: shared(self._group.uuid),
                Level.NODE: self._nodes_to_lock,
            }
        )

    def _nodes_to_lock(self, _held: Held) -> Want:
        outside = {uuid for i in self._locked() for uuid in self.cfg.nodes_of(i)}
        return shared(*(n.uuid for n in self.cfg.members(self._group.uuid)), *outside)

    def _instances_now(self) -> list[Instance]:
        members = self.cfg.members(self._group.uuid)
        return sorted(
            (i for node in members for i in self.cfg.instances_on(node.uuid)),
            key=lambda i: i.name,
        )

    def _locked(self) -> list[Instance]:
        return [i for i in self._instances_now() if i.name in self._names]

    def hook_env(self) -> Mapping[str, Any]:
        env = {"CLUSTER_TAGS": " ".join(self.cfg.cluster.tags)}
        return env | {f"NODE_TAGS_{n.name}": " ".join(n.tags) for n in self._nodes}

    def hook_nodes(self) -> HookNodes:
        return HookNodes((), [node.uuid for node in self._nodes])

    def check(self) -> None:
        self._nodes = self.cfg.members(self._group.uuid)
        self._instances = self._locked()

    def execute(self) -> bool:
        self._found = Findings(
            ignored=self.op.ignore_errors, simulate=self.op.debug_simulate_errors
        )
        for title, check in self._sections():
            self.log.step(title)
            check()
            self._tell()
        return self._found.good

    def _tell(self) -> None:
        lines = self._found.take_lines(with_codes=self.op.error_codes)
        if lines:
            self.log.lines(lines)

    def _sections(self) -> list[tuple[str, Callable[[], None]]]:
        count = len(self._nodes)
        sections: list[tuple[str, Callable[[], None]]] = [
            (f"checking group '{self._group.name}'", lambda: None),
            (f"gathering data ({count} nodes)", self._gather),
            (f"gathering information about the nodes ({count} nodes)", self._gather_nodes),
            (f"gathering information about the disks ({count} nodes)", self._gather_disks),
            ("checking that files are the same everywhere", self._check_files),
            ("checking the state of the nodes", self._check_nodes),
            ("checking the state of the instances", self._check_instances),
            ("looking for volumes that belong to nobody", lambda: None),
        ]
        if "nplusone_mem" not in self.op.skip_checks:
            sections.append(("checking that a node's failure leaves enough memory", self._check_n1))
        sections.append(("other notes", self._notes))
        return sections

    def _online(self) -> list[Node]:
        return [node for node in self._nodes if not node.offline]

    def _gather(self) -> None:
        asked = request.node_verify(
            self.cfg, self.paths, self._group, clutter=self.op.verify_clutter
        )
        self._asked_at = self.clock.now()
        self._replies = self._ask(self._online(), asked)
        self._answered_at = self.clock.now()
        self._answers = {u: r.value for u, r in self._replies.items() if not r.failed}

    def _ask(self, nodes: Iterable[Node], asked: dict[str, Any]) -> dict[str, Reply[Any]]:
        return self.rpc.all([node.uuid for node in nodes], SystemCalls.node_verify)(
            asked, self.cfg.cluster.cluster_name, self._hvparams()
        )

    def _hvparams(self) -> dict[str, Any]:
        names = self.cfg.cluster.enabled_hypervisors
        return {name: self.cfg.cluster_hvparams(name) for name in names}

    def _gather_nodes(self) -> None:
        self._running = instance_checks.running(self._answers)
        self._free = {
            uuid: int(answer["hvinfo"]["memory_free"])
            for uuid, answer in self._answers.items()
            if isinstance(answer.get("hvinfo"), dict) and "memory_free" in answer["hvinfo"]
        }

    def _gather_disks(self) -> None:
        """Statuses of active disks: by instance and node, in the order of the disks."""
        wanted: dict[str, list[tuple[Instance, Any]]] = {}
        for instance in self._instances:
            if not instance.disks_active:
                continue
            for uuid in self.cfg.nodes_of(instance):
                if uuid in self._answers:
                    disks = self.cfg.disks_of(instance)
                    wanted.setdefault(uuid, []).extend((instance, disk) for disk in disks)
        calls = {
            uuid: ([self.cfg.annotated(disk, i, uuid) for i, disk in pairs],)
            for uuid, pairs in wanted.items()
        }
        replies = self.rpc.each(calls, BlockdevCalls.blockdev_getmirrorstatus_multi)
        self._disks: dict[str, dict[str, list[Any]]] = {}
        for uuid, reply in replies.items():
            rows = [(False, reply.error)] * len(wanted[uuid]) if reply.failed else reply.value
            for (instance, _disk), row in zip(wanted[uuid], rows, strict=True):
                self._disks.setdefault(instance.uuid, {}).setdefault(uuid, []).append(row)

    def _check_files(self) -> None:
        """The master's files are the measure, so it is asked even if it is in another group."""
        wanted = files.shared_files(self.cfg, self.paths)
        nodes, replies, master = list(self._nodes), dict(self._replies), self.cfg.master
        if master not in nodes:
            nodes.append(master)
            replies |= self._ask([master], {"filelist": sorted(wanted.all)})
        answers = {u: r.value.get("filelist", {}) for u, r in replies.items() if not r.failed}
        files.check(self._found, wanted, nodes, answers, master.uuid)

    def _check_nodes(self) -> None:
        for node in self._online():
            if self.op.verbose:
                self.log.step(f"node {node.name}")
            reply = self._replies[node.uuid]
            self._found.error_if(
                reply.failed, "ENODERPC", node.name, f"does not answer: {reply.error}"
            )
            if not reply.failed:
                node_checks.check(self._found, node, reply.value, self._asked_at, self._answered_at)
        node_checks.check_os_lists(self._found, self.cfg.nodes, self._answers)
        instance_checks.check_orphans(self._found, self.cfg, self._running, self._nodes)

    def _check_instances(self) -> None:
        for instance in self._instances:
            if self.op.verbose:
                self.log.step(f"instance {instance.name}")
            instance_checks.check_instance(self._found, self.cfg, instance, self._running)
            instance_checks.check_policy(self._found, self.cfg, instance)
            statuses = self._disks.get(instance.uuid, {})
            instance_checks.check_disks(self._found, self.cfg, instance, statuses)

    def _check_n1(self) -> None:
        instance_checks.check_spare_memory(self._found, self.cfg, self._online(), self._free)

    def _notes(self) -> None:
        offline = sum(node.offline for node in self._nodes)
        drained = sum(node.drained for node in self._nodes)
        lonely = sum(not instance_checks.is_redundant(self.cfg, i) for i in self._instances)
        notes = (
            (lonely, "instance(s) without redundancy"),
            (offline, "offline node(s)"),
            (drained, "drained node(s)"),
        )
        lines = [f"  - NOTICE: {count} {what} found." for count, what in notes if count]
        if lines:
            self.log.lines(lines)

    def after_post_hooks(self, rows: Mapping[str, Any], result: bool) -> bool:
        """What the hooks on the nodes say is part of the verdict."""
        self.log.step("what the hooks say")
        for uuid, reply in rows.items():
            node = self.cfg.nodes[uuid]
            if reply.failed:
                self._found.error_if(
                    not node.offline, "ENODEHOOKS", node.name, f"hooks did not run: {reply.error}"
                )
                continue
            for script, code, output in reply.value:
                self._found.error_if(
                    code == HOOK_FAILED,
                    "ENODEHOOKS",
                    node.name,
                    f"hook {script} failed: {output or 'no output'}",
                )
        self._tell()
        return result and self._found.good
