# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-instance info``: the tree of an instance, with the state of its disks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti.cli import failure, jobs, tree
from ganeti.cli.cluster_info import ROMAN
from ganeti.cli.command import Argument, Command, Run
from ganeti.cli.options import PRIORITY, flag
from ganeti.opcodes.instance import OpInstanceQueryData
from ganeti.utils import text

ALL = flag("--all", dest="show_all", doc="All instances")
VNC_BASE_PORT = 5900
UNKNOWN, FAULTY = 3, 4
"""States of the local part of a disk that are worth a word."""


def _show(run: Run) -> int:
    if bool(run.args) == run.opts.show_all:
        raise failure.Complaint("Give the names of instances, or --all for all of them.")
    op = OpInstanceQueryData(
        instances=run.args, static=run.opts.static, use_locking=not run.opts.static
    )
    found = jobs.submit(run, op)
    if not found:
        return 1
    shown = [instance_tree(found[name], static=run.opts.static) for name in text.nice_sort(found)]
    run.show(tree.render(tree.romanized(shown) if run.opts.roman_integers else shown))
    return 0


def instance_tree(instance: dict[str, Any], *, static: bool) -> tree.Fields:
    """The tree of one instance as OP_INSTANCE_QUERY_DATA describes it."""
    return tree.Fields(
        {
            "Instance name": instance["name"],
            "UUID": instance["uuid"],
            "Serial number": instance["serial_no"],
            "Creation time": text.format_time(instance["ctime"]),
            "Modification time": text.format_time(instance["mtime"]),
            "State": _state(instance, static=static),
            "Nodes": _nodes(instance),
            "Operating system": instance["os"],
            "Operating system parameters": tree.inherited(
                instance["os_instance"], instance["os_actual"]
            ),
            "Allocated network port": instance["network_port"],
            "Hypervisor": instance["hypervisor"],
            **_console(instance),
            "Hypervisor parameters": tree.inherited(instance["hv_instance"], instance["hv_actual"]),
            "Back-end parameters": _backend(instance),
            "NICs": [_nic(index, nic) for index, nic in enumerate(instance["nics"])],
            "Disk template": instance["disk_template"],
            "Disks": [
                _disk(f"disk/{index}", disk, top=True)
                for index, disk in enumerate(instance["disks"])
            ],
        }
    )


def _state(instance: dict[str, Any], *, static: bool) -> str:
    configured = f"configured to be {instance['config_state']}"
    return configured if static else f"{configured}, actual state is {instance['run_state']}"


def _nodes(instance: dict[str, Any]) -> list[tree.Fields]:
    secondaries = zip(
        instance["snodes"],
        instance["snodes_group_names"],
        instance["snodes_group_uuids"],
        strict=True,
    )
    return [
        tree.Fields(
            {
                "primary": instance["pnode"],
                "group": f"{instance['pnode_group_name']} (UUID {instance['pnode_group_uuid']})",
            }
        ),
        tree.Fields(
            {
                "secondaries": ", ".join(
                    f"{name} (group {group}, group UUID {uuid})"
                    for name, group, uuid in secondaries
                )
            }
        ),
    ]


def _console(instance: dict[str, Any]) -> dict[str, str]:
    """Where the screen can be seen, if it is offered by VNC."""
    address, port = instance["hv_actual"].get("vnc_bind_address"), instance["network_port"]
    if not address:
        return {}
    if address.startswith("/") or port is None:
        return {"console connection": f"vnc to {instance['pnode']}:{address}"}
    display = f"(display {port - VNC_BASE_PORT})"
    if address in ("0.0.0.0", "::"):
        return {"console connection": f"vnc to {instance['pnode']}:{port} {display}"}
    where = f"{address}:{port} (node {instance['pnode']})"
    return {"console connection": f"vnc to {where} {display}"}


def _backend(instance: dict[str, Any]) -> dict[str, Any]:
    """With `memory`, the older name of `maxmem`."""
    actual = instance["be_actual"]
    return tree.inherited(instance["be_instance"], {**actual, "memory": actual["maxmem"]})


def _nic(index: int, nic: Sequence[Any]) -> tree.Fields:
    name, uuid, ip, mac, mode, link, vlan, network, *_ = nic
    return tree.Fields(
        {
            f"nic/{index}": "",
            "MAC": mac,
            "IP": ip,
            "mode": mode,
            "link": link,
            "vlan": vlan,
            "network": network,
            "UUID": uuid,
            "name": name,
        }
    )


def _disk(label: str, disk: dict[str, Any], *, top: bool) -> tree.Fields:
    fields: dict[str, Any] = {
        label: f"{disk['dev_type']}, size {text.format_size(disk['size'], 'h')}"
    }
    if disk.get("spindles") is not None:
        fields["spindles"] = disk["spindles"]
    if top:
        fields["access mode"] = disk["mode"]
    fields |= _place(disk)
    for side, status in (("primary", disk["pstatus"]), ("secondary", disk["sstatus"])):
        if status:
            fields[f"on {side}"] = device_text(disk["dev_type"], status)
    fields |= {"name": disk["name"], "UUID": disk["uuid"]}
    children = disk["children"]
    if children:
        fields["child devices"] = [
            _disk(f"child {index}", child, top=False) for index, child in enumerate(children)
        ]
    return tree.Fields(fields)


def _place(disk: dict[str, Any]) -> dict[str, Any]:
    drbd = disk.get("drbd_info")
    if drbd:
        return {
            "nodeA": f"{drbd['primary_node']}, minor={drbd['primary_minor']}",
            "nodeB": f"{drbd['secondary_node']}, minor={drbd['secondary_minor']}",
            "port": drbd["port"],
        }
    identity = disk["logical_id"]
    if not identity:
        return {}
    is_volume = disk["dev_type"] == "plain"
    return {"logical_id": "/".join(identity) if is_volume else str(list(identity))}


def device_text(kind: str, status: Sequence[Any]) -> str:
    """One line about a device: path, numbers, and how well it is."""
    path, major, minor, percent, left_s, degraded, local = status
    numbers = ":".join("N/A" if number is None else str(number) for number in (major, minor))
    line = f"{path} ({numbers})"
    if kind == "drbd":
        return f"{line} {_sync(percent, left_s)}, status {_health(degraded, local)}"
    if kind == "plain" and local == FAULTY:
        return f"{line} *FAILED* (failed drive?)"
    return line


def _sync(percent: float | None, left_s: float | None) -> str:
    if percent is None:
        return "in sync"
    eta = "unknown" if left_s is None else f"{left_s}s"
    return f"*RECOVERING* {percent:5.2f}%, ETA {eta}"


def _health(degraded: bool, local: int) -> str:
    marks = {FAULTY: " *MISSING DISK*", UNKNOWN: " *UNCERTAIN STATE*"}
    return ("*DEGRADED*" if degraded else "ok") + marks.get(local, "")


COMMAND = Command(
    "Show all about instances",
    _show,
    (Argument("instance", 0, None),),
    ("static", ALL, ROMAN, PRIORITY),
    OpInstanceQueryData,
)
