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
Params = Mapping[str, Any]


def checked(
    unit: Unit, instance: Instance, hvparams: Params, beparams: Params
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The hypervisor and backend parameters in their types; raises for what does not fit."""
    own_hv = registry.typed(instance.hypervisor, hvparams)
    own_be = be.without_defaults(be.typed(beparams))
    if own_be:
        be.check({**unit.cfg.beparams(instance), **own_be})
    if own_hv:
        filled = {**unit.cfg.hvparams(instance), **own_hv}
        registry.check_syntax(instance.hypervisor, filled)
        check_on_nodes(unit, [instance.primary_node], instance.hypervisor, filled)
    return own_hv, own_be


def check_on_nodes(unit: Unit, nodes: Iterable[str], hypervisor: str, filled: Params) -> None:
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
