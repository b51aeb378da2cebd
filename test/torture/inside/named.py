# SPDX-License-Identifier: GPL-2.0-or-later
"""What the part of `gnt-cluster verify` says that looks at the configuration only, and asks no node."""

from __future__ import annotations

from typing import Any

from ganeti.luxi.client import Client
from ganeti.paths import Paths

FINAL = ("success", "error", "canceled")


def main() -> None:
    with Client(Paths()) as client:
        job_id = client.SubmitJob([{"OP_ID": "OP_CLUSTER_VERIFY_CONFIG", "error_codes": True}])
        info: list[Any] = [None]
        while info[0] not in FINAL:
            answer = client.WaitForJobChange(job_id, ["status"], info, -1, 30)
            info = info if answer == "nochange" else answer[0]
        [(log,)] = client.QueryJobs([job_id], ["oplog"])
    for entry in log[0]:
        print(entry[-1])


if __name__ == "__main__":
    main()
