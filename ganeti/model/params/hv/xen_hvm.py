# SPDX-License-Identifier: GPL-2.0-or-later
"""Parameters of Xen guests with hardware virtualization."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, ClassVar, Literal

from ganeti.model.params.declare import IS_FILE, OptionalPath, Path, param
from ganeti.model.params.hv.base import CpuMasks, HvParams, MigrationMode, Port, RebootBehavior
from ganeti.schema.types import Check


def _is_ipv4(value: str) -> bool:
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        return False
    return True


BootOrder = Annotated[
    str, Check(lambda v: re.fullmatch("[acdn]+", v) is not None, "letters of a, c, d, n")
]
OptionalIPv4 = Annotated[str, Check(lambda v: v == "" or _is_ipv4(v), "empty or an IPv4 address")]
Weight = Annotated[int, Check(lambda v: 1 <= v <= 65534, "a weight from 1 to 65534")]


class XenHvmParams(HvParams, hypervisor="xen-hvm"):
    can_migrate: ClassVar[bool] = True
    needs_port: ClassVar[bool] = True

    acpi: bool = param("ACPI in the guest", default=True, title="ACPI")
    blockdev_prefix: str = param("First letters of the disks' names in the guest", default="hd")
    boot_order: BootOrder = param(
        "Floppy a, disk c, CD d, network n, in order", default="cd", title="Boot_order"
    )
    cdrom_image_path: OptionalPath = param(
        "Image of the CD", default="", title="CDROM_image_path", on_node=IS_FILE
    )
    cpu_cap: int = param("CPU time at most, in percent of a CPU; 0: any", default=0)
    cpu_mask: CpuMasks = param("CPUs the guest may run on", default="all")
    cpu_weight: Weight = param("Share of the CPUs under contention", default=256)
    cpuid: str = param("What the guest sees of the CPU", default="")
    device_model: Path = param(
        "Program that emulates the devices", default="/usr/lib/xen/bin/qemu-dm", on_node=IS_FILE
    )
    disk_type: Literal["ioemu", "paravirtual"] = param(
        "How the guest sees the disks", default="paravirtual", title="Disk_type"
    )
    kernel_path: Path = param(
        "Loader of the guest",
        default="/usr/lib/xen/boot/hvmloader",
        title="Kernel_path",
        on_node=IS_FILE,
    )
    migration_mode: MigrationMode = param(
        "How a migration is done by default", default="non-live", cluster_only=True
    )
    migration_port: Port = param("TCP port for migrations", default=8002, cluster_only=True)
    nic_type: Literal["e1000", "ne2k_isa", "ne2k_pci", "paravirtual", "rtl8139"] = param(
        "Model of the interfaces", default="rtl8139", title="NIC_type"
    )
    pae: bool = param("PAE in the guest", default=True, title="PAE")
    pci_pass: str = param("PCI devices handed to the guest, by ';'", default="", title="pci_pass")
    reboot_behavior: RebootBehavior = param("What a reboot of the guest does", default="reboot")
    soundhw: str = param("Sound card", default="")
    use_localtime: bool = param("The clock starts with local time", default=False)
    vif_script: OptionalPath = param(
        "Script that connects the interfaces", default="", on_node=IS_FILE
    )
    vif_type: Literal["", "ioemu", "vif"] = param("Kind of the interfaces", default="ioemu")
    viridian: bool = param("Hyper-V enlightenments", default=False)
    vnc_bind_address: OptionalIPv4 = param(
        "Where the VNC console listens", default="0.0.0.0", title="VNC_bind_address"
    )
    vnc_password_file: Path = param(
        "File with the password of the console",
        default="/etc/ganeti/vnc-cluster-password",
        on_node=IS_FILE,
    )
    xen_cmd: Literal["xl", "xm"] = param("Xen's command", default="xm", cluster_only=True)
