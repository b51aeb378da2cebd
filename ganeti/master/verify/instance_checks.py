# SPDX-License-Identifier: GPL-2.0-or-later
"""What the nodes' answers say about the instances. Pure functions."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ganeti.contracts.node.blockdev import LocalDisk, Status
from ganeti.master.verify.findings import Findings
from ganeti.model import ipolicy
from ganeti.model.config import Config
from ganeti.model.instance import Instance
from ganeti.model.node import Node
from ganeti.model.templates import TEMPLATES


@dataclass(frozen=True)
class Running:
    """Names of the running instances by node UUID, for the nodes that told."""

    on: Mapping[str, frozenset[str]]

    @functools.cached_property
    def places(self) -> Mapping[str, list[str]]:
        """UUIDs of the nodes where an instance runs, by its name."""
        found: dict[str, list[str]] = {}
        for uuid, names in self.on.items():
            for name in names:
                found.setdefault(name, []).append(uuid)
        return found


def running(answers: Mapping[str, Mapping[str, Any]]) -> Running:
    """What the nodes say in their answers."""
    lists = {uuid: answer.get("instancelist") for uuid, answer in answers.items()}
    told = {uuid: names for uuid, names in lists.items() if isinstance(names, list)}
    return Running({uuid: frozenset(names) for uuid, names in told.items()})


def check_instance(found: Findings, cfg: Config, instance: Instance, running: Running) -> None:
    """Whether the instance runs where it should, and nowhere else."""
    primary = cfg.nodes[instance.primary_node]
    found.error_if(
        primary.offline and instance.admin_state == "up",
        "EINSTANCEBADNODE",
        instance.name,
        f"should run on {primary.name}, which is offline; fail it over",
    )
    nodes = [cfg.nodes[uuid] for uuid in cfg.nodes_of(instance)]
    offline = [node.name for node in nodes[1:] if node.offline]
    found.error_if(
        offline,
        "EINSTANCEBADNODE",
        instance.name,
        f"has its other copy on {', '.join(offline)}, which is offline",
    )
    unable = [node.name for node in nodes if not node.vm_capable]
    found.error_if(
        unable,
        "EINSTANCEBADNODE",
        instance.name,
        f"is on {', '.join(unable)}, which is not able to run instances",
    )
    _check_running(found, instance, primary, running)
    _check_wrong_node(found, cfg, instance, running)
    _check_groups(found, cfg, instance)


def _check_running(found: Findings, instance: Instance, primary: Node, running: Running) -> None:
    if primary.uuid not in running.on or instance.admin_state != "up":
        return
    found.error_if(
        instance.name not in running.on[primary.uuid],
        "EINSTANCEDOWN",
        instance.name,
        f"should run on {primary.name} but does not",
    )


def _check_wrong_node(found: Findings, cfg: Config, instance: Instance, running: Running) -> None:
    wrong = [
        cfg.nodes[uuid].name
        for uuid in running.places.get(instance.name, ())
        if uuid != instance.primary_node
    ]
    found.error_if(
        wrong,
        "EINSTANCEWRONGNODE",
        instance.name,
        f"runs on {', '.join(wrong)}, where it should not",
    )


def _check_groups(found: Findings, cfg: Config, instance: Instance) -> None:
    groups = {cfg.nodes[uuid].group for uuid in cfg.nodes_of(instance)}
    names = ", ".join(sorted(cfg.groups[uuid].name for uuid in groups))
    found.warning_if(
        len(groups) > 1, "EINSTANCESPLITGROUPS", instance.name, f"has nodes in groups {names}"
    )


def is_redundant(cfg: Config, instance: Instance) -> bool:
    """Whether another node could go on with the instance if its own is lost."""
    kinds = {disk.dev_type for disk in cfg.disks_of(instance)} or {"diskless"}
    return any(TEMPLATES[kind].mirrored for kind in kinds)


def check_policy(found: Findings, cfg: Config, instance: Instance) -> None:
    problems = ipolicy.instance_problems(cfg, instance)
    found.warning_if(problems, "EINSTANCEPOLICY", instance.name, "; ".join(problems))


def check_orphans(found: Findings, cfg: Config, running: Running, nodes: Iterable[Node]) -> None:
    """Guests that the configuration does not know."""
    known = {instance.name for instance in cfg.instances.values()}
    for node in nodes:
        orphans = sorted(running.on.get(node.uuid, frozenset()) - known)
        found.error_if(
            orphans,
            "ENODEORPHANINSTANCE",
            node.name,
            f"runs unknown instances: {', '.join(orphans)}",
        )


def check_disks(
    found: Findings, cfg: Config, instance: Instance, statuses: Mapping[str, list[Any]]
) -> None:
    """The state of active disks: `statuses` are rows ``[answered, status or text]`` by node."""
    for uuid, rows in statuses.items():
        node = cfg.nodes[uuid].name
        for index, (answered, status) in enumerate(rows):
            text = f"disk/{index} on {node}"
            if answered:
                _check_disk(found, instance, text, status)
            else:
                found.error("EINSTANCEFAULTYDISK", instance.name, f"{text} is faulty: {status}")


def _check_disk(found: Findings, instance: Instance, text: str, status: Status) -> None:
    """A degraded disk whose copy here is good, or is becoming so, is no error yet."""
    is_good = status["ldisk_status"] in (LocalDisk.OK, LocalDisk.SYNC)
    found.warning_if(
        is_good and status["is_degraded"],
        "EINSTANCEFAULTYDISK",
        instance.name,
        f"{text} is degraded",
    )
    found.error_if(
        not is_good,
        "EINSTANCEFAULTYDISK",
        instance.name,
        f"{text} is faulty, or in a state that the node cannot tell",
    )


def check_spare_memory(
    found: Findings, cfg: Config, nodes: Iterable[Node], free_mib: Mapping[str, int]
) -> None:
    """Each node must be able to take over what any one other node would send it."""
    for node in nodes:
        demands: dict[str, int] = {}
        for instance in cfg.secondaries_on(node.uuid):
            be = cfg.beparams(instance)
            if be["auto_balance"] and instance.admin_state == "up":
                peer = instance.primary_node
                demands[peer] = demands.get(peer, 0) + be["minmem"]
        for peer, needed in demands.items():
            found.error_if(
                node.uuid in free_mib and needed > free_mib[node.uuid],
                "ENODEN1",
                node.name,
                f"lacks memory for a failover of node {cfg.nodes[peer].name}:"
                f" {needed} MiB needed, {free_mib.get(node.uuid)} MiB free",
            )
