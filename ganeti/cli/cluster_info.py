# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-cluster info``: the tree of the cluster's settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ganeti.cli import tree
from ganeti.cli.command import Command, Run
from ganeti.cli.options import flag
from ganeti.utils import text

ROMAN = flag("--roman", dest="roman_integers", doc="Numbers as the Romans wrote them")

_PARAMETERS = (
    ("candidate pool size", "candidate_pool_size"),
    ("maximal number of jobs running simultaneously", "max_running_jobs"),
    ("maximal number of jobs simultaneously tracked by the scheduler", "max_tracked_jobs"),
    ("mac prefix", "mac_prefix"),
    ("master netdev", "master_netdev"),
    ("master netmask", "master_netmask"),
    ("use external master IP address setup script", "use_external_mip_script"),
    ("lvm volume group", "volume_group_name"),
    ("lvm reserved volumes", "reserved_lvs"),
    ("drbd usermode helper", "drbd_usermode_helper"),
    ("file storage path", "file_storage_dir"),
    ("shared file storage path", "shared_file_storage_dir"),
    ("gluster storage path", "gluster_storage_dir"),
    ("maintenance of node health", "maintain_node_health"),
    ("uid pool", "uid_pool"),
    ("default instance allocator", "default_iallocator"),
    ("default instance allocator parameters", "default_iallocator_params"),
    ("primary ip version", "primary_ip_version"),
    ("preallocation wipe disks", "prealloc_wipe_disks"),
    ("OS search path", "os_search_path"),
    ("ExtStorage Providers search path", "es_search_path"),
    ("enabled disk templates", "enabled_disk_templates"),
    ("install image", "install_image"),
    ("instance communication network", "instance_communication_network"),
    ("zeroing image", "zeroing_image"),
    ("compression tools", "compression_tools"),
    ("enabled user shutdown", "enabled_user_shutdown"),
    ("modify ssh setup", "modify_ssh_setup"),
    ("ssh_key_type", "ssh_key_type"),
    ("ssh_key_bits", "ssh_key_bits"),
)
"""Label and key of the answer."""


def _show(run: Run) -> int:
    client = run.world.client
    info = client.QueryClusterInfo()
    (behind,) = client.QueryConfigValues(["candidates_behind"])
    paths = run.world.paths
    info["os_search_path"] = ", ".join(paths.os_search_path)
    info["es_search_path"] = ", ".join(paths.es_search_path)
    shown = cluster_tree(info)
    run.show(tree.render(tree.romanized(shown) if run.opts.roman_integers else shown))
    for name, why in sorted((behind or {}).items()):
        run.note(f"Warning: master candidate {name} lacks changes that were acknowledged: {why}")
    return 0


def cluster_tree(info: dict[str, Any]) -> tree.Fields:
    """The tree of what QueryClusterInfo answers."""
    return tree.Fields(
        {
            "Cluster name": info["name"],
            "Cluster UUID": info["uuid"],
            "Creation time": text.format_time(info["ctime"]),
            "Modification time": text.format_time(info["mtime"]),
            "Master node": info["master"],
            "Architecture (this node)": "{} ({})".format(*info["architecture"]),
            "Tags": _or_none(text.nice_sort(info["tags"])),
            "Default hypervisor": info["default_hypervisor"],
            "Enabled hypervisors": ", ".join(info["enabled_hypervisors"]),
            "Hypervisor parameters": info["hvparams"],
            "OS-specific hypervisor parameters": info["os_hvp"],
            "OS parameters": info["osparams"],
            "Hidden OSes": ", ".join(info["hidden_os"]),
            "Blacklisted OSes": ", ".join(info["blacklisted_os"]),
            "Cluster parameters": _parameters(info),
            "Default node parameters": info["ndparams"],
            "Default instance parameters": info["beparams"],
            "Default nic parameters": info["nicparams"],
            "Default disk parameters": info["diskparams"],
            "Instance policy - limits for instances": policy_tree(info["ipolicy"]),
            "Data collectors": _collectors(info),
        }
    )


def _or_none(words: Sequence[str]) -> str:
    return ", ".join(words) or "(none)"


def _parameters(info: dict[str, Any]) -> tree.Fields:
    special = {
        "reserved_lvs": _or_none(info["reserved_lvs"]),
        "uid_pool": ", ".join(_uid_range(*pair) for pair in info["uid_pool"]),
        "enabled_disk_templates": ", ".join(info["enabled_disk_templates"]),
    }
    return tree.Fields({label: special.get(key, info[key]) for label, key in _PARAMETERS})


def _uid_range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def policy_tree(policy: dict[str, Any]) -> tree.Fields:
    """An instance policy."""
    return tree.Fields(
        {
            "bounds specs": [
                tree.Fields({f"min/{index}": pair["min"], f"max/{index}": pair["max"]})
                for index, pair in enumerate(policy["minmax"])
            ],
            "std": policy["std"],
            "allowed disk templates": ", ".join(policy["disk-templates"]),
            "spindle-ratio": _ratio(policy["spindle-ratio"]),
            "vcpu-ratio": _ratio(policy["vcpu-ratio"]),
        }
    )


def _ratio(value: float) -> float:
    """Without the fraction where there is none."""
    return int(value) if value == int(value) else value


def _collectors(info: dict[str, Any]) -> dict[str, tree.Fields]:
    return {
        name: tree.Fields(
            {
                "active": active,
                "interval": f"{(info['data_collector_interval'][name] or 0) / 1_000_000:.3f}s",
            }
        )
        for name, active in info["enabled_data_collectors"].items()
    }


COMMAND = Command("Show the settings of the cluster", _show, (), (ROMAN,))
