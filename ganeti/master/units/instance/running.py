# SPDX-License-Identifier: GPL-2.0-or-later
"""Start and stop the guest of an instance; what several units do in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.contracts.node.instance import InstanceCalls
from ganeti.errors import GenericError, OpExecError
from ganeti.master.disks import lifecycle
from ganeti.master.unit import LogicalUnit
from ganeti.model.instance import Instance
from ganeti.rpc.runner import RpcError

Unit = LogicalUnit[Any]


def start(
    unit: Unit,
    instance: Instance,
    *,
    hvparams: Mapping[str, Any] | None = None,
    beparams: Mapping[str, Any] | None = None,
    paused: bool = False,
) -> None:
    """Start the guest on its primary; its disks are up, and go down again if it does not start."""
    carried = unit.cfg.for_node(instance, hvparams=hvparams, beparams=beparams)
    try:
        unit.rpc.one(instance.primary_node, InstanceCalls.instance_start)(
            carried, paused, unit.op.reason
        )
    except GenericError as err:
        if _is_lost(err) and _runs(unit, instance):
            unit.log.info(f"{instance.name} runs, although no answer to its start came")
            return
        lifecycle.deactivate(unit, instance)
        raise OpExecError(f"cannot start instance {instance.name}: {err}") from err


def start_with_disks(unit: Unit, instance: Instance, *, ignore_secondaries: bool) -> None:
    """Bring the disks up, then the guest."""
    lifecycle.activate(unit, instance, ignore_secondaries=ignore_secondaries)
    start(unit, instance)


def stop(unit: Unit, instance: Instance, timeout_s: int) -> None:
    """Ask the guest to stop and end it after the time; raises OpExecError if it still runs."""
    try:
        unit.rpc.one(instance.primary_node, InstanceCalls.instance_shutdown)(
            unit.cfg.for_node(instance), timeout_s, unit.op.reason
        )
    except GenericError as err:
        if _is_lost(err) and not _runs(unit, instance):
            unit.log.info(f"{instance.name} is down, although no answer to its shutdown came")
            return
        raise OpExecError(f"cannot shut down instance {instance.name}: {err}") from err


def _is_lost(error: GenericError) -> bool:
    """The connection died over the call, and what became of the call cannot be asked any more."""
    return isinstance(error, RpcError) and error.is_lost


def _runs(unit: Unit, instance: Instance) -> bool:
    """What the primary sees; raises OpExecError if it does not answer: then nothing is touched."""
    ask = unit.rpc.one(instance.primary_node, InstanceCalls.instance_info)
    try:
        return bool(ask(instance.name, instance.hypervisor, unit.cfg.hvparams(instance)))
    except RpcError as err:
        raise OpExecError(f"it is not known whether instance {instance.name} runs: {err}") from err
