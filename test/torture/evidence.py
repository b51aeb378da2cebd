# SPDX-License-Identifier: GPL-2.0-or-later
"""What is kept of a run that found something wrong, so that one can understand it later."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from test.lab import programs
from test.lab.hosts import Host, State
from test.lab.lab import Lab
from test.torture.ledger import Ledger

KEPT = ["/var/lib/ganeti", "/var/log/ganeti", "/root/hooks.log"]
PLACE = programs.TREE / "build/torture"


def keep(lab: Lab, name: str, problems: Iterable[str], told: Iterable[str], ledger: Ledger) -> Path:
    """A directory with what is wrong, what the clients were told last, all attempts, and the files and
    logs of each host that runs."""
    place = PLACE / name
    place.mkdir(parents=True, exist_ok=True)
    (place / "problems").write_text("".join(f"{text}\n" for text in problems))
    (place / "last-round").write_text("".join(told))
    attempts = (json.dumps({"key": key, **asdict(one)}) for key, one in ledger.attempts.items())
    (place / "attempts").write_text("".join(f"{line}\n" for line in attempts))
    for host in lab.hosts:
        if host.state is State.UP:
            _keep_files(lab, host, place / host.name)
    return place


def _keep_files(lab: Lab, host: Host, target: Path) -> None:
    """By way of the directory that all hosts share."""
    name = f"{host.name}.tar"
    shared = "/srv/ganeti/shared-file-storage"
    host.outcome(["tar", "--ignore-failed-read", "-cf", f"{shared}/{name}", *KEPT])
    packed = lab.place.shared / name
    target.mkdir(exist_ok=True)
    programs.run(["tar", "-C", str(target), "--no-same-owner", "-xf", str(packed)])
    packed.unlink()
