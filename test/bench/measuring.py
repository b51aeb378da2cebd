# SPDX-License-Identifier: GPL-2.0-or-later
"""What all measurements need: what is asked for, where figures go, labs, and programs in their hosts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from test.lab import cluster
from test.lab.hosts import Host
from test.lab.lab import Lab
from test.lab.places import lab_place

HERE = Path(__file__).parent
PROGRAMS = ("probe.py", "probe_queue.py", "stub_nodes.py")
"""They run inside hosts, and need only the installed product and each other."""
PLACE = "/root/bench"
DAEMON_UTIL = "/usr/lib/ganeti/daemon-util"
MEASURE_S = 900

Figures = dict[str, float]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@dataclass
class Bench:
    """What is asked for, and what was found."""

    wanted: str | None
    figures: Figures = field(default_factory=dict)

    def asked(self, *keys: str) -> bool:
        return self.wanted is None or self.wanted in keys

    def note(self, key: str, value: float) -> None:
        self.figures[key] = value
        say(f"{key}: {value:.6g}")

    def measure(self, key: str, take: Callable[[], float]) -> None:
        if self.asked(key):
            self.note(key, take())

    def note_asked(self, found: Mapping[str, float]) -> None:
        """Of what was measured on the way to one figure, only that one counts."""
        for key, value in found.items():
            self.measure(key, lambda v=value: v)  # type: ignore[misc]


def program(name: str, *argv: str) -> list[str]:
    """What runs one of the programs in a host."""
    return ["/usr/bin/python3", "-Es", f"{PLACE}/{name}", *argv]


def probed(host: Host, what: str, count: int, *argv: str) -> float:
    """A measurement inside a host."""
    return float(_answer(host, program("probe.py", what, str(count), *argv)))


def probed_queue(host: Host, what: str, count: int) -> Figures:
    """Several that come one after the other."""
    found: Figures = _answer(host, program("probe_queue.py", what, str(count)))
    return found


def _answer(host: Host, argv: list[str]) -> Any:
    return json.loads(host.run(argv, timeout_s=MEASURE_S))


def stop_master(host: Host) -> None:
    host.run([DAEMON_UTIL, "stop", "ganeti-masterd"])


@contextmanager
def lab_of(count: int, name: str, *, members: int | None = None) -> Iterator[Lab]:
    """Hosts, of which the first ones (all, if not told otherwise) are a cluster."""
    lab = Lab(lab_place(name))
    lab.up(count, say)
    try:
        for host in lab.hosts:
            _put_programs(host)
        cluster.make(lab, cluster.Wish("fake"), say, lab.hosts[:members])
        yield lab
    finally:
        lab.down()


def _put_programs(host: Host) -> None:
    host.run(["mkdir", "-p", PLACE])
    for name in PROGRAMS:
        put_file(host, f"{PLACE}/{name}", (HERE / name).read_text())


def put_file(host: Host, path: str, text: str) -> None:
    """Write a file in a host, in place of one that is there: it keeps its owner."""
    write = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    host.run(["/usr/bin/python3", "-c", write, path], stdin=text)
