#!/usr/bin/python3 -Es
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs inside a host of the lab: a full queue, and many clients that watch jobs.

probe_queue.py fill|empty|watchers COUNT      prints a JSON object of figures
"""

import json
import os
import resource
import selectors
import socket
import sys
import time
from pathlib import Path

import probe

from ganeti.luxi import framing
from ganeti.luxi.client import Client
from ganeti.paths import Paths

HELD = "bench-held"
"""A job with this reason waits for the rule to go."""
EVERY_AGE = -1
LONG_S = 600
SETTLE_S = 2.0
IDLE_S = 4.0
LATER_S = 12.0


def reason(text):
    return [["bench", text, time.time_ns()]]


def fill(client, count):
    """So many jobs that may not start, then jobs that may."""
    client.AutoArchiveJobs(EVERY_AGE, LONG_S)
    client.ReplaceFilter(None, 0, [["reason", ["=", "reason", HELD]]], "PAUSE", reason("hold"))
    ops = [[dict(probe.NOOP, reason=reason(HELD))]] * count
    submit_s = probe.timed(lambda: client.SubmitManyJobs(ops))
    return {
        "queue_5000_submit_per_s": count / submit_s,
        "queue_5000_job_noop_s": probe.median(lambda: probe.one_job(client, probe.NOOP), 20),
        "queue_5000_noop_per_s": probe.many_jobs(client, [probe.NOOP] * 50),
        "queue_5000_query_s": probe.median(lambda: probe.timed(lambda: query(client)), 5),
        "queue_5000_list_s": probe.command(["gnt-job", "list"], 5),
    }


def query(client):
    client.Query("job", ["id", "status", "summary"], None)


def empty(client, count):
    """Let those go that wait, which are so many, and archive everything."""
    memory = probe.pss_kb("masterd")
    (rule,) = (row[0] for row in client.QueryFilters(None, ["uuid"]))
    last = max(row[0] for row in client.QueryJobs(None, ["id"]))
    started = time.perf_counter()
    client.DeleteFilter(rule)
    while any(row[0] not in probe.FINAL for row in client.QueryJobs(None, ["status"])):
        probe.wait_final(client, last)
        last = next_open(client, last)
    run_s = time.perf_counter() - started
    archive_s = probe.timed(lambda: client.AutoArchiveJobs(EVERY_AGE, LONG_S))
    if client.QueryJobs(None, ["id"]):
        raise SystemExit("not all jobs were archived")
    return {
        "queue_5000_memory_kb": memory,
        "queue_5000_run_per_s": count / run_s,
        "queue_5000_archive_s": archive_s,
    }


def next_open(client, last):
    """A job that is not final, the last one."""
    rows = client.QueryJobs(None, ["id", "status"])
    return max((job_id for job_id, status in rows if status not in probe.FINAL), default=last)


class Daemon:
    """What the master daemon has used so far."""

    def __init__(self):
        self._pid = Path("/run/ganeti/ganeti-masterd.pid").read_text().strip()

    def threads(self):
        lines = Path(f"/proc/{self._pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Threads:")).split()[1])

    def cpu_s(self):
        fields = Path(f"/proc/{self._pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watchers(client, count):
    """So many clients that wait for the end of one job."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    daemon = Daemon()
    memory, threads = probe.pss_kb("masterd"), daemon.threads()
    job_id = client.SubmitJob([dict(probe.NOOP, duration=LATER_S)])
    while client.QueryJobs([job_id], ["status"]) != [["running"]]:
        time.sleep(0.05)
    clients = [watcher(job_id) for _ in range(count)]
    time.sleep(SETTLE_S)
    more_memory, more_threads = probe.pss_kb("masterd") - memory, daemon.threads() - threads
    cpu_s = daemon.cpu_s()
    time.sleep(IDLE_S)
    idle_cpu = (daemon.cpu_s() - cpu_s) / IDLE_S
    last = wait_for_all(clients)
    ((seconds, microseconds),) = client.QueryJobs([job_id], ["end_ts"])[0]
    return {
        "watchers_1000_kb_each": more_memory / count,
        "watchers_1000_threads": more_threads,
        "watchers_1000_idle_cpu": idle_cpu,
        "watchers_1000_told_s": last - seconds - microseconds / 1e6,
    }


def watcher(job_id):
    """A client that knows that the job runs, and waits for more."""
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(Paths().master_socket)
    args = [job_id, ["status"], ["running"], LONG_S, 60]
    sock.sendall(framing.encode({"method": "WaitForJobChange", "args": args}))
    return sock


def wait_for_all(clients):
    """When the last of them was answered."""
    selector = selectors.DefaultSelector()
    for sock in clients:
        selector.register(sock, selectors.EVENT_READ)
    while selector.get_map():
        for key, _ in selector.select():
            answer = framing.decode(key.fileobj.recv(65536).removesuffix(framing.END))
            if answer["result"][0] != ["success"]:
                raise SystemExit(f"a client was told {answer}")
            selector.unregister(key.fileobj)
            key.fileobj.close()
    return time.time()


def main():
    what, count = sys.argv[1], int(sys.argv[2])
    with Client(Paths()) as client:
        print(json.dumps({"fill": fill, "empty": empty, "watchers": watchers}[what](client, count)))


if __name__ == "__main__":
    main()
