# SPDX-License-Identifier: GPL-2.0-or-later
"""Waits until nothing runs, then prints what there is, as one JSON object.

What can be judged without knowing what was asked (a file that cannot be read, a port that belongs to
nobody) is listed under `wrong`.
"""

from __future__ import annotations

import collections
import json
import os
import re
import time
from collections.abc import Iterator
from typing import Any

from ganeti.contracts.node.sender import read_epoch
from ganeti.luxi.client import Client
from ganeti.model import ports
from ganeti.paths import Paths

FINAL = ("success", "error", "canceled")
QUIET_S = 60
HOOKS_LOG = "/root/hooks.log"
DATA, QUEUE, RUN = "/var/lib/ganeti", "/var/lib/ganeti/queue", "/run/ganeti"
UNFINISHED = re.compile(r"\..+\.[0-9a-f]{12}\.new")
SETTLES_S = 1.0
DAEMONS = ("ganeti-masterd", "ganeti-noded")

Raw = dict[str, Any]
Jobs = dict[int, tuple[str, list[int]]]


def until_quiet(client: Client) -> Jobs:
    deadline = time.monotonic() + QUIET_S
    while True:
        rows = client.QueryJobs([], ["id", "status", "oppriority"])
        found = {job_id: (status, priorities) for job_id, status, priorities in rows}
        if all(status in FINAL for status, _ in found.values()) or time.monotonic() > deadline:
            return found
        time.sleep(0.02)


def archived() -> list[int]:
    names = [name for _, _, names in os.walk(f"{QUEUE}/archive") for name in names]
    return sorted(int(m[1]) for name in names if (m := re.fullmatch(r"job-(\d+)", name)))


def read(path: str) -> str:
    with open(path) as file:
        return file.read()


def instances(raw: Raw) -> Raw:
    """State, processors, tags."""
    return {
        one["name"]: [one["admin_state"], one["beparams"].get("vcpus"), sorted(one.get("tags", []))]
        for one in raw["instances"].values()
    }


def nodes(raw: Raw) -> Raw:
    """Role, and whether it can become master; the master is a candidate."""
    return {one["name"]: [role(one), one["master_capable"]] for one in raw["nodes"].values()}


def role(node: Raw) -> str:
    marks = {"offline": "offline", "drained": "drained", "master_candidate": "candidate"}
    return next((name for flag, name in marks.items() if node[flag]), "regular")


def homes(raw: Raw) -> Raw:
    """The primary node of each instance."""
    return {
        one["name"]: raw["nodes"][one["primary_node"]]["name"] for one in raw["instances"].values()
    }


def hooks() -> list[list[Any]]:
    """How often each hook ran for each instance, as the hook wrote down; a power cut leaves zeros."""
    if not os.path.exists(HOOKS_LOG):
        return []
    counts = collections.Counter(
        tuple(line.strip("\0\n").split()) for line in read(HOOKS_LOG).splitlines()
    )
    return [[*words, count] for words, count in counts.items() if len(words) == 2]


def held_locks(client: Client) -> list[str]:
    answer = client.Query("lock", ["name", "owner", "pending"], None)
    return [name for (_, name), (_, owner), (_, waits) in answer["data"] if owner or waits]


def left_over() -> set[str]:
    """Temporary files that stay: one may be a write of this moment, when a candidate has caught up."""
    found = unfinished()
    if found:
        time.sleep(SETTLES_S)
    return found & unfinished()


def unfinished() -> set[str]:
    return {
        f"{directory}/{name}"
        for directory in (DATA, QUEUE)
        for name in os.listdir(directory)
        if UNFINISHED.fullmatch(name)
    }


def wrong(raw: Raw) -> Iterator[str]:
    yield from wrong_ports(raw)
    yield from wrong_disks(raw)
    for path in left_over():
        yield f"{path} is left over from a write that broke off"
    for directory in (DATA, QUEUE):
        for name in os.listdir(directory):
            if name.startswith("job-"):
                yield from unreadable(f"{directory}/{name}")


def unreadable(path: str) -> Iterator[str]:
    try:
        json.loads(read(path))
    except FileNotFoundError:
        pass  # archived at this moment
    except ValueError as err:
        yield f"{path} cannot be read: {err}"


def wrong_ports(raw: Raw) -> Iterator[str]:
    """Each port up to the highest that ever was used belongs to an instance, or is free."""
    found = [one.get("network_port") for one in raw["instances"].values()]
    used = [port for port in found if port]
    free = raw["cluster"]["tcpudp_port_pool"]
    known = range(ports.FIRST_PORT, raw["cluster"]["highest_used_port"] + 1)
    if sorted([*used, *free]) != list(known):
        yield f"of the ports {known} {sorted(used)} are used and {sorted(free)} are free"


def wrong_disks(raw: Raw) -> Iterator[str]:
    owned = sorted(uuid for one in raw["instances"].values() for uuid in one["disks"])
    if owned != sorted(raw["disks"]):
        yield f"there are the disks {sorted(raw['disks'])}, and instances own {owned}"


def memory_kb(daemon: str) -> int:
    try:
        status = read(f"/proc/{int(read(f'{RUN}/{daemon}.pid'))}/status")
    except (OSError, ValueError):
        return 0
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) if found else 0


def main() -> None:
    with Client(Paths()) as client:
        jobs = until_quiet(client)
        locks = held_locks(client)
    raw = json.loads(read(f"{DATA}/config.data"))
    found = {
        "jobs": sorted(jobs.items()),
        "archived": archived(),
        "tags": raw["cluster"].get("tags") or [],
        "cpus": raw["cluster"]["beparams"]["default"]["vcpus"],
        "filters": {uuid: one["priority"] for uuid, one in raw["filters"].items()},
        "is_drained": os.path.exists(f"{QUEUE}/drain"),
        "instances": instances(raw),
        "nodes": nodes(raw),
        "homes": homes(raw),
        "hooks": hooks(),
        "serials": {
            "configuration": raw["serial_no"],
            "queue": int(read(f"{QUEUE}/serial")),
            "epoch": read_epoch(f"{DATA}/master-epoch"),
        },
        "held_locks": locks,
        "wrong": list(wrong(raw)),
        "memory_kb": {daemon: memory_kb(daemon) for daemon in DAEMONS},
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
