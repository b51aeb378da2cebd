# SPDX-License-Identifier: GPL-2.0-or-later
"""What joining, leaving and changing roles have in common: addresses, certificates, SSH keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ganeti.contracts.node.ssh import SshCalls
from ganeti.contracts.node.system import SystemCalls
from ganeti.errors import Code, GenericError, OpExecError, OpPrereqError
from ganeti.master.unit import LogicalUnit
from ganeti.model import homing
from ganeti.model.cluster import Cluster
from ganeti.model.config import Config
from ganeti.model.homing import Addresses
from ganeti.model.node import Node
from ganeti.model.params import nd, state
from ganeti.opcodes.node import OpNodeAdd, OpNodeSetParams
from ganeti.rpc import nodes

Unit = LogicalUnit[Any]
CONFD = "ganeti-confd"


def check_homing(cfg: Config, primary_ip: str, secondary_ip: str) -> None:
    master = Addresses(cfg.master.primary_ip, cfg.master.secondary_ip)
    homing.check(master, Addresses(primary_ip, secondary_ip))


def check_unique(cfg: Config, own_uuid: str | None, addresses: Iterable[str]) -> None:
    """No other node may have one of the addresses."""
    wanted = set(addresses)
    for node in cfg.nodes.values():
        taken = wanted & {node.primary_ip, node.secondary_ip}
        if taken and node.uuid != own_uuid:
            raise OpPrereqError(
                f"node {node.name} has the address {', '.join(sorted(taken))} already",
                Code.NOT_UNIQUE,
            )


def check_has_address(unit: Unit, node: Node, address: str) -> None:
    try:
        has = unit.rpc.one(nodes.direct(node), SystemCalls.node_has_ip_address)(address)
    except GenericError as err:
        raise OpPrereqError(
            f"node {node.name} does not tell whether it has {address}: {err}", Code.ENVIRONMENT
        ) from err
    if not has:
        raise OpPrereqError(
            f"node {node.name} does not have the address {address}", Code.ENVIRONMENT
        )


def settings(op: OpNodeAdd | OpNodeSetParams, node: Node) -> dict[str, Any]:
    """The attributes that are sets of parameters, as the request wants them."""
    new: dict[str, Any] = {}
    if op.ndparams:
        new["ndparams"] = nd.of_node(op.ndparams, node.ndparams)
    if op.hv_state:
        new["hv_state_static"] = state.hv_state(op.hv_state, node.hv_state_static)
    if op.disk_state:
        new["disk_state_static"] = state.disk_state(op.disk_state, node.disk_state_static)
    return new


def certificate_digest(unit: Unit, node: Node) -> str:
    """The digest of the node's client certificate; raises OpExecError."""
    try:
        tokens = unit.rpc.one(nodes.direct(node), SystemCalls.node_crypto_tokens)(
            [("ssl", "get", None)]
        )
    except GenericError as err:
        raise OpExecError(
            f"node {node.name} does not tell the digest of its certificate: {err}"
        ) from err
    return str(dict(tokens)["ssl"])


def digests(unit: Unit, joining: Iterable[Node]) -> dict[str, str]:
    """Of the certificates of nodes that become candidates, asked before anything is written down:
    a candidate whose certificate is not known could call nobody."""
    return {node.uuid: certificate_digest(unit, node) for node in joining}


def with_certificates(
    cluster: Cluster, joining: Mapping[str, str], leaving: Iterable[str] = ()
) -> Cluster:
    """The cluster that lets the candidates call the nodes which join, and those no more that leave."""
    gone = set(leaving)
    kept = {uuid: digest for uuid, digest in cluster.candidate_certs.items() if uuid not in gone}
    return cluster.replace(candidate_certs={**kept, **joining})


def welcome(unit: Unit, joined: Iterable[str]) -> None:
    """Once it is written down that nodes are candidates: their keys go to all others, and they
    answer questions about the configuration."""
    for uuid in joined:
        node = unit.cfg.nodes[uuid]
        unit.log.info(f"node {node.name} becomes master candidate")
        add_ssh_key(unit, node)
        ensure_confd(unit, node)


def ensure_confd(unit: Unit, node: Node) -> None:
    """It runs on candidates; on others it would have nothing to answer."""
    try:
        unit.rpc.one(node.uuid, SystemCalls.node_ensure_daemon)(CONFD, node.master_candidate)
    except GenericError as err:
        unit.log.warning(f"{CONFD} on node {node.name}: {err}")


def dismiss(unit: Unit, node: Node) -> None:
    """Once it is written down that a node is no candidate: its files and its key go."""
    if not node.offline:
        try:
            unit.rpc.one(node.uuid, SystemCalls.node_demote_from_mc)()
        except GenericError as err:
            unit.log.warning(f"node {node.name} did not give its copies back: {err}")
    remove_ssh_key(unit, node)


def add_ssh_key(unit: Unit, node: Node) -> None:
    """Distribute the node's SSH key, which the master carries out; what fails is warned about."""
    if not unit.cfg.cluster.modify_ssh_setup:
        return
    call = unit.rpc.one(unit.cfg.cluster.master_node, SshCalls.node_ssh_key_add)
    try:
        problems = call(
            node.uuid,
            node.name,
            _possible_candidates(unit.cfg),
            node.master_candidate,
            node.master_capable,
            node.master_capable,
        )
    except GenericError as err:
        unit.log.warning(
            f"the SSH key of node {node.name} was not distributed: {err}",
            hint="use 'gnt-node add --readd' to repeat it",
        )
        return
    _tell(unit, problems)


def remove_ssh_key(unit: Unit, node: Node, *, leaving: bool = False, readd: bool = False) -> None:
    """Take the node's key from the other nodes.

    One that leaves forgets theirs as well, one that cannot become a candidate those it may not use.
    """
    if not unit.cfg.cluster.modify_ssh_setup:
        return
    candidates = [n.uuid for n in unit.cfg.candidates() if n.uuid != node.uuid]
    call = unit.rpc.one(unit.cfg.cluster.master_node, SshCalls.node_ssh_key_remove)
    problems = call(
        node.uuid,
        node.name,
        candidates,
        _possible_candidates(unit.cfg),
        True,
        leaving or readd,
        leaving and not node.offline,
        (leaving or not node.master_capable) and not node.offline,
        readd,
    )
    _tell(unit, problems)


def _possible_candidates(cfg: Config) -> list[str]:
    return [node.name for node in cfg.nodes.values() if node.master_capable]


def _tell(unit: Unit, problems: Iterable[tuple[str, str]]) -> None:
    for name, text in problems:
        unit.log.warning(f"the SSH keys on node {name} were not updated: {text}")


def change_etc_hosts(unit: Unit, action: str, node: Node) -> None:
    """Add or remove the node's line on the master, from where it is distributed."""
    if not unit.cfg.cluster.modify_etc_hosts:
        return
    address = node.primary_ip if action == "add" else None
    try:
        unit.rpc.one(unit.cfg.cluster.master_node, SystemCalls.etc_hosts_modify)(
            action, node.name, address
        )
    except GenericError as err:
        raise OpExecError(f"/etc/hosts of the master could not be changed: {err}") from err
