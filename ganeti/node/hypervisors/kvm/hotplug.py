# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices of a running guest: added and taken over QMP, and seen to be there or gone.

Disks and taps are opened here and handed over as descriptors, since QEMU may run as another user or
in a chroot.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti.errors import HotplugError
from ganeti.model.nic import Nic
from ganeti.node.hypervisors.base import Attached
from ganeti.node.hypervisors.kvm import command
from ganeti.node.hypervisors.kvm.network import Tap
from ganeti.node.hypervisors.kvm.qmp import Qmp, QmpError
from ganeti.utils.rollback import Rollback

UNPLUG_S = 5.0
DISK_TYPES = ("paravirtual", "scsi-generic", "scsi-block", "scsi-hd", "scsi-cd")
NIC_TYPES = (
    *("e1000", "i82551", "i82557b", "i82559er", "ne2k_pci", "paravirtual", "pcnet", "rtl8139"),
)


def check_type(what: str, kind: str, pluggable: Sequence[str]) -> None:
    """Raises HotplugError for a device that needs the guest to be down."""
    if kind not in pluggable:
        raise HotplugError(f"a {what} of type {kind} cannot change while the guest runs")


def has_device(qmp: Qmp, name: str) -> bool:
    rows = qmp.execute("qom-list", {"path": "/machine/peripheral"})
    return any(row["name"] == name for row in rows)


def add_disk(qmp: Qmp, attached: Attached, hvparams: Mapping[str, Any]) -> None:
    """The disk has its place."""
    place = dict(attached.disk.hvinfo or {})
    mode = command.cache_mode(attached.disk.dev_type, hvparams)
    with Rollback() as undo:
        _add_node(qmp, place["id"], attached.link, mode, hvparams)
        undo.on_failure(qmp.execute, "blockdev-del", {"node-name": place["id"]})
        settings = {"write-cache": "off"} if mode == "writethrough" else {}
        qmp.execute("device_add", {**place, "drive": place["id"], **settings})
        _check_added(qmp, place["id"])


def _check_added(qmp: Qmp, name: str) -> None:
    if not has_device(qmp, name):
        raise HotplugError(f"the guest does not show the device {name}")


def _add_node(
    qmp: Qmp, name: str, path: str, cache: str | None, hvparams: Mapping[str, Any]
) -> None:
    """QEMU opens the descriptor that it is given; since 9.1 only if that is as direct as the node."""
    direct = cache == "none"
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_DIRECT if direct else 0))
    try:
        is_block = stat.S_ISBLK(os.fstat(fd).st_mode)
        number = qmp.execute("add-fd", fd=fd)["fdset-id"]
    finally:
        os.close(fd)
    try:
        file = {
            "driver": "host_device" if is_block else "file",
            "filename": f"/dev/fdset/{number}",
            **({"aio": hvparams["disk_aio"]} if hvparams["disk_aio"] else {}),
        }
        discard = hvparams["disk_discard"]
        node = {
            "driver": "raw",
            "node-name": name,
            "cache": {"direct": direct},
            **({"discard": discard} if discard in ("ignore", "unmap") else {}),
            "file": file,
        }
        qmp.execute("blockdev-add", node)
    finally:
        qmp.execute("remove-fd", {"fdset-id": number})


def remove_device(qmp: Qmp, name: str) -> None:
    """Ask the guest to let a device go; raises HotplugError if it does not in time."""
    if not has_device(qmp, name):
        return
    qmp.execute("device_del", {"id": name})
    gone = qmp.wait_event("DEVICE_DELETED", name, timeout_s=UNPLUG_S)
    if not gone and has_device(qmp, name):
        raise HotplugError(f"the guest does not let go of the device {name}")


def remove_disk(qmp: Qmp, name: str) -> None:
    """What was a drive since the start goes with its device; what was added is taken away."""
    remove_device(qmp, name)
    nodes = qmp.execute("query-named-block-nodes")
    if any(node.get("node-name") == name for node in nodes):
        qmp.execute("blockdev-del", {"node-name": name})


def add_nic(qmp: Qmp, nic: Nic, tap: Tap, hvparams: Mapping[str, Any]) -> None:
    place = dict(nic.hvinfo or {})
    with Rollback() as undo:
        qmp.execute("netdev_add", _netdev(qmp, place["id"], tap))
        undo.on_failure(qmp.execute, "netdev_del", {"id": place["id"]})
        queues = len(tap.fds)
        settings = {"mq": True, "vectors": 2 * queues + 2} if queues > 1 else {}
        qmp.execute("device_add", {**place, "netdev": place["id"], "mac": nic.mac, **settings})
        _check_added(qmp, place["id"])


def _netdev(qmp: Qmp, name: str, tap: Tap) -> dict[str, Any]:
    settings: dict[str, Any] = {"type": "tap", "id": name, **_hand_over(qmp, name, "fd", tap.fds)}
    if tap.vhost_fds:
        settings |= {"vhost": True, **_hand_over(qmp, name, "vhostfd", tap.vhost_fds)}
    return settings


def _hand_over(qmp: Qmp, name: str, option: str, fds: Sequence[int]) -> dict[str, str]:
    names = [f"{name}-{option}{number}" for number in range(len(fds))]
    for label, fd in zip(names, fds, strict=True):
        qmp.execute("getfd", {"fdname": label}, fd=fd)
    return {f"{option}s" if len(fds) > 1 else option: ":".join(names)}


def remove_nic(qmp: Qmp, name: str) -> None:
    remove_device(qmp, name)
    try:
        qmp.execute("netdev_del", {"id": name})
    except QmpError as err:
        raise HotplugError(f"the backend of {name} cannot be removed: {err}") from err
