# SPDX-License-Identifier: GPL-2.0-or-later
"""After a migration that broke off: find out where the instance runs and set things right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ganeti.contracts.node.instance import InstanceCalls
from ganeti.errors import GenericError, OpExecError
from ganeti.master.units.instance.moving import MovingUnit

if TYPE_CHECKING:
    from ganeti.model.node import Node

Unit = MovingUnit[Any]


def names_in_flight(name: str) -> frozenset[str]:
    """Under which names hypervisors may show an instance during a migration."""
    return frozenset({name, f"migrating-{name}", f"{name}--incoming", f"{name}--migratedaway"})


def found_on(name: str, lists: Mapping[str, list[str]]) -> list[str]:
    """UUIDs of the nodes that run the instance under one of its names."""
    return [uuid for uuid, running in lists.items() if names_in_flight(name).intersection(running)]


def clean_up(unit: Unit) -> None:
    """Raises OpExecError where only the administrator can decide."""
    source, target = unit.primary, unit.target
    unit.log.step("looking where the instance runs")
    places = _places(unit)
    if {source.uuid, target.uuid} <= set(places):
        _abort(unit, source, target)
        places = _places(unit)
    winner = _winner(unit, places, source, target)
    if winner.uuid != source.uuid:
        unit.log.step(f"the instance runs on {winner.name}: writing that down")
        unit.make_primary(winner)
    loser = source if winner.uuid == target.uuid else target
    unit.log.step(f"closing the disks on {loser.name}")
    if loser.uuid != winner.uuid:
        unit.close_disks(loser)
    unit.open_disks(winner, exclusive=True)


def _places(unit: Unit) -> list[str]:
    hypervisor = unit.instance.hypervisor
    params = {hypervisor: unit.cfg.cluster_hvparams(hypervisor)}
    nodes = [node.uuid for node in unit.cfg.online_nodes()]
    replies = unit.rpc.all(nodes, InstanceCalls.instance_list)([hypervisor], params)
    for uuid, reply in replies.items():
        if reply.failed:
            name = unit.cfg.nodes[uuid].name
            raise OpExecError(f"node {name} does not tell what it runs: {reply.error}")
    lists = {uuid: list(reply.value) for uuid, reply in replies.items()}
    return found_on(unit.instance.name, lists)


def _abort(unit: Unit, source: Node, target: Node) -> None:
    """Both nodes have it: the migration is still going on or hangs."""
    unit.log.step("the instance is on both nodes: ending the migration")
    try:
        unit.rpc.one(target.uuid, InstanceCalls.instance_finalize_migration_dst)(
            unit.cfg.for_node(unit.instance, target.uuid), None, False
        )
        unit.rpc.one(source.uuid, InstanceCalls.instance_finalize_migration_src)(
            unit.cfg.for_node(unit.instance, source.uuid), False, True
        )
    except GenericError as err:
        unit.log.warning(f"the migration could not be ended in order: {err}")


def _winner(unit: Unit, places: list[str], source: Node, target: Node) -> Node:
    """The one node that runs the instance."""
    name = unit.instance.name
    if {source.uuid, target.uuid} <= set(places):
        raise OpExecError(
            f"instance {name} still runs on {source.name} and {target.name};"
            " end it by hand on the wrong one and run this again"
        )
    for node in (source, target):
        if node.uuid in places:
            return node
    if len(places) == 1:
        return unit.cfg.nodes[places[0]]
    raise OpExecError(
        f"instance {name} runs on no node; use 'gnt-instance shutdown' and 'gnt-instance startup'"
        if not places
        else f"instance {name} runs on several nodes; end it by hand on the wrong ones"
    )
