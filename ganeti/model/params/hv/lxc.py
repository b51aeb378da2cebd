# SPDX-License-Identifier: GPL-2.0-or-later
"""Parameters of LXC containers."""

from __future__ import annotations

from ganeti.model.params.declare import param
from ganeti.model.params.hv.base import CpuMask, HvParams
from ganeti.schema.types import NonNegative

DEVICES = (
    "c 1:3 rw,c 1:5 rw,c 1:7 rw,c 1:8 rw,c 1:9 rw,c 1:10 rw,c 5:0 rw,c 5:1 rw,c 5:2 rw,c 136:* rw"
)


class LxcParams(HvParams, hypervisor="lxc"):
    cpu_mask: CpuMask = param("CPUs the container may use", default="")
    devices: str = param("Devices the container may use", default=DEVICES)
    drop_capabilities: str = param(
        "Capabilities the container loses",
        default="mac_override,sys_boot,sys_module,sys_time,sys_admin",
    )
    extra_cgroups: str = param("More cgroup subsystems to mount", default="")
    extra_config: str = param("More lines of the configuration", default="")
    num_ttys: NonNegative = param("Terminals of the container", default=6)
    startup_timeout: NonNegative = param("Seconds a start may take", default=30)
