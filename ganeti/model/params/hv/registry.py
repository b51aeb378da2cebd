# SPDX-License-Identifier: GPL-2.0-or-later
"""Every hypervisor and its parameters, by the hypervisor's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti.errors import HypervisorError, TypeEnforcementError
from ganeti.model.params.declare import DEFAULT
from ganeti.model.params.hv.base import HvParams
from ganeti.model.params.hv.chroot import ChrootParams
from ganeti.model.params.hv.fake import FakeParams
from ganeti.model.params.hv.kvm import KvmParams
from ganeti.model.params.hv.lxc import LxcParams
from ganeti.model.params.hv.xen_hvm import XenHvmParams
from ganeti.model.params.hv.xen_pvm import XenPvmParams

_ALL = (ChrootParams, FakeParams, KvmParams, LxcParams, XenHvmParams, XenPvmParams)
CLUSTER_ONLY = frozenset[str]().union(*(params.cluster_only() for params in _ALL))
"""Parameters that no instance can have of its own, of whichever hypervisor."""


def names() -> list[str]:
    return list(HvParams.HYPERVISORS)


def of(hypervisor: str) -> type[HvParams]:
    """The declarations of a hypervisor; raises TypeEnforcementError for an unknown one."""
    try:
        return HvParams.HYPERVISORS[hypervisor]
    except KeyError:
        known = ", ".join(names())
        raise TypeEnforcementError(f"unknown hypervisor '{hypervisor}' (known: {known})") from None


def typed(
    hypervisor: str,
    values: Mapping[str, Any],
    *,
    cluster: bool = False,
    allow_default: bool = False,
) -> dict[str, Any]:
    """Values in their types; raises TypeEnforcementError.

    `cluster`: they are for the whole cluster, which has parameters that no instance has.
    `allow_default`: the word that takes a value away may stand in their place.
    """
    result = of(hypervisor).typed(values, keep=(DEFAULT,) if allow_default else ())
    if not cluster:
        _check_not_cluster_only(hypervisor, result)
    return result


def _check_not_cluster_only(hypervisor: str, values: Mapping[str, Any]) -> None:
    wrong = sorted(of(hypervisor).cluster_only() & values.keys())
    if wrong:
        raise TypeEnforcementError(
            f"{', '.join(wrong)} can only be set for the whole cluster ('gnt-cluster modify -H')"
        )


def check_syntax(hypervisor: str, filled: Mapping[str, Any]) -> None:
    """What the master can check of filled parameters; raises HypervisorError."""
    problems = of(hypervisor).problems(filled)
    if problems:
        raise HypervisorError(f"hypervisor {hypervisor}: {'; '.join(problems)}")


def check_on_node(hypervisor: str, filled: Mapping[str, Any]) -> None:
    """What only this machine can know of filled parameters; raises HypervisorError."""
    problems = of(hypervisor).problems_on_node(filled)
    if problems:
        raise HypervisorError(f"hypervisor {hypervisor}: {'; '.join(problems)}")


def needs_port(hypervisor: str) -> bool:
    return of(hypervisor).needs_port


def can_migrate(hypervisor: str) -> bool:
    return of(hypervisor).can_migrate


def defaults(hypervisor: str) -> dict[str, Any]:
    return of(hypervisor).defaults()
