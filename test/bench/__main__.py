# SPDX-License-Identifier: GPL-2.0-or-later
"""`make bench`: the figures of the budgets, medians, as one JSON object on the last line.

    make bench                      all of them
    make bench BENCH=job_noop_s     one of them

Progress goes to stderr, and at the end a line for each figure that misses its budget. A reader scales by
the two calibrations, which are taken in the same run. The hosts lie on the machine's disk: on tmpfs an
fsync costs nothing, so there is nothing to measure.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from test.bench import budgets, confd, full_queue, many_nodes, synthetic
from test.bench.measuring import Bench, Figures, lab_of, probed, put_file, say, stop_master
from test.lab.hosts import Host
from test.lab.places import DEFAULT_BASE

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "build" / "bench.json"
INSTANCES = 20
HASHES, HASHED_BYTES = 200_000, 64
SYNCED_BYTES = 4096
TMPFS = "tmpfs"
OS = "lab-guest+default"
CONFIG = "/var/lib/ganeti/config.data"


def calibrations() -> Figures:
    return {"calibration_sha1_s": hashing_s(), "calibration_fsync_s": fsync_s()}


def hashing_s() -> float:
    block = b"x" * HASHED_BYTES
    started = time.perf_counter()
    for _ in range(HASHES):
        hashlib.sha1(block)
    return time.perf_counter() - started


def fsync_s() -> float:
    def once(fd: int) -> float:
        started = time.perf_counter()
        os.pwrite(fd, b"x" * SYNCED_BYTES, 0)
        os.fsync(fd)
        return time.perf_counter() - started

    with tempfile.TemporaryFile(dir=DEFAULT_BASE) as file:
        return statistics.median(once(file.fileno()) for _ in range(50))


ON_CLUSTER = (
    *("cli_instance_list_s", "cli_node_list_s", "cli_job_list_s", "cli_help_s"),
    *("job_noop_s", "jobs_noop_per_s", "jobs_tags_per_s", "instance_add_s"),
    *("instances_start_20_s", "cluster_verify_s", "config_change_20_s", "luxi_query_20_s"),
    *("start_20_s", "memory_idle_kb", "memory_20_jobs_kb"),
)


def on_cluster(bench: Bench) -> None:
    """Three hosts, all candidates, 20 diskless instances of the fake hypervisor."""
    with lab_of(3, "bench") as lab:
        master = lab.hosts[0]
        bench.measure("memory_idle_kb", lambda: probed(master, "memory", 1))
        add_instances(bench, master)
        commands(bench, master)
        jobs(bench, master)
        bench.measure("memory_20_jobs_kb", lambda: probed(master, "busy_memory", 20))
        if bench.asked("start_20_s"):
            stop_master(master)
            bench.note("start_20_s", probed(master, "first_answer", 1))


def add_instances(bench: Bench, master: Host) -> None:
    """They are needed by what is measured afterwards, so they are always added."""
    argv = ["gnt-instance", "add", "-t", "diskless", "-o", OS, "--no-install", "--no-start"]
    argv += ["--no-name-check", "--no-ip-check", "-n", master.address.fqdn, "inst%d.lab"]
    taken = probed(master, "add_instances", INSTANCES, *argv)
    if bench.asked("instance_add_s"):
        bench.note("instance_add_s", taken)


def commands(bench: Bench, master: Host) -> None:
    """Whole processes, as an admin's shell starts them."""
    for key, argv in (
        ("cli_instance_list_s", ["gnt-instance", "list"]),
        ("cli_node_list_s", ["gnt-node", "list"]),
        ("cli_job_list_s", ["gnt-job", "list"]),
        ("cli_help_s", ["gnt-instance", "--help"]),
        ("cluster_verify_s", ["gnt-cluster", "verify"]),
    ):
        count = 5 if key == "cluster_verify_s" else 15
        bench.measure(key, lambda a=argv, c=count: probed(master, "command", c, *a))  # type: ignore[misc]


def jobs(bench: Bench, master: Host) -> None:
    bench.measure("job_noop_s", lambda: probed(master, "noop", 50))
    bench.measure("jobs_noop_per_s", lambda: probed(master, "noops", 200))
    bench.measure("jobs_tags_per_s", lambda: probed(master, "tags", 200))
    bench.measure("config_change_20_s", lambda: probed(master, "change", 30))
    bench.measure("luxi_query_20_s", lambda: probed(master, "query", 50))
    if bench.asked("instances_start_20_s"):
        bench.note("instances_start_20_s", probed(master, "start_all", INSTANCES))
        probed(master, "stop_all", INSTANCES)


SIZES = ((1000, False), (10000, False), (10000, True))


def keys_of(count: int, drbd: bool) -> dict[str, str]:
    """What is measured at a size, and the key it is noted under."""
    size = f"{count}_drbd" if drbd else str(count)
    keys = {"change": f"config_change_{size}_s", "query": f"luxi_query_{size}_s"}
    if count == 10000:
        keys |= {"first_answer": f"start_{size}_s", "memory": f"memory_{size}_kb"}
    return keys


def on_paper(bench: Bench) -> None:
    """One host with configurations of other sizes."""
    wanted = [size for size in SIZES if bench.asked(*keys_of(*size).values())]
    if not wanted:
        return
    with lab_of(1, "bench-paper") as lab:
        host = lab.hosts[0]
        stop_master(host)
        empty = host.run(["cat", CONFIG]).encode()
        for count, drbd in wanted:
            measure_size(bench, host, synthetic.grown(empty, count, drbd=drbd), count, drbd)


def measure_size(bench: Bench, host: Host, data: bytes, count: int, drbd: bool) -> None:
    say(f"{count} instances{' with DRBD' if drbd else ''}: {len(data) / 1e6:.1f} MB")
    put_file(host, CONFIG, data.decode())
    keys = keys_of(count, drbd)
    start = probed(host, "first_answer", 1)
    for what, times in (("change", 15), ("query", 10)):
        if what in keys:
            bench.measure(keys[what], lambda w=what, t=times: probed(host, w, t))  # type: ignore[misc]
    if "first_answer" in keys and bench.asked(keys["first_answer"]):
        bench.note(keys["first_answer"], start)
    if "memory" in keys:
        bench.measure(keys["memory"], lambda: probed(host, "memory", 1))
    stop_master(host)


def locks(bench: Bench) -> None:
    if bench.asked("locks_10000_s", "locks_10000_other_job_s"):
        argv = [sys.executable, "-B", "-m", "test.bench.locks", DEFAULT_BASE]
        done = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, check=True)
        bench.note_asked(json.loads(done.stdout))


def confd_figures(bench: Bench) -> None:
    if bench.asked(*confd.KEYS):
        argv = [sys.executable, "-B", "-m", "test.bench.confd"]
        done = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, check=True)
        bench.note_asked(json.loads(done.stdout))


def rpc_fanout_s() -> float:
    argv = ["unshare", "--net", sys.executable, "-B", "-m", "test.bench.fanout"]
    return float(subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)


def noded_calls_per_s() -> float:
    argv = [sys.executable, "-B", "-m", "test.bench.calls"]
    return float(subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)


def require_real_disk() -> None:
    os.makedirs(DEFAULT_BASE, exist_ok=True)
    kind = subprocess.run(
        ["stat", "-f", "-c", "%T", str(DEFAULT_BASE)], stdout=subprocess.PIPE, check=True, text=True
    ).stdout.strip()
    if kind == TMPFS:
        sys.exit(f"{DEFAULT_BASE} is a tmpfs: put it on a disk, or fsync measures nothing")


def main() -> None:
    bench = Bench(sys.argv[1] if len(sys.argv) > 1 else None)
    require_real_disk()
    bench.figures |= calibrations()
    try:
        measure(bench)
    finally:  # what was found until one of them failed
        report(bench.figures)


def measure(bench: Bench) -> None:
    if bench.asked(*ON_CLUSTER):
        on_cluster(bench)
    full_queue.measure(bench)
    on_paper(bench)
    many_nodes.measure(bench)
    locks(bench)
    bench.measure("rpc_fanout_1000_s", rpc_fanout_s)
    bench.measure("noded_calls_per_s", noded_calls_per_s)
    confd_figures(bench)


def report(figures: Figures) -> None:
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=1) + "\n")
    for line in budgets.missed(figures):
        say(line)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
