# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs where: asked from the nodes of instances, and what that says about an instance.

The words of `status`, and the order in which they are tried, are an interface (query fields).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganeti.contracts.node.instance import InstanceCalls
from ganeti.master import consoles
from ganeti.master.query.field import NO_DATA, Sources
from ganeti.model.config import Config
from ganeti.model.instance import Instance
from ganeti.paths import Paths

SHUT_DOWN = 1
"""`state` of a guest that its user has shut down from inside."""

Info = Mapping[str, Any]


@dataclass(frozen=True)
class Running:
    """What the nodes answered. `silent`: nodes, by UUID, that did not; the rest by instance name."""

    silent: frozenset[str]
    at_home: Mapping[str, Info]
    elsewhere: Mapping[str, Info]


@dataclass(frozen=True)
class InstanceView:
    """What the getters of instances look at; `live` only if it was asked for."""

    cfg: Config
    paths: Paths
    live: Running | None


def ask(sources: Sources, instances: Sequence[Instance]) -> Running:
    """Ask all nodes of the instances."""
    cfg = sources.cfg
    homes = {instance.name: instance.primary_node for instance in instances}
    nodes = {uuid for i in instances if i.primary_node for uuid in cfg.nodes_of(i)}
    hypervisors = list(cfg.cluster.enabled_hypervisors)
    params = {name: cfg.cluster_hvparams(name) for name in hypervisors}
    replies = sources.services.rpc.all(nodes, InstanceCalls.all_instances_info)(hypervisors, params)
    answers = {uuid: reply.value for uuid, reply in replies.items() if not reply.failed}
    return sorted_out(homes, nodes, answers)


def sorted_out(
    homes: Mapping[str, str], nodes: set[str], answers: Mapping[str, Mapping[str, Info]]
) -> Running:
    """`homes`: the primary node by instance name; `answers`: what runs, by node."""
    at_home: dict[str, Info] = {}
    elsewhere: dict[str, Info] = {}
    for node, found in answers.items():
        for name, info in found.items():
            if name in homes:
                (at_home if homes[name] == node else elsewhere)[name] = info
    return Running(frozenset(nodes - answers.keys()), at_home, elsewhere)


# Getters; they are used only where `live` is there.


def _live(view: InstanceView) -> Running:
    assert view.live is not None
    return view.live


def _info(instance: Instance, view: InstanceView) -> Any:
    """The node's information, NO_DATA if the node is silent, None if the instance does not run."""
    live = _live(view)
    if instance.primary_node in live.silent:
        return NO_DATA
    return live.at_home.get(instance.name) or live.elsewhere.get(instance.name)


def memory(instance: Instance, view: InstanceView) -> Any:
    info = _info(instance, view)
    return info.get("memory") if isinstance(info, Mapping) else info


def vcpus(instance: Instance, view: InstanceView) -> Any:
    info = _info(instance, view)
    return info.get("vcpus") if isinstance(info, Mapping) else info


def runs(instance: Instance, view: InstanceView) -> Any:
    info = _info(instance, view)
    return info if info is NO_DATA else bool(info)


def console(instance: Instance, view: InstanceView) -> Any:
    """Only an instance that runs has one."""
    if not isinstance(_info(instance, view), Mapping):
        return None
    return consoles.console(view.cfg, view.paths, instance)


def status(instance: Instance, view: InstanceView) -> str:
    """What it should do and does, in one word."""
    live = _live(view)
    node = view.cfg.nodes.get(instance.primary_node)
    if node is not None and node.offline:
        return "ERROR_nodeoffline"
    if instance.primary_node in live.silent:
        return "ERROR_nodedown"
    if instance.name in live.elsewhere:
        return "ERROR_wrongnode"
    info = live.at_home.get(instance.name)
    if info is None:
        return _status_at_rest(instance)
    if info.get("state") == SHUT_DOWN:
        return _status_shut_down(instance, view.cfg)
    return "running" if instance.admin_state == "up" else "ERROR_up"


def _status_at_rest(instance: Instance) -> str:
    if instance.admin_state == "up":
        return "ERROR_down"
    if instance.admin_state == "offline":
        return "ADMIN_offline"
    return "USER_down" if instance.admin_state_source == "user" else "ADMIN_down"


def _status_shut_down(instance: Instance, cfg: Config) -> str:
    """The guest is there, but was shut down from inside."""
    if instance.admin_state != "up":
        return "ADMIN_down"
    return "USER_down" if allows_user_shutdown(instance, cfg) else "ERROR_down"


def allows_user_shutdown(instance: Instance, cfg: Config) -> bool:
    """Whether users of the guest may shut it down; where the hypervisor has a say it must agree."""
    return cfg.cluster.enabled_user_shutdown and bool(
        cfg.hvparams(instance).get("user_shutdown", True)
    )
