# SPDX-License-Identifier: GPL-2.0-or-later
"""After a migration that broke off: find out where the instance runs and set things right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ganeti.contracts.node.instance import InstanceCalls
from ganeti.errors import GenericError, OpExecError
from ganeti.master.units.instance.moving import MovingUnit

if TYPE_CHECKING:
    from ganeti.model.node import Node

Unit = MovingUnit[Any]

ARRIVED, STILL_NEEDED = "completed", "postcopy-active"


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
    if sorted(places) == sorted([source.uuid, target.uuid]):
        _end(unit, source, target)
        places = _places(unit)
    winner = _winner(unit, places)
    if winner.uuid != source.uuid:
        unit.log.step(f"the instance runs on {winner.name}: writing that down")
        unit.make_primary(winner)
    losers = {node.uuid: node for node in (source, target) if node.uuid != winner.uuid}
    unit.leave_disks_to(winner, losers.values())


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


def _end(unit: Unit, source: Node, target: Node) -> None:
    """Both nodes have it: forward if all memory has gone over, for then it runs on the target."""
    status = unit.rpc.one(source.uuid, InstanceCalls.instance_get_migration_status)(
        unit.cfg.for_node(unit.instance, source.uuid)
    )["status"]
    if status == STILL_NEEDED:
        raise OpExecError(
            f"instance {unit.instance.name} runs on {target.name} and still gets memory from"
            f" {source.name}; run this again when that is over"
        )
    arrived = status == ARRIVED
    unit.log.step(
        f"the instance is on both nodes: {'finishing' if arrived else 'ending'} the migration"
    )
    steps: list[Callable[[], None]] = [
        lambda: unit.end_on_target(target, success=arrived),
        lambda: unit.end_on_source(source, success=arrived),
    ]
    try:
        for step in reversed(steps) if arrived else steps:
            step()
    except GenericError as err:
        unit.log.warning(f"the migration could not be ended in order: {err}")


def _winner(unit: Unit, places: list[str]) -> Node:
    """The one node that runs the instance."""
    name = unit.instance.name
    nodes = [unit.cfg.nodes[uuid] for uuid in places]
    if not nodes:
        raise OpExecError(
            f"instance {name} runs on no node;"
            " use 'gnt-instance shutdown' and 'gnt-instance startup'"
        )
    if len(nodes) > 1:
        raise OpExecError(
            f"instance {name} runs on {' and '.join(node.name for node in nodes)};"
            " end it by hand on the wrong one and run this again"
        )
    return nodes[0]
