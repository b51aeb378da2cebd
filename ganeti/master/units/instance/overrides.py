# SPDX-License-Identifier: GPL-2.0-or-later
"""Parameters given for one start: types, syntax and what the node itself must confirm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ganeti.contracts.node.instance import InstanceCalls
from ganeti.errors import OpExecError
from ganeti.master.unit import LogicalUnit
from ganeti.model.instance import Instance
from ganeti.model.params import be
from ganeti.model.params.hv import registry

Unit = LogicalUnit[Any]


def check(
    unit: Unit, instance: Instance, hvparams: dict[str, Any], beparams: dict[str, Any]
) -> None:
    """Check overrides and put typed values in their place; raises what fits."""
    if beparams:
        beparams.update(be.typed(beparams))
    if hvparams:
        hvparams.update(registry.typed(instance.hypervisor, hvparams))
        filled = {**unit.cfg.hvparams(instance), **hvparams}
        registry.check_syntax(instance.hypervisor, filled)
        check_on_nodes(unit, [instance.primary_node], instance.hypervisor, filled)


def check_on_nodes(
    unit: Unit, nodes: Iterable[str], hypervisor: str, filled: Mapping[str, Any]
) -> None:
    """The nodes look whether files, users and the like that parameters name are there."""
    online = [n for n in nodes if not unit.cfg.nodes[n].offline]
    replies = unit.rpc.all(online, InstanceCalls.hypervisor_validate_params)(
        hypervisor, dict(filled)
    )
    for node, reply in replies.items():
        if reply.failed:
            raise OpExecError(
                f"node {unit.cfg.nodes[node].name} refuses the parameters of {hypervisor}:"
                f" {reply.error}"
            )
