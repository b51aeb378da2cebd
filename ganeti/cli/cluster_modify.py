# SPDX-License-Identifier: GPL-2.0-or-later
"""``gnt-cluster modify``."""

from __future__ import annotations

from typing import Any

from ganeti.cli import cluster_policy, failure, jobs, parse
from ganeti.cli.command import Command, Run
from ganeti.cli.options import JOB
from ganeti.errors import ParameterError
from ganeti.opcodes.cluster import OpClusterSetParams

_PARAMETERS = (
    *("beparams", "candidate_pool_size", "max_running_jobs", "max_tracked_jobs"),
    *("install_image", "instance_communication_network", "enabled_hypervisors", "hvparams"),
    *("mac_prefix", "master_netdev", "master_netmask", "nicparams", "vg_name"),
    *("maintain_node_health", "uid_pool", "add_uids", "remove_uids", "drbd_helper"),
    *("default_iallocator", "default_iallocator_params", "reserved_lvs", "prealloc_wipe_disks"),
    *("ndparams", "use_external_mip_script", "diskparams", "hv_state", "disk_state"),
    *("enabled_disk_templates", "modify_etc_hosts", "enabled_user_shutdown"),
    *("file_storage_dir", "shared_file_storage_dir", "zeroing_image", "compression_tools"),
    *("enabled_data_collectors", "data_collector_interval"),
)


def _modify(run: Run) -> int:
    opts = run.opts
    more = {
        "ipolicy": cluster_policy.from_options(opts) or None,
        "compression_tools": compression_tools(opts.compression_tools),
        "enabled_data_collectors": _collectors(opts.enabled_data_collectors),
        "data_collector_interval": _intervals(opts.data_collector_interval),
    }
    op = run.opcode(OpClusterSetParams, **more)
    if all(getattr(op, name) is None for name in (*_PARAMETERS, "ipolicy")):
        raise failure.Complaint(failure.NO_CHANGE)
    result = jobs.submit(run, op)
    if not result:
        return 0
    batch = jobs.Batch(run)
    batch.adopt(result["jobs"])
    return jobs.exit_code(batch.wait())


def compression_tools(given: list[str] | None) -> list[str] | None:
    """An empty text restores the default."""
    if given != [""]:
        return given
    from ganeti.model.cluster import Cluster

    return list(Cluster.ATTRIBUTES["compression_tools"].default)


def _collectors(given: dict[str, Any] | None) -> dict[str, bool] | None:
    """``NAME=true|false``; the name alone means true."""
    words = {"true": True, "false": False}
    enabled = {}
    for name, word in (given or {}).items():
        if not isinstance(word, bool) and str(word).lower() not in words:
            raise ParameterError(f"'{word}' for data collector {name} is neither true nor false")
        enabled[name] = word if isinstance(word, bool) else words[str(word).lower()]
    return enabled or None


def _intervals(given: dict[str, Any] | None) -> dict[str, int] | None:
    """Seconds travel as microseconds."""
    intervals = {}
    for name, seconds in (given or {}).items():
        try:
            intervals[name] = int(parse.number(str(seconds)) * 1_000_000)
        except ValueError:
            raise ParameterError(
                f"'{seconds}' for data collector {name} is no number of seconds"
            ) from None
    return intervals or None


COMMAND = Command(
    "Change the settings of the cluster",
    _modify,
    (),
    ("force", *_PARAMETERS, *cluster_policy.POLICY, *JOB),
    OpClusterSetParams,
)
