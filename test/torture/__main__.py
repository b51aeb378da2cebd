# SPDX-License-Identifier: GPL-2.0-or-later
"""`make torture KILLS=N`: work at random, kill the master at random, look whether it kept its word.

    make torture                    20 kills
    make torture KILLS=500 SEED=7   the long run; the same seed makes the same plan

One round: clients work (`load`), the master daemon is killed or its host loses its power, it is started
again, and what is there (`look`) is compared with what was acknowledged (`ledger`). The first problem ends
the run, and the lab is left for whoever wants to look into it.
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
from test.lab.lab import Lab
from test.lab.main import say
from test.lab.places import lab_place
from test.torture.ledger import HOOKS, Ledger, Seen
from test.torture.weather import WEATHER

NAME = "torture"
HOSTS = 3
KILLS, SEED = 20, 1
LOAD = Path(__file__).with_name("load.py").read_text()
LOOK = Path(__file__).with_name("look.py").read_text()
ROUND_S = 180
VERIFY_S = 120
POWER_CUTS, BAD_WEATHER = 0.1, 0.2
CATCH_UP_S, AGAIN_S = 40.0, 0.5
LONGEST_S = 1.5
HOOK = """#!/bin/sh
echo "$GANETI_HOOKS_PATH $GANETI_INSTANCE_NAME" >> /root/hooks.log
"""
PYTHON = ["/usr/bin/python3", "-Es", "-"]
UTIL = "/usr/lib/ganeti/daemon-util"


class Torture:
    """A cluster, and what it has promised."""

    def __init__(self, lab: Lab, seed: int) -> None:
        self._lab, self._random, self._seed = lab, random.Random(seed), seed
        self._master = lab.hosts[0]
        self.ledger, self.counts = Ledger(), Counter[str]()

    def prepare(self) -> None:
        """Hooks that write down what is executed, on the master, where all of them run."""
        for path in HOOKS.values():
            place = f"/etc/ganeti/hooks/{path}-pre.d"
            self._master.run(["mkdir", "-p", place])
            script = f"cat > {place}/torture && chmod 755 {place}/torture && sync"
            self._master.run(["sh", "-c", script], stdin=HOOK)

    def round(self, number: int) -> list[str]:
        """Work, kill, start again; what is wrong afterwards."""
        is_power_cut = self._random.random() < POWER_CUTS
        self.counts["power cut" if is_power_cut else "kill"] += 1
        if self._random.random() < BAD_WEATHER and not is_power_cut:
            self._in_bad_weather(self._random.choice(list(WEATHER)), number)
        else:
            self._work(number)
            if is_power_cut:
                faults.kill(self._lab, self._master)
                faults.boot(self._lab, self._master)
            self._start()
        problems = self.ledger.check(self._look())
        if is_power_cut:  # guests end with their host, and nobody has started them again
            self.ledger.interrupted |= self.ledger.instances()
        return problems or self._complaints()

    def _in_bad_weather(self, name: str, number: int) -> None:
        self.counts[name] += 1
        weather = WEATHER[name]
        host = self._master if weather.of_master else self._random.choice(self._lab.hosts[1:])
        weather.begin(self._lab, host)
        self._work(number)
        if not weather.before_start:
            self._start()
        weather.end(self._lab, host)
        if weather.before_start:
            self._start()

    def _start(self) -> None:
        self._master.run([UTIL, "start", "ganeti-masterd"], timeout_s=ROUND_S)

    def _work(self, number: int) -> None:
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


def run(lab: Lab, kills: int, seed: int) -> list[str]:
    """Rounds until one finds something wrong."""
    torture = Torture(lab, seed)
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
    return []


def main() -> int:
    arguments = dict(word.split("=", 1) for word in sys.argv[1:])
    kills, seed = int(arguments.get("KILLS") or KILLS), int(arguments.get("SEED") or SEED)
    lab = Lab(lab_place(NAME))
    lab.up(HOSTS, say)
    cluster.make(lab, cluster.Wish("fake"), say)
    problems = run(lab, kills, seed)
    for text in problems:
        print(text)
    if problems:
        print(f"the lab is left as it is: tools/ganeti-lab shell --name {NAME} node1")
        return 1
    lab.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
