#!/usr/bin/python3 -Es
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs inside a host of the lab and measures from there: a local client of the master daemon.

    probe.py WHAT [COUNT]      prints one JSON value

Needs only the installed product; knows nothing of the lab.
"""

import glob
import json
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, "/usr/share/ganeti")

from ganeti.luxi.client import Client
from ganeti.paths import Paths

FINAL = ("success", "error", "canceled")
NOOP = {
    "OP_ID": "OP_TEST_DELAY",
    "duration": 0.001,
    "on_master": True,
    "on_nodes": [],
    "no_locks": True,
    "reason": [],
}
PORT = 1811


def wait_final(client, job_id):
    """Until the job is final; its status."""
    info = None
    serial = -1
    while True:
        answer = client.WaitForJobChange(job_id, ["status"], info, serial, 60)
        if answer == "nochange":
            continue
        info, entries = answer
        serial = entries[-1][0] if entries else serial
        if info[0] in FINAL:
            return info[0]


def one_job(client, op):
    return timed(lambda: succeed(client, op))


def succeed(client, op):
    status = wait_final(client, client.SubmitJob([op]))
    if status != "success":
        raise SystemExit(f"the job ended as {status}")


def many_jobs(client, ops):
    """Jobs a second, from submission until the last is final."""
    started = time.perf_counter()
    answers = client.SubmitManyJobs([[op] for op in ops])
    ids = [value for good, value in answers if good]
    if len(ids) != len(ops):
        raise SystemExit(f"only {len(ids)} of {len(ops)} jobs were taken")
    for job_id in reversed(ids):
        wait_final(client, job_id)
    return len(ids) / (time.perf_counter() - started)


def tag_op(number, kind="cluster", name=None):
    tags = [f"bench-{os.getpid()}-{number}"]
    return {"OP_ID": "OP_TAGS_SET", "kind": kind, "name": name, "tags": tags, "reason": []}


def timed(act):
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def median(measure, count):
    return statistics.median(measure() for _ in range(count))


def command(argv, count):
    """The same command so many times, after one that only warms the caches."""
    process_s(argv)
    return median(lambda: process_s(argv), count)


def process_s(argv):
    return timed(lambda: subprocess.run(argv, check=True, stdout=subprocess.DEVNULL))


def add_instances(argv, count):
    """The same command with the numbers below `count` in its last word."""
    *words, name = argv
    return statistics.median(process_s([*words, name % n]) for n in range(count))


def pss_kb(daemon="*"):
    """Memory of all daemons of this host, or of one, shared pages in proportion."""
    total = 0
    for path in glob.glob(f"/run/ganeti/ganeti-{daemon}.pid"):
        with open(path) as file:
            pid = file.read().strip()
        with open(f"/proc/{pid}/smaps_rollup") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total


def query_s(client, count):
    fields = ["name", "pnode", "admin_state"]
    client.Query("instance", fields, None)
    return median(lambda: timed(lambda: client.Query("instance", fields, None)), count)


def busy_memory(client, count):
    """Memory while so many jobs run."""
    ops = [dict(NOOP, duration=3.0) for _ in range(count)]
    ids = [value for _, value in client.SubmitManyJobs([[op] for op in ops])]
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        rows = client.QueryJobs(ids, ["status"])
        if sum(row[0] == "running" for row in rows) >= count:
            break
        time.sleep(0.05)
    memory = pss_kb()
    for job_id in ids:
        wait_final(client, job_id)
    return memory


def start_all(client, count):
    """Start so many instances as so many jobs; seconds until the last is up."""
    names = sorted(row[0] for row in client.QueryInstances([], ["name"], False))[:count]
    ops = [{"OP_ID": "OP_INSTANCE_STARTUP", "instance_name": n, "reason": []} for n in names]
    return count / many_jobs(client, ops)


def stop_all(client, count):
    names = sorted(row[0] for row in client.QueryInstances([], ["name"], False))[:count]
    ops = [{"OP_ID": "OP_INSTANCE_SHUTDOWN", "instance_name": n, "reason": []} for n in names]
    return count / many_jobs(client, ops)


def first_answer(*options):
    """Start the master daemon and ask it something."""
    subprocess.run(["/usr/sbin/ganeti-masterd", *options], check=True)
    with Client(Paths()) as client:
        client.QueryConfigValues(["cluster_name"])


def main():
    what, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    if what == "first_answer":
        value = timed(lambda: first_answer("--no-voting", "--yes-do-it"))
    elif what == "voted_answer":
        value = timed(first_answer)
    elif what == "once":
        value = process_s(sys.argv[3:])
    elif what == "command":
        value = command(sys.argv[3:], count)
    elif what == "add_instances":
        value = add_instances(sys.argv[3:], count)
    elif what == "memory":
        value = pss_kb()
    else:
        with Client(Paths()) as client:
            value = {
                "job": lambda: one_job(client, json.loads(sys.argv[3])),
                "noop": lambda: median(lambda: one_job(client, NOOP), count),
                "noops": lambda: many_jobs(client, [NOOP] * count),
                "tags": lambda: many_jobs(client, [tag_op(n) for n in range(count)]),
                "change": lambda: statistics.median(
                    one_job(client, tag_op(n)) for n in range(count)
                ),
                "change_instance": lambda: statistics.median(
                    one_job(client, tag_op(n, "instance", "inst0.lab")) for n in range(count)
                ),
                "query": lambda: query_s(client, count),
                "busy_memory": lambda: busy_memory(client, count),
                "start_all": lambda: start_all(client, count),
                "stop_all": lambda: stop_all(client, count),
            }[what]()
    print(json.dumps(value))


if __name__ == "__main__":
    main()
