# SPDX-License-Identifier: GPL-2.0-or-later
"""What each figure may be, on two cores and a disk that syncs in less than a millisecond.

Seconds and kilobytes are upper bounds, what happens `_per_` second is a lower one. Where the original was
measured (spec of the project: "Budgets") the bounds follow from that; the others are reasoned here.
"""

from __future__ import annotations

from collections.abc import Mapping

BUDGETS: Mapping[str, float] = {
    # Whole commands: a person waits.
    "cli_instance_list_s": 0.07,
    "cli_node_list_s": 0.2,
    "cli_job_list_s": 0.07,
    "cli_help_s": 0.07,
    "cluster_verify_s": 0.6,
    "instance_add_s": 0.2,
    # Jobs, on three hosts.
    "job_noop_s": 0.012,
    "jobs_noop_per_s": 400,
    "jobs_tags_per_s": 200,
    "instances_start_20_s": 0.7,
    # By size of the configuration.
    "config_change_20_s": 0.02,
    "config_change_1000_s": 0.03,
    "config_change_10000_s": 0.1,
    "config_change_10000_drbd_s": 0.3,
    "luxi_query_20_s": 0.0004,
    "luxi_query_1000_s": 0.01,
    "luxi_query_10000_s": 0.1,
    "luxi_query_10000_drbd_s": 0.1,
    "start_20_s": 0.5,
    "start_10000_s": 2,
    "start_10000_drbd_s": 4,  # three times the bytes, twice the records
    "memory_idle_kb": 110_000,
    "memory_10000_kb": 400_000,
    "memory_10000_drbd_kb": 400_000,
    "memory_20_jobs_kb": 130_000,
    "rpc_fanout_1000_s": 1,
    "noded_calls_per_s": 1_000,
    # Answers of confd about the roles of nodes: as many in a large cluster, and none is lost.
    "confd_per_cpu_s": 40_000,
    "confd_per_cpu_10000_s": 40_000,
    "confd_loss": 0.0001,
    # A queue that is as full as it may be, but for what the figures themselves need. Each job is a file
    # that is synced; with a full queue the single job may cost no more than with an empty one. The archive
    # is filled in 490 steps, of ten jobs each, which are durable one after the other.
    "queue_5000_submit_per_s": 500,
    "queue_5000_job_noop_s": 0.012,
    "queue_5000_noop_per_s": 300,
    "queue_5000_query_s": 0.2,
    "queue_5000_list_s": 0.5,
    "queue_5000_start_s": 3,
    "queue_5000_memory_kb": 100_000,
    "queue_5000_run_per_s": 250,
    "queue_5000_archive_s": 10,
    # A thousand clients that wait for the same job: a socket and a record each.
    "watchers_1000_kb_each": 8,
    "watchers_1000_threads": 64,  # the pool that takes a thousand requests in one moment
    "watchers_1000_idle_cpu": 0.02,  # of a core
    "watchers_1000_told_s": 0.5,
    # Twenty jobs that want the locks of all instances; an unrelated job in the meantime.
    "locks_10000_s": 2,
    "locks_10000_other_job_s": 0.2,
    # 10,000 instances with a DRBD disk each on 500 nodes, 9 of which are candidates and get each change.
    # The nodes are one process on the same two cores, so most of this time is not the master's: a start
    # costs 500 handshakes, a takeover 1,000. Master and confd both hold the configuration, of 15 MB. The
    # bounds are what was measured with nothing else at work, and a third or half more.
    "nodes_500_start_s": 5,
    "nodes_500_change_s": 0.35,
    "nodes_500_ssconf_s": 1.5,
    "nodes_500_instance_list_s": 0.7,
    "nodes_500_node_list_s": 0.5,
    "nodes_500_verify_s": 7,
    "nodes_500_redist_s": 4,
    "nodes_500_node_add_s": 6,
    "nodes_500_failover_s": 20,
    "nodes_500_memory_kb": 700_000,
}


def is_met(key: str, value: float) -> bool:
    budget = BUDGETS.get(key)
    if budget is None:
        return True
    return value >= budget if "_per_" in key else value <= budget


def missed(figures: Mapping[str, float]) -> list[str]:
    """A line for each figure that does not meet its budget."""
    return [
        f"missed: {key} is {value:.4g}, the budget is {BUDGETS[key]:g}"
        for key, value in figures.items()
        if not is_met(key, value)
    ]
