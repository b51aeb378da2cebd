# SPDX-License-Identifier: GPL-2.0-or-later
"""`make torture KILLS=N`: work at random, kill the master at random, look whether it kept its word.

    make torture                    20 kills
    make torture KILLS=500 SEED=7   the long run; the same seed makes the same plan
    make torture SABOTAGE=no-fsync  with a master that lies (`cutting`): this must fail

One round: clients work (`load`), the master daemon is killed at some moment or at a named point
(`cutting`), or its host loses its power, perhaps in bad weather (`weather`); it is started again, or
another host takes over, and what is there (`look`) is compared with what was acknowledged (`ledger`). The
first problem ends the run, and the lab is left for whoever wants to look into it.
"""

from __future__ import annotations

import json
import random
import re
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from test.lab import cluster, faults
from test.lab.hosts import Host
from test.lab.lab import Lab
from test.lab.main import say
from test.lab.places import lab_place
from test.lab.programs import LabError
from test.torture.ledger import HOOKS, Ledger, Seen
from test.torture.weather import WEATHER

NAME = "torture"
HOSTS = 3
KILLS, SEED, NONE = 20, 1, "none"
LOAD = Path(__file__).with_name("load.py").read_text()
LOOK = Path(__file__).with_name("look.py").read_text()
CUTTING = Path(__file__).with_name("cutting.py").read_text()
REACHED = "/root/reached"
MOST_POINTS = 1500
WAITS = 0.0
ROUND_S = 180
VERIFY_S = 120
CATCH_UP_S, AGAIN_S = 40.0, 0.5
LONGEST_S = 1.5
HOOK = """#!/bin/sh
echo "$GANETI_HOOKS_PATH $GANETI_INSTANCE_NAME" >> /root/hooks.log
"""
PYTHON = ["/usr/bin/python3", "-Es", "-"]
UTIL = "/usr/lib/ganeti/daemon-util"


class Torture:
    """A cluster, and what it has promised."""

    def __init__(self, lab: Lab, seed: int, sabotage: str) -> None:
        self._lab, self._random, self._seed = lab, random.Random(seed), seed
        self._sabotage = sabotage
        self._master = lab.hosts[0]
        self.ledger, self.counts, self.reached = Ledger(), Counter[str](), Counter[str]()

    def prepare(self) -> None:
        """Hooks that write down what is executed, on each host: all of them run on the master."""
        places = [f"/etc/ganeti/hooks/{path}-pre.d" for path in HOOKS.values()]
        script = f"mkdir -p {' '.join(places)}; tee {'/torture '.join(places)}/torture >/dev/null"
        script += f"; chmod 755 {'/torture '.join(places)}/torture; sync"
        for host in self._lab.hosts:
            host.run(["sh", "-c", script], stdin=HOOK)
        self.ledger.know(self._look())

    def round(self, number: int) -> list[str]:
        """Work, kill, start again; what is wrong afterwards."""
        kinds = {self._kill: 4, self._cut: 3, self._power_cut: 1, self._weather: 1}
        kinds[self._failover] = 1
        [kind] = self._random.choices(list(kinds), list(kinds.values()))
        self.counts[kind.__name__.strip("_")] += 1
        kind(number)
        problems = self.ledger.check(self._look())
        return problems or self._complaints()

    def _kill(self, number: int) -> None:
        """At any moment."""
        self._work(number)
        self._start()

    def _cut(self, number: int) -> None:
        """At a point that has a name; it may be one of the start, or not be reached."""
        self._master.run([UTIL, "stop", "ganeti-masterd"], timeout_s=ROUND_S)
        if self._start_cutting(self._random.randint(1, MOST_POINTS)):
            self._work(number, WAITS)
        self.reached[self._master.outcome(["cat", REACHED]).stdout or "none"] += 1
        self._master.run(["rm", "-f", REACHED])
        self._start()

    def _power_cut(self, number: int) -> None:
        """What was not synced is gone; guests end with their host, and nobody starts them again."""
        self._work(number)
        faults.kill(self._lab, self._master)
        faults.boot(self._lab, self._master)
        self._start()
        self.ledger.guests_ended = True

    def _failover(self, number: int) -> None:
        """The master is lost with all it has, and a candidate that has all takes over."""
        self._work(number)
        lost = self._master
        faults.kill(self._lab, lost)
        self._master = next(host for host in self._others() if self._took_over(host))
        faults.boot(self._lab, lost)
        if not lost.outcome([UTIL, "start", "ganeti-masterd"], timeout_s=ROUND_S).failed:
            raise LabError(f"{lost.name} was the master, and its daemon starts again")
        self.ledger.guests_ended = True

    def _others(self) -> list[Host]:
        return [host for host in self._lab.hosts if host.name != self._master.name]

    def _took_over(self, host: Host) -> bool:
        """False if the other candidate has something newer."""
        done = host.outcome(["gnt-cluster", "master-failover"], timeout_s=ROUND_S)
        if done.failed and "newer" not in done.output:
            raise LabError(f"{host.name} cannot take over: {done.output}")
        return not done.failed

    def _weather(self, number: int) -> None:
        name = self._random.choice(list(WEATHER))
        self.counts[name] += 1
        weather = WEATHER[name]
        host = self._master if weather.of_master else self._random.choice(self._others())
        weather.begin(self._lab, host)
        self._work(number)
        if not weather.before_start:
            self._start()
        weather.end(self._lab, host)
        if weather.before_start:
            self._start()

    def _start(self) -> None:
        if self._sabotage == NONE:
            self._master.run([UTIL, "start", "ganeti-masterd"], timeout_s=ROUND_S)
        else:
            self._start_cutting(0)

    def _start_cutting(self, count: int) -> bool:
        """Start the master daemon that ends at a point; False if that was one of its start."""
        argv = [*PYTHON, str(count), self._sabotage, "--no-voting", "--yes-do-it"]
        return not self._master.outcome(argv, stdin=CUTTING, timeout_s=ROUND_S).failed

    def _work(self, number: int, kill_after_s: float | None = None) -> None:
        if kill_after_s is None:
            kill_after_s = self._random.uniform(0.02, LONGEST_S)
        argv = [*PYTHON, str(number), f"{self._seed}-{number}", str(kill_after_s)]
        said = self._master.run(argv, stdin=LOAD, timeout_s=ROUND_S)
        for line in said.splitlines():
            self.ledger.note(json.loads(line))

    def _look(self) -> Seen:
        found = json.loads(self._master.run(PYTHON, stdin=LOOK, timeout_s=ROUND_S))
        self.counts["most jobs in the queue"] = max(
            self.counts["most jobs in the queue"], len(found["jobs"])
        )
        return Seen(
            jobs=dict(found["jobs"]),
            archived=frozenset(found["archived"]),
            things=_things(found),
            hooks={(path, name): count for path, name, count in found["hooks"]},
            serials=found["serials"],
            held_locks=found["held_locks"],
        )

    def _complaints(self) -> list[str]:
        """What verify complains of; a candidate that was away may take a moment to catch up."""
        deadline = time.monotonic() + CATCH_UP_S
        while (found := self._verify()) and time.monotonic() < deadline:
            time.sleep(AGAIN_S)
        return found

    def _verify(self) -> list[str]:
        """What verify complains of and no interrupted job explains."""
        done = self._master.outcome(["gnt-cluster", "verify", "--error-codes"], timeout_s=VERIFY_S)
        lines = [line for line in done.stdout.splitlines() if re.search(r"- ERROR", line)]
        return [line for line in lines if not self._is_explained(line)]

    def _is_explained(self, line: str) -> bool:
        return any(name in line for name in self.ledger.interrupted)


def _things(found: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    things: dict[tuple[str, ...], Any] = {("tag", tag): True for tag in found["tags"]}
    things |= {("instance", name): value for name, value in found["instances"].items()}
    return {**things, ("cpus",): found["cpus"]}


def run(lab: Lab, kills: int, seed: int, sabotage: str = NONE) -> list[str]:
    """Rounds until one finds something wrong."""
    torture = Torture(lab, seed, sabotage)
    torture.prepare()
    started = time.monotonic()
    for number in range(1, kills + 1):
        problems = torture.round(number)
        if problems:
            return [f"after kill {number} (seed {seed}):", *problems]
        rate = (time.monotonic() - started) / number
        left_s = rate * (kills - number)
        say(f"kill {number} of {kills}: all is as promised; {rate:.1f} s each, {left_s:.0f} s left")
    say(f"jobs: {dict(torture.ledger.ends())}; rounds: {dict(torture.counts)}")
    say(f"points: {dict(torture.reached)}")
    return []


def main() -> int:
    arguments = dict(word.split("=", 1) for word in sys.argv[1:])
    kills, seed = int(arguments.get("KILLS") or KILLS), int(arguments.get("SEED") or SEED)
    sabotage = arguments.get("SABOTAGE") or NONE
    lab = Lab(lab_place(NAME))
    lab.up(HOSTS, say)
    cluster.make(lab, cluster.Wish("fake"), say)
    problems = run(lab, kills, seed, sabotage)
    for text in problems:
        print(text)
    if problems:
        print(f"the lab is left as it is: tools/ganeti-lab shell --name {NAME} node1")
        return 1
    lab.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
