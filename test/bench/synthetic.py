# SPDX-License-Identifier: GPL-2.0-or-later
"""Configurations of any size for measuring: a cluster of one real node, the rest on paper."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from ganeti.model import configfile, ports
from ganeti.model.config import Config
from ganeti.model.disk import Disk
from ganeti.model.instance import Instance
from ganeti.model.nic import Nic
from ganeti.model.node import Node

INSTANCES_A_NODE = 50
DISK_MIB = 10240


def uuid(kind: str, number: int) -> str:
    """The same for the same words, so that runs can be compared."""
    text = hashlib.sha256(f"{kind}-{number}".encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:32]}"


def grown(data: bytes, instances: int, *, drbd: bool) -> bytes:
    """The file of a one-node cluster with so many instances in it, each with a NIC and, if asked
    for, a DRBD disk. The other nodes are offline, so that nobody calls them."""
    cfg = configfile.load(data)
    count = max(2, instances // INSTANCES_A_NODE)
    nodes = [_node(n, cfg.master.group).replace(offline=True) for n in range(count)]
    places = [cfg.master.uuid, *(node.uuid for node in nodes)]
    return configfile.encode(cfg.changed([*nodes, *_instances(cfg, instances, places, drbd)]))


def cluster_of(data: bytes, instances: int, nodes: int, candidates: int) -> bytes:
    """The file with more nodes, online and in a group of their own, that have all the instances: these
    run and have DRBD disks. SSH is nobody's business."""
    cfg = configfile.load(data)
    group = cfg.groups[cfg.master.group].replace(uuid=uuid("group", 0), name="paper")
    new = [
        _node(n, group.uuid).replace(master_candidate=n < candidates, serial_no=1)
        for n in range(nodes)
    ]
    running = [
        record.replace(admin_state="up", disks_active=True)
        if isinstance(record, Instance)
        else record
        for record in _instances(cfg, instances, [node.uuid for node in new], drbd=True)
    ]
    cluster = cfg.cluster.replace(modify_ssh_setup=False, highest_used_port=ports.LAST_PORT)
    return configfile.encode(cfg.changed([cluster, group, *new, *running]))


def _instances(cfg: Config, count: int, places: list[str], drbd: bool) -> Iterator[Disk | Instance]:
    """Instances one after the other on these nodes, each after its disks."""
    for number in range(count):
        pair = (places[number % len(places)], places[(number + 1) % len(places)])
        disks = [_drbd(number, pair)] if drbd else []
        yield from disks
        yield _instance(cfg, number, pair[0], disks)


def _node(number: int, group: str) -> Node:
    return Node(
        uuid=uuid("node", number),
        name=f"paper{number}.lab",
        primary_ip=f"10.200.{number // 250}.{number % 250 + 1}",
        secondary_ip=f"10.201.{number // 250}.{number % 250 + 1}",
        master_candidate=False,
        offline=False,
        drained=False,
        group=group,
        serial_no=1,
    )


def _instance(cfg: Config, number: int, node: str, disks: list[Disk]) -> Instance:
    digits = f"{number:06x}"
    nic = Nic(
        uuid=uuid("nic", number),
        mac=f"aa:00:01:{digits[:2]}:{digits[2:4]}:{digits[4:]}",
        nicparams={},
    )
    return Instance(
        uuid=uuid("instance", number),
        name=f"inst{number}.lab",
        primary_node=node,
        os="noop",
        hypervisor=cfg.cluster.enabled_hypervisors[0],
        admin_state="down",
        nics=(nic,),
        disks=tuple(disk.uuid for disk in disks),
        serial_no=1,
    )


def _drbd(number: int, pair: tuple[str, str]) -> Disk:
    def volume(kind: str, size: int) -> Disk:
        name = f"{uuid(kind, number)}.disk0_{kind}"
        return Disk(
            uuid=uuid(f"{kind}-disk", number),
            dev_type="plain",
            logical_id=("xenvg", name),
            size=size,
            nodes=pair,
        )

    port = ports.FIRST_PORT + number  # there are not enough of them
    secret = hashlib.sha256(str(number).encode()).hexdigest()[:40]
    return Disk(
        uuid=uuid("disk", number),
        dev_type="drbd",
        logical_id=(*pair, port if port <= ports.LAST_PORT else None, number, number, secret),
        size=DISK_MIB,
        nodes=pair,
        iv_name="disk/0",
        children=(volume("data", DISK_MIB), volume("meta", 128)),
    )
