# SPDX-License-Identifier: GPL-2.0-or-later
"""Parameters of KVM guests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from ganeti.model.params.declare import (
    IS_DIRECTORY,
    IS_FILE,
    IS_FILE_OR_URL,
    OptionalImage,
    OptionalPath,
    Path,
    param,
)
from ganeti.model.params.hv.base import CpuMasks, HvParams, MigrationMode, Port, RebootBehavior
from ganeti.schema.types import Check, NonNegative

SERIAL_SPEEDS = (
    75, 110, 300, 600, 1200, 1800, 2400, 4800, 9600, 14400, 19200, 28800, 38400, 57600, 115200,
    230400, 345600, 460800,
)  # fmt: skip

DiskType = Literal[
    "ide", "mtd", "paravirtual", "pflash", "scsi", "scsi-block", "scsi-cd", "scsi-generic",
    "scsi-hd", "sd",
]  # fmt: skip
CdromType = Literal[
    "", "ide", "mtd", "paravirtual", "pflash", "scsi", "scsi-block", "scsi-cd", "scsi-generic",
    "scsi-hd", "sd",
]  # fmt: skip
NicType = Literal[
    "e1000", "i82551", "i82557b", "i82559er", "ne2k_isa", "ne2k_pci", "paravirtual", "pcnet",
    "rtl8139",
]  # fmt: skip
Compression = Literal["", "auto_glz", "auto_lz", "glz", "lz", "off", "quic"]
WanCompression = Literal["", "always", "auto", "never"]
Slots = Annotated[int, Check(lambda v: 0 <= v <= 32, "a number of slots from 0 to 32")]
Queues = Annotated[int, Check(lambda v: 1 <= v <= 8, "a number of queues from 1 to 8")]


class KvmParams(HvParams, hypervisor="kvm"):
    can_migrate: ClassVar[bool] = True
    needs_port: ClassVar[bool] = True

    acpi: bool = param("ACPI in the guest", default=True, title="ACPI")
    boot_order: Literal["cdrom", "disk", "floppy", "network"] = param(
        "What the guest boots from", default="disk", title="Boot_order"
    )
    cdrom2_image_path: OptionalImage = param(
        "Image of the second CD", default="", on_node=IS_FILE_OR_URL
    )
    cdrom_disk_type: CdromType = param("Interface of the CDs; empty: that of disks", default="")
    cdrom_image_path: OptionalImage = param(
        "Image of the first CD", default="", title="CDROM_image_path", on_node=IS_FILE_OR_URL
    )
    cpu_cores: NonNegative = param("Cores of a CPU; 0: not said", default=0)
    cpu_mask: CpuMasks = param("CPUs the guest, or each of its CPUs, runs on", default="all")
    cpu_sockets: NonNegative = param("Sockets; 0: not said", default=0)
    cpu_threads: NonNegative = param("Threads of a core; 0: not said", default=0)
    cpu_type: str = param("Model of the CPU", default="", title="cpu_type")
    disk_aio: Literal["", "native", "threads"] = param("How disks do I/O", default="threads")
    disk_cache: Literal["default", "none", "writeback", "writethrough"] = param(
        "How disks are cached on the node", default="default"
    )
    disk_discard: Literal["", "default", "ignore", "unmap"] = param(
        "What becomes of discarded blocks", default="default"
    )
    disk_type: DiskType = param("Interface of the disks", default="paravirtual", title="Disk_type")
    floppy_image_path: OptionalPath = param("Image of the floppy", default="", on_node=IS_FILE)
    initrd_path: OptionalPath = param(
        "Initial RAM disk on the node", default="", title="Initrd_path", on_node=IS_FILE
    )
    kernel_args: str = param("Arguments of the kernel", default="ro")
    kernel_path: OptionalPath = param(
        "Kernel on the node; empty boots the disk",
        default="/boot/vmlinuz-3-kvmU",
        title="Kernel_path",
        on_node=IS_FILE,
    )
    keymap: str = param("Keyboard of the VNC console", default="")
    kvm_extra: str = param("More arguments of QEMU", default="")
    kvm_flag: Literal["", "disabled", "enabled"] = param("Hardware virtualization", default="")
    kvm_path: Path = param("QEMU on the node", default="/usr/bin/kvm", on_node=IS_FILE)
    kvm_pci_reservations: Slots = param("PCI slots that are left to QEMU", default=12)
    machine_version: str = param("Machine type; empty: QEMU's default", default="")
    mem_path: OptionalPath = param("Directory of huge pages", default="", on_node=IS_DIRECTORY)
    migration_bandwidth: NonNegative = param(
        "Speed of a migration, MiB/s", default=32, cluster_only=True
    )
    migration_caps: str = param("Capabilities of a migration, by ':'", default="")
    migration_downtime: NonNegative = param("Pause that a migration may take, ms", default=30)
    migration_mode: MigrationMode = param(
        "How a migration is done by default", default="live", cluster_only=True
    )
    migration_port: Port = param("TCP port for migrations", default=8102, cluster_only=True)
    nic_type: NicType = param("Model of the interfaces", default="paravirtual", title="NIC_type")
    reboot_behavior: RebootBehavior = param("What a reboot of the guest does", default="reboot")
    root_path: str | None = param("Root file system in the guest", default="/dev/vda1")
    scsi_controller_type: Literal["lsi", "megasas", "virtio-scsi-pci"] = param(
        "SCSI controller", default="lsi"
    )
    security_domain: str = param("User that runs the guest", default="")
    security_model: Literal["none", "pool", "user"] = param("Who runs the guest", default="none")
    serial_console: bool = param("A serial console", default=True)
    serial_speed: int = param("Speed of the serial console, baud", default=38400)
    soundhw: str = param("Sound cards, by ','", default="")
    spice_bind: str = param("Where the SPICE console listens: address or interface", default="")
    spice_image_compression: Compression = param("Compression of images", default="")
    spice_ip_version: Literal[0, 4, 6] = param("IP version on the interface; 0: any", default=0)
    spice_jpeg_wan_compression: WanCompression = param("JPEG on slow lines", default="")
    spice_password_file: OptionalPath = param(
        "File with the password of SPICE", default="", on_node=IS_FILE
    )
    spice_playback_compression: bool = param("Compression of sound", default=True)
    spice_streaming_video: Literal["", "all", "filter", "off"] = param(
        "What counts as a video", default=""
    )
    spice_tls_ciphers: str = param("Ciphers of SPICE", default="HIGH:-DES:-3DES:-EXPORT:-DH")
    spice_use_tls: bool = param("SPICE with TLS", default=False)
    spice_use_vdagent: bool = param("The SPICE agent", default=True)
    spice_zlib_glz_wan_compression: WanCompression = param("Glz on slow lines", default="")
    usb_devices: str = param("USB devices, by ','", default="")
    usb_mouse: Literal["", "mouse", "tablet"] = param("USB pointer", default="")
    use_chroot: bool = param("QEMU in an empty directory", default=False)
    use_guest_agent: bool = param("A channel for the guest agent", default=False)
    use_localtime: bool = param("The clock starts with local time", default=False)
    user_shutdown: bool = param("The guest may be powered off from inside", default=False)
    vga: str = param("Video card", default="")
    vhost_net: bool = param("Virtio of the interfaces is done by the kernel", default=False)
    virtio_net_queues: Queues = param("Queues of an interface", default=1)
    vnc_bind_address: str = param(
        "Where the VNC console listens: address, interface or directory",
        default="",
        title="VNC_bind_address",
    )
    vnc_password_file: OptionalPath = param(
        "File with the password of VNC", default="", on_node=IS_FILE
    )
    vnc_tls: bool = param("VNC with TLS", default=False)
    vnc_x509_path: OptionalPath = param(
        "Directory of the certificates of VNC", default="", on_node=IS_DIRECTORY
    )
    vnc_x509_verify: bool = param("VNC clients need a certificate", default=False)
    vnet_hdr: bool = param("Offloads on the interfaces", default=True)

    @classmethod
    def together(cls, filled: Mapping[str, Any]) -> Iterator[str]:
        yield from _boot_problems(filled)
        yield from _console_problems(filled)
        if filled["security_model"] == "user" and not filled["security_domain"]:
            yield "security_model user needs security_domain, the user's name"
        if filled["security_model"] != "user" and filled["security_domain"]:
            yield "security_domain goes only with security_model user"
        if filled["disk_aio"] == "native" and filled["disk_cache"] != "none":
            yield "disk_aio native needs disk_cache none"


def _boot_problems(filled: Mapping[str, Any]) -> Iterator[str]:
    if filled["boot_order"] == "cdrom" and not filled["cdrom_image_path"]:
        yield "boot_order cdrom needs cdrom_image_path"
    if filled["kernel_path"] and not filled["root_path"]:
        yield "kernel_path needs root_path"


SPICE_ONLY = (
    "spice_ip_version", "spice_password_file", "spice_image_compression",
    "spice_jpeg_wan_compression", "spice_zlib_glz_wan_compression", "spice_streaming_video",
    "spice_use_tls",
)  # fmt: skip


def _console_problems(filled: Mapping[str, Any]) -> Iterator[str]:
    if filled["serial_console"] and filled["serial_speed"] not in SERIAL_SPEEDS:
        yield f"serial_speed {filled['serial_speed']} is not one of {SERIAL_SPEEDS}"
    if filled["spice_bind"] and filled["vnc_bind_address"]:
        yield "spice_bind and vnc_bind_address exclude each other"
    for name in SPICE_ONLY:
        if filled[name] and not filled["spice_bind"]:
            yield f"{name} needs spice_bind"
    if filled["vnc_x509_verify"] and not filled["vnc_x509_path"]:
        yield "vnc_x509_verify needs vnc_x509_path"
