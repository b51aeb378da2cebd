#!/usr/bin/python3 -Es
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs inside the master's host: random work for the master daemon, until the daemon is gone.

    load.py ROUND SEED KILL_AFTER_S

Some threads, each a client with things of its own, so that it knows their order. What is about to be
asked, what was acknowledged and how jobs ended is told line by line, as JSON, before the next step. After
so many seconds the daemon is killed; with 0 it ends otherwise, and this program waits for that.

Needs only the installed product.
"""

import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

sys.path.insert(0, "/usr/share/ganeti")

from ganeti.errors import GenericError, JobQueueError
from ganeti.luxi.client import Client
from ganeti.paths import Paths

THREADS = 4
FINAL = ("success", "error", "canceled")
ALL_GONE_S = 3
CONNECT_S = 0.2
REFUSED_S = 0.05
MOST_INSTANCES = 8
_PRINTING = threading.Lock()


def tell(**event: Any) -> None:
    with _PRINTING:
        print(json.dumps(event), flush=True)


class Worker:
    """One client; `number` makes its names its own."""

    def __init__(self, round_: str, number: int, seed: str) -> None:
        self.prefix = f"{round_}-{number}"
        self.random = random.Random(f"{seed}-{number}")
        self.number, self.counter = number, 0
        self.instances: list[str] = []
        self.ended: list[int] = []

    def run(self) -> None:
        try:
            with Client(Paths(), connect_timeout_s=CONNECT_S) as client:
                self.client = client
                self.instances = [n for n in self.all_instances() if mine(n, self.number)]
                while True:
                    self.act()
        except (GenericError, OSError) as err:
            tell(lost=str(err))

    def act(self) -> None:
        try:
            self.random.choice(self.actions())()
        except JobQueueError as err:  # a full disk, say
            tell(refused=str(err))
            time.sleep(REFUSED_S)

    def all_instances(self) -> list[str]:
        return sorted(row[0] for row in self.client.QueryInstances([], ["name"], False))

    def actions(self) -> list[Callable[[], None]]:
        """What can be done now; what is named twice is done more often."""
        found = [self.tag, self.tag, self.delay, self.cancel, self.parameter]
        if self.ended:
            found.append(self.archive)
        if len(self.instances) < MOST_INSTANCES:
            found += [self.add, self.add]
        if self.instances:
            found += [self.start, self.stop, self.resize, self.remove]
        return found

    def name(self) -> str:
        self.counter += 1
        return f"{self.prefix}-{self.counter}"

    def submit(self, what: list[Any], op: dict[str, Any]) -> int:
        """Submit a job; `what` is what it does, as the ledger understands it."""
        key = self.name()
        tell(attempt=key, what=what)
        job_id = self.client.SubmitJob([dict(op, reason=[])])
        tell(attempt=key, job=job_id)
        return job_id

    def carry_out(self, what: list[Any], op: dict[str, Any]) -> str:
        """Submit a job and see its end; its status."""
        return self.end_of(self.submit(what, op))

    def end_of(self, job_id: int) -> str:
        info: list[Any] | None = None
        serial = -1
        while True:
            answer = self.client.WaitForJobChange(job_id, ["status"], info, serial, 30)
            if answer == "nochange":
                continue
            info, entries = answer
            serial = entries[-1][0] if entries else serial
            if info[0] in FINAL:
                tell(job=job_id, end=info[0])
                self.ended.append(job_id)
                return str(info[0])

    def tag(self) -> None:
        tag = f"tag-{self.name()}"
        op = {"OP_ID": "OP_TAGS_SET", "kind": "cluster", "name": None, "tags": [tag]}
        if self.random.random() < 0.3:
            self.submit(["tag", tag], op)
        else:
            self.carry_out(["tag", tag], op)

    def parameter(self) -> None:
        if self.number != 0:
            return
        value = self.random.randint(1, 8)
        beparams = {"vcpus": value}
        self.carry_out(["cpus", value], {"OP_ID": "OP_CLUSTER_SET_PARAMS", "beparams": beparams})

    def delay(self) -> None:
        duration = self.random.choice([0.001, 0.01, 0.2])
        self.submit(
            ["delay"],
            {"OP_ID": "OP_TEST_DELAY", "duration": duration, "on_master": True, "on_nodes": []},
        )

    def cancel(self) -> None:
        """Some wait for the lock that the first of them holds."""
        op = {"OP_ID": "OP_TEST_DELAY", "duration": 0.1, "on_master": True, "on_nodes": []}
        jobs = [self.submit(["delay"], op) for _ in range(2)]
        done, _text = self.client.CancelJob(jobs[-1], False)
        if done:
            tell(job=jobs[-1], cancelled=True)

    def archive(self) -> None:
        job_id = self.ended.pop(0)
        tell(archiving=job_id)
        self.client.ArchiveJob(job_id)

    def add(self) -> None:
        name = f"i-{self.name()}.lab"
        op = {
            "OP_ID": "OP_INSTANCE_CREATE",
            "instance_name": name,
            "mode": "create",
            "disk_template": "diskless",
            "disks": [],
            "nics": [{}],
            "os_type": "lab-guest+default",
            "no_install": True,
            "start": False,
            "ip_check": False,
            "name_check": False,
            "wait_for_sync": True,
            "hypervisor": "fake",
            "pnode": self.random.choice(["node1.lab", "node2.lab"]),
        }
        if self.carry_out(["add", name], op) == "success":
            self.instances.append(name)

    def change(self, kind: str, op_id: str, *values: Any, **more: Any) -> tuple[str, str]:
        name = self.random.choice(self.instances)
        op = {"OP_ID": op_id, "instance_name": name, **more}
        return name, self.carry_out([kind, name, *values], op)

    def start(self) -> None:
        self.change("start", "OP_INSTANCE_STARTUP")

    def stop(self) -> None:
        self.change("stop", "OP_INSTANCE_SHUTDOWN", timeout=1)

    def resize(self) -> None:
        value = self.random.randint(1, 8)
        self.change("resize", "OP_INSTANCE_SET_PARAMS", value, beparams={"vcpus": value})

    def remove(self) -> None:
        if self.random.random() < 0.5:
            return
        name, status = self.change("remove", "OP_INSTANCE_REMOVE", ignore_failures=True)
        if status == "success":
            self.instances.remove(name)


def mine(name: str, number: int) -> bool:
    """Whether the instance belongs to that thread: names say who made them."""
    return name.split("-")[2:3] == [str(number)]


def master_pid() -> int:
    with open("/run/ganeti/ganeti-masterd.pid") as file:
        return int(file.read())


def is_alive(pid: int) -> bool:
    """A process that has ended and that nobody has buried has an empty command line."""
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return bool(file.read())
    except FileNotFoundError:
        return False


def wait_gone(pid: int) -> None:
    """Until the process has ended."""
    deadline = time.monotonic() + ALL_GONE_S
    while is_alive(pid):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            tell(late=True)
        time.sleep(0.002)


def main() -> None:
    round_, seed, kill_after_s = sys.argv[1], sys.argv[2], float(sys.argv[3])
    pid = master_pid()
    threads = [
        threading.Thread(target=Worker(round_, number, seed).run) for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    if kill_after_s:
        time.sleep(kill_after_s)
        os.kill(pid, signal.SIGKILL)
    wait_gone(pid)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
