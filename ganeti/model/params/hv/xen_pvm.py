# SPDX-License-Identifier: GPL-2.0-or-later
"""Parameters of paravirtual Xen guests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from ganeti.model.params.declare import IS_FILE, OptionalPath, Path, param
from ganeti.model.params.hv.base import CpuMasks, HvParams, MigrationMode, Port, RebootBehavior
from ganeti.schema.types import Check, NonNegative

Weight = Annotated[int, Check(lambda v: 1 <= v <= 65535, "a weight from 1 to 65535")]


class XenPvmParams(HvParams, hypervisor="xen-pvm"):
    can_migrate: ClassVar[bool] = True

    blockdev_prefix: str = param("First letters of the disks' names in the guest", default="sd")
    bootloader_args: str = param("Arguments of the boot loader", default="")
    bootloader_path: OptionalPath = param("Boot loader on the node", default="", on_node=IS_FILE)
    cpu_cap: NonNegative = param("CPU time at most, in percent of a CPU; 0: any", default=0)
    cpu_mask: CpuMasks = param("CPUs the guest may run on", default="all")
    cpu_weight: Weight = param("Share of the CPUs under contention", default=256)
    cpuid: str = param("What the guest sees of the CPU", default="")
    initrd_path: OptionalPath = param(
        "Initial RAM disk on the node", default="", title="Initrd_path", on_node=IS_FILE
    )
    kernel_args: str = param("Arguments of the kernel", default="ro")
    kernel_path: Path = param(
        "Kernel on the node", default="/boot/vmlinuz-3-xenU", title="Kernel_path", on_node=IS_FILE
    )
    migration_mode: MigrationMode = param(
        "How a migration is done by default", default="live", cluster_only=True
    )
    migration_port: Port = param("TCP port for migrations", default=8002, cluster_only=True)
    reboot_behavior: RebootBehavior = param("What a reboot of the guest does", default="reboot")
    root_path: str | None = param("Root file system in the guest", default="/dev/xvda1")
    soundhw: str = param("Sound card", default="")
    use_bootloader: bool = param("Boot by a boot loader, without a kernel", default=False)
    vif_script: OptionalPath = param(
        "Script that connects the interfaces", default="", on_node=IS_FILE
    )
    xen_cmd: Literal["xl", "xm"] = param("Xen's command", default="xm", cluster_only=True)

    @classmethod
    def together(cls, filled: Mapping[str, Any]) -> Iterator[str]:
        if filled["use_bootloader"] and not filled["bootloader_path"]:
            yield "use_bootloader needs bootloader_path"
