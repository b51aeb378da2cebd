# SPDX-License-Identifier: GPL-2.0-or-later
"""`make torture KILLS=N`: work at random, kill the master at random, look whether it kept its word.

    make torture                    20 kills
    make torture KILLS=500 SEED=7   the long run; the same seed makes the same plan
    make torture SABOTAGE=no-fsync  with a master that lies (`inside.cutting`): this must fail

One round (`rounds`): clients work (`inside.work`), the master daemon is killed at some moment or at a named
point (`points`, `inside.cutting`), or its host loses its power, perhaps in bad weather (`weather`); it is
started again, or another host takes over, and what is there (`inside.look`) is compared with what was
acknowledged (`ledger`). The first problem ends the run; files and logs are kept, and so is the lab.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

from test.lab import cluster
from test.lab.lab import Lab
from test.lab.main import say
from test.lab.places import lab_place
from test.lab.programs import LabError
from test.torture import evidence
from test.torture.points import POINTS
from test.torture.rounds import NONE, Torture

NAME = "torture"
HOSTS = 3
KILLS, SEED = 20, 1
ENOUGH = 50
"""In so many rounds everything that the clients can ask for must have happened."""
WISH = cluster.Wish("fake,kvm")


def run(lab: Lab, kills: int, seed: int, sabotage: str = NONE) -> list[str]:
    """Rounds until one finds something wrong."""
    torture = Torture(lab, seed, sabotage)
    torture.prepare()
    started = time.monotonic()
    for number in range(1, kills + 1):
        try:
            problems = torture.round(number)
        except LabError as err:
            problems = [str(err)]
        if problems:
            problems = [f"after kill {number} (seed {seed}; {torture.what}):", *problems]
            name = f"seed-{seed}-kill-{number}"
            place = evidence.keep(lab, name, problems, torture.lines, torture.ledger)
            return [*problems, f"files and logs are in {place}"]
        say(f"kill {number} of {kills}: {torture.what}; {pace(started, number, kills)}")
    for line in summary(torture, kills, seed, time.monotonic() - started):
        say(line)
    return torture.ledger.idle() if kills >= ENOUGH else []


def pace(started: float, number: int, kills: int) -> str:
    each_s = (time.monotonic() - started) / number
    return f"{each_s:.1f} s each, {each_s * (kills - number) / 60:.0f} min left"


def summary(torture: Torture, kills: int, seed: int, took_s: float) -> list[str]:
    """What was done, to be put into a note."""
    points = (f"{name} {torture.reached[name]}/{torture.tried[name]}" for name in POINTS)
    return [
        f"torture: {kills} kills, seed {seed}, {took_s / 60:.0f} min: nothing is lost",
        f"rounds: {_counts(torture.kinds)}",
        f"weather: {_counts(torture.weathers)}",
        f"points (reached/tried): {', '.join(points)}",
        f"jobs: {_counts(torture.ledger.ends())}",
        f"asked of jobs: {_counts(torture.ledger.wishes())}",
        f"changes that were acknowledged: {_counts(torture.ledger.kinds())}",
        f"most: {_counts(torture.most)}",
    ]


def _counts(counts: Mapping[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {count}" for name, count in ranked)


def main() -> int:
    arguments = dict(word.split("=", 1) for word in sys.argv[1:])
    kills, seed = int(arguments.get("KILLS") or KILLS), int(arguments.get("SEED") or SEED)
    sabotage, name = arguments.get("SABOTAGE") or NONE, arguments.get("NAME") or NAME
    lab = Lab(lab_place(name))
    lab.up(HOSTS, say)
    cluster.make(lab, WISH, say)
    problems = run(lab, kills, seed, sabotage)
    for text in problems:
        say(text)
    if problems:
        say(f"the lab is left as it is: tools/ganeti-lab shell --name {name} node1")
        return 1
    lab.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
