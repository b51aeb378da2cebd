# SPDX-License-Identifier: GPL-2.0-or-later
"""NIC parameters: how a guest's interface meets the network.

Filled cluster < the group's connection to the NIC's network < NIC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from ganeti.errors import ConfigurationError
from ganeti.model.params.declare import DEFAULT, ParamSet, param

DEFAULT_LINK = "xen-br0"


class NicParams(ParamSet):
    WHAT = "NIC parameter"

    link: str = param("Bridge, switch or routing table", default=DEFAULT_LINK)
    mode: Literal["bridged", "routed", "openvswitch"] = param(
        "How the interface is connected", default="bridged"
    )
    vlan: str = param("VLAN on the switch or bridge", default="")

    @classmethod
    def together(cls, filled: Mapping[str, Any]) -> Iterator[str]:
        if filled["mode"] == "bridged" and not filled["link"]:
            yield "a bridged NIC needs a link: the name of the bridge"


def defaults() -> dict[str, Any]:
    return NicParams.defaults()


def typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values in their types; ``default`` stays."""
    return NicParams.typed(values, keep=(DEFAULT,))


def check(filled: Mapping[str, Any]) -> None:
    """Raises ConfigurationError for values that make no sense."""
    problems = NicParams.problems(filled)
    if problems:
        raise ConfigurationError("; ".join(problems))
