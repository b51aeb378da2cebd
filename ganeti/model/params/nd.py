# SPDX-License-Identifier: GPL-2.0-or-later
"""Node parameters. Filled cluster < group < node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from ganeti.errors import Code, OpPrereqError
from ganeti.model.params.declare import DEFAULT, OptionalPath, ParamSet, Port, param
from ganeti.schema.types import Check, Positive

Speed = Annotated[float, Check(lambda v: v > 0, "a number above 0")]


class NdParams(ParamSet):
    WHAT = "node parameter"

    cpu_speed: Speed = param("Speed of the CPUs, relative to other nodes", default=1.0)
    exclusive_storage: bool = param(
        "Disks of different instances share no physical volume",
        default=False,
        title="ExclusiveStorage",
        cluster_only=True,
    )
    oob_program: OptionalPath = param(
        "Program that switches the machine on and off", default="", title="OutOfBandProgram"
    )
    ovs: bool = param("Set Open vSwitch up", default=False, title="OpenvSwitch")
    ovs_link: str | None = param(
        "Interface that connects the switch to the outside", default="", title="OpenvSwitchLink"
    )
    ovs_name: str | None = param("Name of the switch", default="switch1", title="OpenvSwitchName")
    spindle_count: Positive = param("Spindles of the machine", default=1, title="SpindleCount")
    ssh_port: Port = param("Port of the SSH daemon", default=22)


def defaults() -> dict[str, Any]:
    return NdParams.defaults()


def typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values in their types; ``default`` stays."""
    return NdParams.typed(values, keep=(DEFAULT,))


def of_node(given: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """A node's own values with the given ones; `default` takes one away. Raises OpPrereqError."""
    changes = typed(given)
    not_here = sorted(NdParams.cluster_only() & changes.keys())
    if not_here:
        raise OpPrereqError(
            f"{', '.join(not_here)} cannot be set for one node, only for all of them"
            " ('gnt-cluster modify --node-parameters')",
            Code.WRONG_INPUT,
        )
    own = {name: value for name, value in {**old, **changes}.items() if value != DEFAULT}
    check(own)
    return own


def check(values: Mapping[str, Any]) -> None:
    """Raises OpPrereqError for values that make no sense."""
    problems = NdParams.problems(values)
    if problems:
        raise OpPrereqError("; ".join(problems), Code.WRONG_INPUT)
