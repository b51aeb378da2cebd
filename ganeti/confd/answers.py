# SPDX-License-Identifier: GPL-2.0-or-later
"""The answers of confd: pure functions of a configuration and a query.

What they look up is indexed, so no answer takes longer in a larger cluster, but for lists that are
longer there. A reply has the serial number of the object it tells of: of a node or an instance, else of
the cluster; ping and errors have 0.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ganeti import version
from ganeti.contracts.confd import (
    ErrorCode,
    MasterField,
    NodeRole,
    Query,
    QueryKey,
    Reply,
    RequestType,
    Status,
)
from ganeti.model.config import Config
from ganeti.model.disk import Disk
from ganeti.model.index import Claim, Reference
from ganeti.model.instance import Instance
from ganeti.model.nic import Nic
from ganeti.model.node import Node
from ganeti.model.root import SECTIONS
from ganeti.schema.record import Record

log = logging.getLogger(__name__)

Links = Mapping[str, Mapping[str, str]]


class Refused(Exception):
    """The query cannot be answered."""

    def __init__(self, code: ErrorCode) -> None:
        super().__init__(code)
        self.code = code


class Facts:
    """A configuration, and what of it has no index yet.

    `links` has for each link the addresses of the instances there, with the primary address of their
    nodes; `document` is what the file has at its top.
    """

    def __init__(self, cfg: Config) -> None:
        self.cfg = cfg
        self.default_link: str = cfg.cluster_nicparams()["link"]
        self.links: Links = _links(cfg)
        sections = {key: getattr(cfg, attribute) for key, (attribute, _) in SECTIONS.items()}
        self.document: Mapping[str, Any] = {**cfg.top, "cluster": cfg.cluster, **sections}

    def node(self, query: Query) -> Node:
        uuid = self.cfg.index.owner(Claim.NODE_NAME, _text(query))
        if uuid is None:
            raise Refused(ErrorCode.UNKNOWN_ENTRY)
        return self.cfg.nodes[uuid]

    def instance(self, query: Query) -> Instance:
        name = _text(query)
        uuid = self.cfg.index.owner(Claim.INSTANCE_NAME, name) or name
        if uuid not in self.cfg.instances:
            raise Refused(ErrorCode.UNKNOWN_ENTRY)
        return self.cfg.instances[uuid]

    def reply(self, answer: Any, about: Node | Instance | None = None) -> Reply:
        return Reply(Status.OK, answer, (about or self.cfg.cluster).serial_no)


def _links(cfg: Config) -> Links:
    links: dict[str, dict[str, str]] = {}
    for instance in cfg.instances.values():
        node = cfg.nodes.get(instance.primary_node)
        for raw in instance.raw().get("nics", ()):
            if node is not None and raw.get("ip"):
                link = cfg.nicparams(Nic.from_raw(raw), node.group)["link"]
                links.setdefault(link, {}).setdefault(raw["ip"], node.primary_ip)
    return links


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Refused(ErrorCode.ARGUMENT)
    return value


def ping(_facts: Facts, _query: Query) -> Reply:
    return Reply(Status.OK, version.CONFIG, 0)


def node_role(facts: Facts, query: Query) -> Reply:
    node = facts.node(query)
    return facts.reply(_role(node, facts.cfg.cluster.master_node))


def _role(node: Node, master: str) -> NodeRole:
    if node.uuid == master:
        return NodeRole.MASTER
    if node.master_candidate:
        return NodeRole.CANDIDATE
    if node.offline:
        return NodeRole.OFFLINE
    return NodeRole.DRAINED if node.drained else NodeRole.REGULAR


def node_of_instance_ip(facts: Facts, query: Query) -> Reply:
    """One address, or for a list of them a list of whole replies in the same order."""
    if not isinstance(query, Mapping):
        raise Refused(ErrorCode.ARGUMENT)
    link = query.get(QueryKey.LINK)
    nodes = facts.links.get(facts.default_link if link is None else _text(link), {})
    one, several = query.get(QueryKey.IP), query.get(QueryKey.IP_LIST)
    if one is None:
        return facts.reply([_node_of(facts, nodes, ip) for ip in _texts(several)])
    if several is not None:
        raise Refused(ErrorCode.ARGUMENT)
    return _node_of(facts, nodes, _text(one))


def _node_of(facts: Facts, nodes: Mapping[str, str], ip: str) -> Reply:
    return facts.reply(nodes[ip]) if ip in nodes else _error(ErrorCode.UNKNOWN_ENTRY)


def _texts(values: Any) -> list[str]:
    """Nothing is an empty list."""
    if not isinstance(values, list | None):
        raise Refused(ErrorCode.ARGUMENT)
    return [_text(value) for value in values or ()]


def cluster_master(facts: Facts, query: Query) -> Reply | None:
    """The name, or the fields that the query lists; to an object that lists none there is no reply."""
    cfg = facts.cfg
    if isinstance(query, Mapping):
        fields = query.get(QueryKey.FIELDS)
        known = {
            MasterField.NAME: cfg.master.name,
            MasterField.IP: cfg.cluster.master_ip,
            MasterField.MASTER_NODE_PRIMARY_IP: cfg.master.primary_ip,
        }
        return facts.reply(_fields(known, fields)) if isinstance(fields, list) else None
    if query:
        raise Refused(ErrorCode.ARGUMENT)
    return facts.reply(cfg.master.name)


def _fields(known: Mapping[MasterField, str], wanted: list[Any]) -> list[str]:
    if not all(type(field) is int and field in known for field in wanted):
        raise Refused(ErrorCode.ARGUMENT)
    return [known[field] for field in wanted]


def node_ips(facts: Facts, _query: Query) -> Reply:
    return facts.reply([node.primary_ip for node in facts.cfg.nodes.values()])


def candidate_ips(facts: Facts, _query: Query) -> Reply:
    return facts.reply([node.primary_ip for node in facts.cfg.candidates()])


def instance_ips(facts: Facts, query: Query) -> Reply:
    link = facts.default_link if query is None else _text(query)
    return facts.reply(list(facts.links.get(link, ())))


def node_drbd(facts: Facts, query: Query) -> Reply:
    """Rows of node, minor, instance, disk, role and peer, by minor."""
    node = facts.node(query)
    disks = facts.cfg.index.referrers(Reference.DISK_NODE, node.uuid)
    rows = [row for uuid in disks for row in _drbd_rows(facts.cfg, facts.cfg.disks[uuid], node)]
    return facts.reply(sorted(rows, key=lambda row: row[1]), node)


def _drbd_rows(cfg: Config, disk: Disk, node: Node) -> Iterator[list[Any]]:
    """One, for a DRBD disk that some instance has."""
    owner, drbd = cfg.owner_of(disk), disk.drbd
    if owner is None or drbd is None:
        return
    instance = cfg.instances[owner]
    is_a = node.uuid == drbd.node_a
    minor, peer = (drbd.minor_a, drbd.node_b) if is_a else (drbd.minor_b, drbd.node_a)
    name = f"disk/{instance.disks.index(disk.uuid)}"
    role = "primary" if node.uuid == instance.primary_node else "secondary"
    yield [node.name, minor, instance.name, name, role, cfg.nodes[peer].name]


def node_instances(facts: Facts, query: Query) -> Reply:
    """The instances that have the node as primary, and those that have it as secondary."""
    node = facts.node(query)
    own, others = facts.cfg.instances_on(node.uuid), facts.cfg.secondaries_on(node.uuid)
    return facts.reply([own, others], node)


def instance_disks(facts: Facts, query: Query) -> Reply:
    instance = facts.instance(query)
    return facts.reply(facts.cfg.disks_of(instance), instance)


def config_value(facts: Facts, query: Query) -> Reply:
    """What a JSON pointer (RFC 6901) points to in the configuration file."""
    start, *words = _text(query).split("/")
    if start or not words:
        raise Refused(ErrorCode.ARGUMENT)
    value: Any = facts.document
    for word in words:
        value = _inside(value, word.replace("~1", "/").replace("~0", "~"))
    return facts.reply(value)


def _inside(value: Any, word: str) -> Any:
    content = value.raw() if isinstance(value, Record) else value
    if isinstance(content, Mapping) and word in content:
        return content[word]
    if isinstance(content, list) and word in map(str, range(len(content))):
        return content[int(word)]
    raise Refused(ErrorCode.ARGUMENT)


def data_collectors(facts: Facts, _query: Query) -> Reply:
    return facts.reply(facts.cfg.cluster.data_collectors)


ANSWERS: dict[RequestType, Callable[[Facts, Query], Reply | None]] = {
    RequestType.PING: ping,
    RequestType.NODE_ROLE_BYNAME: node_role,
    RequestType.NODE_PIP_BY_INSTANCE_IP: node_of_instance_ip,
    RequestType.CLUSTER_MASTER: cluster_master,
    RequestType.NODE_PIP_LIST: node_ips,
    RequestType.MC_PIP_LIST: candidate_ips,
    RequestType.INSTANCES_IPS_LIST: instance_ips,
    RequestType.NODE_DRBD: node_drbd,
    RequestType.NODE_INSTANCES: node_instances,
    RequestType.INSTANCE_DISKS: instance_disks,
    RequestType.CONFIG_QUERY: config_value,
    RequestType.DATA_COLLECTORS: data_collectors,
}


def answer(facts: Facts, kind: RequestType, query: Query) -> str | None:
    """The inner message of the reply to a request; None for one that gets none."""
    try:
        reply = ANSWERS[kind](facts, query)
        return reply.encode() if reply else None
    except Refused as refusal:
        return _error(refusal.code).encode()
    except Exception:  # the rim: whatever is wrong with one object, the others are answered for
        log.exception("%s about %.100r cannot be answered", kind.name, query)
        return _error(ErrorCode.INTERNAL).encode()


def _error(code: ErrorCode) -> Reply:
    return Reply(Status.ERROR, code, 0)
