#!/usr/bin/python3 -Es
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs inside the master's host: waits until nothing runs, then prints what there is, as one JSON object.

Needs only the installed product.
"""

import collections
import json
import os
import re
import sys
import time
from typing import Any

sys.path.insert(0, "/usr/share/ganeti")

from ganeti.luxi.client import Client
from ganeti.paths import Paths

FINAL = ("success", "error", "canceled")
QUIET_S = 60
HOOKS_LOG = "/root/hooks.log"
QUEUE = "/var/lib/ganeti/queue"


def statuses(client: Client) -> dict[int, str]:
    return {row[0]: row[1] for row in client.QueryJobs([], ["id", "status"])}


def until_quiet(client: Client) -> dict[int, str]:
    deadline = time.monotonic() + QUIET_S
    while time.monotonic() < deadline:
        found = statuses(client)
        if all(status in FINAL for status in found.values()):
            break
        time.sleep(0.02)
    return found


def archived() -> list[int]:
    names = [name for _, _, names in os.walk(f"{QUEUE}/archive") for name in names]
    return sorted(int(m[1]) for name in names if (m := re.fullmatch(r"job-(\d+)", name)))


def config() -> Any:
    with open("/var/lib/ganeti/config.data") as file:
        return json.load(file)


def instances(raw: Any) -> dict[str, Any]:
    return {
        one["name"]: [one["admin_state"], one["beparams"].get("vcpus")]
        for one in raw["instances"].values()
    }


def hooks() -> list[list[Any]]:
    """How often each hook ran for each instance, as the hook wrote down; a power cut leaves zeros."""
    if not os.path.exists(HOOKS_LOG):
        return []
    with open(HOOKS_LOG) as file:
        counts = collections.Counter(tuple(line.strip("\0\n").split()) for line in file)
    return [[*words, count] for words, count in counts.items() if len(words) == 2]


def held_locks(client: Client) -> list[str]:
    answer = client.Query("lock", ["name", "owner"], None)
    return [name for (_, name), (_, owner) in answer["data"] if owner]


def main() -> None:
    with Client(Paths()) as client:
        jobs = until_quiet(client)
        locks = held_locks(client)
    raw = config()
    with open(f"{QUEUE}/serial") as file:
        queue_serial = int(file.read())
    found = {
        "jobs": sorted(jobs.items()),
        "archived": archived(),
        "tags": raw["cluster"].get("tags") or [],
        "cpus": raw["cluster"]["beparams"]["default"]["vcpus"],
        "instances": instances(raw),
        "hooks": hooks(),
        "serials": {"configuration": raw["serial_no"], "queue": queue_serial},
        "held_locks": locks,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
