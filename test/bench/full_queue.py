# SPDX-License-Identifier: GPL-2.0-or-later
"""Three hosts, all candidates, with a full queue; then a thousand clients that watch a job."""

from __future__ import annotations

from test.bench.measuring import Bench, lab_of, probed, probed_queue, stop_master
from test.lab.hosts import Host

HELD_JOBS = 4900
"""The queue holds 5,000 that are not archived; the others are what is measured beside them."""
CLIENTS = 1000

QUEUE = (
    *("queue_5000_submit_per_s", "queue_5000_job_noop_s", "queue_5000_noop_per_s"),
    *("queue_5000_query_s", "queue_5000_list_s", "queue_5000_start_s"),
    *("queue_5000_memory_kb", "queue_5000_run_per_s", "queue_5000_archive_s"),
)
WATCHERS = (
    *("watchers_1000_kb_each", "watchers_1000_threads"),
    *("watchers_1000_idle_cpu", "watchers_1000_told_s"),
)


def measure(bench: Bench) -> None:
    if not bench.asked(*QUEUE, *WATCHERS):
        return
    with lab_of(3, "bench-queue") as lab:
        master = lab.hosts[0]
        if bench.asked(*WATCHERS):
            bench.note_asked(probed_queue(master, "watchers", CLIENTS))
        if bench.asked(*QUEUE):
            fill_and_empty(bench, master)


def fill_and_empty(bench: Bench, master: Host) -> None:
    bench.note_asked(probed_queue(master, "fill", HELD_JOBS))
    stop_master(master)
    bench.note_asked({"queue_5000_start_s": probed(master, "first_answer", 1)})
    bench.note_asked(probed_queue(master, "empty", HELD_JOBS))
