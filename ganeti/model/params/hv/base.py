# SPDX-License-Identifier: GPL-2.0-or-later
"""What the declarations of all hypervisors have in common.

Filled cluster < OS (``os_hvp``) < instance. The cluster-only ones are taken out of instances.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from ganeti.model.params.declare import ParamSet
from ganeti.schema.types import Check


class HvParams(ParamSet):
    """Base of all; ``class KvmParams(HvParams, hypervisor="kvm")`` declares those of one."""

    HYPERVISORS: ClassVar[dict[str, type[HvParams]]] = {}
    can_migrate: ClassVar[bool] = False
    needs_port: ClassVar[bool] = False
    """An instance gets a TCP port for its console."""

    def __init_subclass__(cls, *, hypervisor: str) -> None:
        super().__init_subclass__()
        cls.WHAT = f"parameter of hypervisor {hypervisor}"
        HvParams.HYPERVISORS[hypervisor] = cls


_CPUS = r"\d+(-\d+)?(,\d+(-\d+)?)*"


def _is_cpu_mask(value: str) -> bool:
    return re.fullmatch(f"all|{_CPUS}", value) is not None


CpuMasks = Annotated[
    str,
    Check(
        lambda v: v == "" or all(map(_is_cpu_mask, v.split(":"))),
        "empty or CPU lists like 0,2-4 or 'all', separated by ':'",
    ),
]
CpuMask = Annotated[
    str, Check(lambda v: v == "" or _is_cpu_mask(v), "empty or one CPU list like 0,2-4")
]
Port = Annotated[int, Check(lambda v: 1 <= v <= 65534, "a port from 1 to 65534")]
MigrationMode = Literal["live", "non-live"]
RebootBehavior = Literal["reboot", "exit"]
