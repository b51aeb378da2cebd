# SPDX-License-Identifier: GPL-2.0-or-later
"""The full check of a configuration. Pure functions: a configuration in, findings as texts out."""

from __future__ import annotations

import re
import typing
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

from ganeti.errors import GenericError
from ganeti.model import index, ipolicy, pool
from ganeti.model.config import Config
from ganeti.model.index import Claim
from ganeti.model.instance import Instance
from ganeti.model.node import Node
from ganeti.model.params import be, disk, nd, nic
from ganeti.model.params.hv import registry
from ganeti.model.params.nd import NdParams
from ganeti.model.ports import FIRST_PORT, LAST_PORT
from ganeti.model.templates import TEMPLATES

UUID = re.compile(r"[a-f0-9]{8}(-[a-f0-9]{4}){3}-[a-f0-9]{12}")

Findings = Iterator[str]


def problems(cfg: Config) -> list[str]:
    """Everything that is wrong with the configuration; empty if it is sound."""
    return [text for check in _CHECKS for text in check(cfg)]


def _claims(cfg: Config) -> Findings:
    """Names, addresses, ports, minors and the like have one owner each."""
    owners: dict[tuple[Claim, Hashable], str] = {}
    for entry in cfg.entries():
        for claim in index.claims(entry):
            owner = owners.setdefault(claim, entry.uuid)
            if owner != entry.uuid:
                yield f"{claim[0]} {claim[1]} belongs to both {owner} and {entry.uuid}"
    for instance in cfg.instances.values():
        macs = Counter(item.mac.lower() for item in instance.nics)
        twice = [mac for mac, count in macs.items() if count > 1]
        yield from (f"instance {instance.name} has MAC address {mac} twice" for mac in twice)


def _uuids(cfg: Config) -> Findings:
    counted = Counter(entry.uuid for entry in cfg.entries())
    counted.update(item.uuid for i in cfg.instances.values() for item in i.nics if item.uuid)
    yield from (
        f"UUID {uuid} is there {count} times" for uuid, count in counted.items() if count > 1
    )


def _references(cfg: Config) -> Findings:
    for entry in cfg.entries():
        for kind, target in index.references(entry):
            if target not in cfg.section_of(index.TARGETS[kind]):
                yield f"{kind} of {entry!r}: there is no object {target}"


def _cluster(cfg: Config) -> Findings:
    cluster = cfg.cluster
    if not cluster.enabled_hypervisors:
        yield "no hypervisor is enabled"
    unknown = [name for name in cluster.enabled_hypervisors if name not in registry.names()]
    yield from (f"unknown hypervisor {name} is enabled" for name in unknown)
    unknown = [name for name in cluster.enabled_disk_templates if name not in TEMPLATES]
    yield from (f"unknown disk template {name} is enabled" for name in unknown)
    for name, own in cluster.hvparams.items():
        if name in registry.names():
            yield from _failure("the cluster's", registry.typed, name, own, cluster=True)
    for template, own in cluster.diskparams.items():
        yield from _failure("the cluster's", disk.typed, template, own)
    yield from _failure("the cluster's", be.typed, cluster.beparams.get("default", {}))
    yield from _failure("the cluster's", nic.typed, cluster.nicparams.get("default", {}))
    yield from _failure("the cluster's", nd.typed, cluster.ndparams)
    yield from _failure("the cluster's", ipolicy.check, cluster.ipolicy)


def _failure(whose: str, check: Callable[..., Any], *args: Any, **kwargs: Any) -> Findings:
    """What the check raises, as a finding."""
    try:
        check(*args, **kwargs)
    except GenericError as err:
        yield f"{whose} parameters: {err}"


def _groups(cfg: Config) -> Findings:
    for group in cfg.groups.values():
        whose = f"group {group.name}'s"
        if UUID.fullmatch(group.name):
            yield f"the name of group {group.name} looks like a UUID"
        yield from _failure(whose, nd.typed, group.ndparams)
        for template, own in group.diskparams.items():
            yield from _failure(whose, disk.typed, template, own)
        for connection in group.networks.values():
            yield from _failure(whose, nic.typed, connection)
        yield from _failure(whose, ipolicy.check, group.ipolicy, group=True)


def _nodes(cfg: Config) -> Findings:
    for node in cfg.nodes.values():
        flags = ("master_candidate", "drained", "offline")
        roles = [flag for flag in flags if getattr(node, flag)]
        if len(roles) > 1:
            yield f"node {node.name} is {' and '.join(roles)} at the same time"
        yield from _failure(f"node {node.name}'s", nd.typed, node.ndparams)
        for name in sorted(NdParams.cluster_only() & node.ndparams.keys()):
            yield f"node {node.name} has the parameter {name}, which is for groups and the cluster"


def _candidates(cfg: Config) -> Findings:
    master = cfg.nodes.get(cfg.cluster.master_node)
    if master is not None and not master.master_candidate:
        yield f"the master {master.name} is no master candidate"
    possible = [node for node in cfg.nodes.values() if _can_be_candidate(node)]
    wanted = min(cfg.cluster.candidate_pool_size, len(possible))
    if len(cfg.candidates()) < wanted:
        yield f"there are {len(cfg.candidates())} master candidates, there should be {wanted}"


def _can_be_candidate(node: Node) -> bool:
    return node.master_capable and not node.offline and not node.drained


def _instances(cfg: Config) -> Findings:
    for instance in cfg.instances.values():
        if not instance.forthcoming:
            yield from _instance(cfg, instance)


def _instance(cfg: Config, instance: Instance) -> Findings:
    whose = f"instance {instance.name}'s"
    if instance.hypervisor not in cfg.cluster.enabled_hypervisors:
        yield f"{whose} hypervisor {instance.hypervisor} is not enabled"
    if instance.hypervisor in registry.names():
        yield from _failure(whose, registry.typed, instance.hypervisor, instance.hvparams)
    yield from _failure(whose, be.typed, instance.beparams)
    for number, item in enumerate(instance.nics):
        yield from _failure(f"{whose} NIC {number}:", nic.typed, item.nicparams)
    known = [cfg.disks[uuid] for uuid in instance.disks if uuid in cfg.disks]
    for number, device in enumerate(known):
        if device.iv_name != f"disk/{number}":
            yield f"{whose} disk {number} is named {device.iv_name}, not disk/{number}"


def _disks(cfg: Config) -> Findings:
    for item in cfg.disks.values():
        if item.dev_type not in TEMPLATES:
            yield f"disk {item.uuid} is of the unknown template {item.dev_type}"
        elif item.drbd and {item.drbd.node_a, item.drbd.node_b} != set(item.nodes):
            yield f"disk {item.uuid} is replicated between other nodes than it says to be on"


def _ports(cfg: Config) -> Findings:
    used = [port for port in cfg.index.owned(Claim.PORT) if isinstance(port, int)]
    highest = cfg.cluster.highest_used_port
    if used and max(used) > highest:
        yield f"TCP port {max(used)} is used, but the highest should be {highest}"
    free = Counter(cfg.cluster.tcpudp_port_pool)
    yield from (f"TCP port {p} is twice in the free pool" for p, n in free.items() if n > 1)
    yield from (f"TCP port {p} is used and in the free pool" for p in sorted(free.keys() & used))
    outside = [p for p in (*free, *used) if not FIRST_PORT <= p <= LAST_PORT]
    yield from (f"TCP port {p} is not from {FIRST_PORT} to {LAST_PORT}" for p in sorted(outside))


def _addresses(cfg: Config) -> Findings:
    """An address is used once on a link. (Once in a network: that is a claim.)"""
    owners: dict[tuple[str, ...], str] = {}
    for instance in cfg.instances.values():
        for item in instance.nics:
            if not item.ip or item.network:
                continue
            filled = cfg.nicparams(item)
            place = (filled["mode"], filled["link"], filled["vlan"])
            owner = owners.setdefault((*place, item.ip), instance.name)
            if owner != instance.name:
                where = " ".join(filter(None, place))
                yield f"address {item.ip} ({where}) belongs to both {owner} and {instance.name}"


def _pools(cfg: Config) -> Findings:
    """What instances use of a network is marked in it."""
    for key, uuid in cfg.index.owned(Claim.ADDRESS).items():
        network_uuid, address = typing.cast(tuple[str, str], key)
        network = cfg.networks.get(network_uuid)
        if network is None or not pool.contains(network, address):
            continue
        if not pool.is_used(network, address):
            name = cfg.instances[uuid].name
            yield f"instance {name} uses {address} of network {network.name}, which is marked free"


_CHECKS: Iterable[Callable[[Config], Findings]] = (
    _claims,
    _uuids,
    _references,
    _cluster,
    _groups,
    _nodes,
    _candidates,
    _instances,
    _disks,
    _ports,
    _addresses,
    _pools,
)
