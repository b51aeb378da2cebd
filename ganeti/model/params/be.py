# SPDX-License-Identifier: GPL-2.0-or-later
"""Backend parameters: what a guest gets of its node. Filled cluster < instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ganeti.errors import Code, OpPrereqError
from ganeti.model.params.declare import DEFAULT, ParamSet, Size, param
from ganeti.schema.types import NonNegative, Positive

MEMORY = "memory"
"""Older word that sets both bounds of the memory."""


class BeParams(ParamSet):
    WHAT = "backend parameter"

    always_failover: bool = param("Fail over instead of migrating", default=False)
    auto_balance: bool = param(
        "Counted when spare memory is checked, moved by the balancer",
        default=True,
        title="Auto_balance",
    )
    maxmem: Size = param("Memory at most, in MiB", default=128, title="ConfigMaxMem")
    minmem: Size = param("Memory at least, in MiB", default=128, title="ConfigMinMem")
    spindle_use: NonNegative = param("Spindles that it keeps busy", default=1)
    vcpus: Positive = param("Virtual CPUs", default=1, title="ConfigVCPUs")

    @classmethod
    def together(cls, filled: Mapping[str, Any]) -> Iterator[str]:
        if filled["minmem"] > filled["maxmem"]:
            yield (
                f"minmem ({filled['minmem']} MiB) is larger than maxmem ({filled['maxmem']} MiB)"
            )


def defaults() -> dict[str, Any]:
    return BeParams.defaults()


def typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values in their types; ``default`` stays, `memory` becomes both bounds."""
    both = {bound: values[MEMORY] for bound in ("minmem", "maxmem") if MEMORY in values}
    given = {**both, **{name: value for name, value in values.items() if name != MEMORY}}
    return BeParams.typed(given, keep=(DEFAULT,))


def without_defaults(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes that set a value."""
    return {name: value for name, value in changes.items() if value != DEFAULT}


def reset(changes: Mapping[str, Any]) -> list[str]:
    """The names whose own value goes away."""
    return [name for name, value in changes.items() if value == DEFAULT]


def check(filled: Mapping[str, Any]) -> None:
    """Raises OpPrereqError for values that make no sense."""
    problems = BeParams.problems(filled)
    if problems:
        raise OpPrereqError("; ".join(problems), Code.WRONG_INPUT)
