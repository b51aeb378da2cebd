# SPDX-License-Identifier: GPL-2.0-or-later
"""Instances as calls carry them, and QEMU binaries as they say they are, for tests of the KVM driver."""

from __future__ import annotations

from typing import Any

from ganeti.model.instance import Instance
from ganeti.node.hypervisors.base import Attached
from ganeti.node.hypervisors.kvm.capabilities import Capabilities
from test.support.cluster import ClusterBuilder, a_cluster

QEMU = "/usr/bin/qemu-system-x86_64"
DEVICES = frozenset(
    {
        *("virtio-net-pci", "virtio-blk-pci", "e1000", "scsi-hd", "scsi-cd", "lsi53c895a"),
        *("virtio-scsi-pci", "ne2k_isa"),
    }
)


def a_qemu(version: tuple[int, int, int], *options: str) -> Capabilities:
    """A binary with machine types of its version."""
    name = f"{version[0]}.{version[1]}"
    machines = {"pc": f"pc-i440fx-{name}", "q35": f"pc-q35-{name}"}
    return Capabilities(
        version=version,
        machines={**machines, **{full: full for full in machines.values()}},
        default_machine=machines["pc"],
        options=frozenset(options),
        devices=DEVICES,
    )


QEMU_7_2 = a_qemu((7, 2, 22), "machine", "drive")
QEMU_10 = a_qemu((10, 0, 0), "machine", "drive", "run-with", "run-with.chroot", "run-with.user")


def an_instance(
    hv: dict[str, Any] | None = None,
    be: dict[str, Any] | None = None,
    *,
    cluster: ClusterBuilder | None = None,
    **attributes: Any,
) -> Instance:
    """The instance ``web``; it boots its first disk, a shared file, unless said otherwise."""
    wanted = {"template": "sharedfile", "network_port": 11000, **attributes}
    cfg = (cluster or a_cluster()).with_instance("web", **wanted).build()
    params = {"kvm_path": QEMU, "kernel_path": "", **(hv or {})}
    found = cfg.for_node(cfg.instance("web"), hvparams=params, beparams=be)
    return found.replace(
        disks_info=[_told_apart(disk, n) for n, disk in enumerate(found.disks_info or ())],
        nics=[_told_apart(nic, n) for n, nic in enumerate(found.nics)],
    )


def _told_apart(device: Any, number: int) -> Any:
    """UUIDs that differ where real ones do: QEMU's ids are made of their first half."""
    return device.replace(uuid=f"{number:08x}{device.uuid[8:]}")


def attached(instance: Instance) -> list[Attached]:
    """Its disks, up on this node."""
    disks = instance.disks_info or ()
    return [
        Attached(disk, f"/run/ganeti/instance-disks/web:{index}", None)
        for index, disk in enumerate(disks)
    ]
