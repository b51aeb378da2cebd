# SPDX-License-Identifier: GPL-2.0-or-later
"""The variables that hooks see (extension points, "Hooks"); pure functions of the configuration.

Names here lack the prefix ``GANETI_``; the runner adds it. Values are turned into text by `str`, so
booleans read ``True``/``False`` and nothing reads ``None``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganeti.model.config import Config
from ganeti.model.disk import Disk
from ganeti.model.instance import Instance
from ganeti.model.network import Network
from ganeti.model.nic import Nic

Env = dict[str, Any]


def instance_env(cfg: Config, instance: Instance) -> Env:
    """The block of variables that all hooks of instances share."""
    env = _identity_env(cfg, instance, cfg.nodes_of(instance))
    env["INSTANCE_DISK_TEMPLATE"] = cfg.disk_template(instance)
    return env | disks_env(cfg.disks_of(instance))


def new_instance_env(cfg: Config, instance: Instance, template: str, disks: Sequence[Disk]) -> Env:
    """The same for an instance that is only being made: its disks have no place yet."""
    env = _identity_env(cfg, instance, [instance.primary_node])
    env |= {"INSTANCE_DISK_TEMPLATE": template, "INSTANCE_DISK_COUNT": len(disks)}
    for index, disk in enumerate(disks):
        env |= {f"INSTANCE_DISK{index}_{key}": value for key, value in _definition(disk).items()}
    return env


def _identity_env(cfg: Config, instance: Instance, nodes: Sequence[str]) -> Env:
    primary, *secondaries = nodes
    names = " ".join(cfg.nodes[uuid].name for uuid in secondaries)
    be = cfg.beparams(instance)
    env: Env = {
        "OP_TARGET": instance.name,
        "INSTANCE_NAME": instance.name,
        "INSTANCE_PRIMARY": cfg.nodes[primary].name,
        "INSTANCE_SECONDARIES": names,
        "INSTANCE_SECONDARY": names,
        "INSTANCE_OS_TYPE": instance.os,
        "INSTANCE_STATUS": instance.admin_state,
        "INSTANCE_HYPERVISOR": instance.hypervisor,
        "INSTANCE_TAGS": " ".join(instance.tags),
    }
    env |= sizes_env(be)
    env |= {f"INSTANCE_BE_{name}": value for name, value in be.items()}
    env |= {f"INSTANCE_HV_{name}": value for name, value in cfg.hvparams(instance).items()}
    return env | _nics_env(cfg, instance)


def sizes_env(be: Mapping[str, Any]) -> Env:
    """The backend parameters that have variables of their own."""
    return {
        "INSTANCE_MINMEM": be["minmem"],
        "INSTANCE_MAXMEM": be["maxmem"],
        "INSTANCE_MEMORY": be["maxmem"],
        "INSTANCE_VCPUS": be["vcpus"],
    }


def _nics_env(cfg: Config, instance: Instance) -> Env:
    """``INSTANCE_NICn_…`` of every NIC, and their number."""
    env: Env = {"INSTANCE_NIC_COUNT": len(instance.nics)}
    group = cfg.nodes[instance.primary_node].group
    for index, nic in enumerate(instance.nics):
        values = _nic_env(cfg, nic, group)
        env |= {f"INSTANCE_NIC{index}_{key}": value for key, value in values.items()}
    return env


def _nic_env(cfg: Config, nic: Nic, group: str) -> Env:
    params = cfg.nicparams(nic, group)
    env: Env = {
        "NAME": nic.name,
        "UUID": nic.uuid,
        "IP": nic.ip or "",
        "MAC": nic.mac,
        "MODE": params["mode"],
        "LINK": params["link"],
        "VLAN": params["vlan"],
    }
    if params["mode"] in ("bridged", "openvswitch"):
        env["BRIDGE"] = params["link"]
    if not nic.name:
        del env["NAME"]
    if nic.network:
        env |= network_env(cfg.network(nic.network))
    return env


def network_env(network: Network) -> Env:
    """``NETWORK_…``: what is set of a network."""
    values = {
        "NETWORK_NAME": network.name,
        "NETWORK_UUID": network.uuid,
        "NETWORK_TAGS": " ".join(network.tags),
        "NETWORK_SUBNET": network.network,
        "NETWORK_GATEWAY": network.gateway,
        "NETWORK_SUBNET6": network.network6,
        "NETWORK_GATEWAY6": network.gateway6,
        "NETWORK_MAC_PREFIX": network.mac_prefix,
    }
    return {key: value for key, value in values.items() if value is not None}


def disks_env(disks: Sequence[Disk]) -> Env:
    """``INSTANCE_DISKn_…`` of every disk, and their number."""
    env: Env = {"INSTANCE_DISK_COUNT": len(disks)}
    for index, disk in enumerate(disks):
        env |= {f"INSTANCE_DISK{index}_{key}": value for key, value in _disk_env(disk).items()}
    return env


_LOGICAL_ID = {
    "plain": ("VG", "ID"),
    "file": ("DRIVER", "ID"),
    "sharedfile": ("DRIVER", "ID"),
    "gluster": ("DRIVER", "ID"),
    "blockdev": ("DRIVER", "ID"),
    "rbd": ("DRIVER", "ID"),
    "ext": ("PROVIDER", "ID"),
    "drbd": ("PNODE", "SNODE", "PORT", "PMINOR", "SMINOR"),
}


def _definition(disk: Disk) -> Env:
    env: Env = {"UUID": disk.uuid, "SIZE": disk.size, "MODE": disk.mode}
    if disk.name:
        env["NAME"] = disk.name
    return env


def _disk_env(disk: Disk) -> Env:
    env = _definition(disk)
    env |= dict(zip(_LOGICAL_ID.get(disk.dev_type, ()), disk.logical_id or (), strict=False))
    for kind, child in zip(("DATA", "META"), disk.children or (), strict=False):
        vg, name = child.logical_id
        env |= {f"{kind}_VG": vg, f"{kind}_ID": name}
    return env
