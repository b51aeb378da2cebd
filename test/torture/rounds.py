# SPDX-License-Identifier: GPL-2.0-or-later
"""One round of the torture: clients work, the master ends in some way, and what is there is judged."""

from __future__ import annotations

import json
import random
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ganeti.utils.process import Result
from test.lab import faults
from test.lab.hosts import Host
from test.lab.lab import Lab
from test.lab.programs import TREE, LabError, wait_until
from test.torture.ledger import HOOKS, Ledger, Seen
from test.torture.points import POINTS
from test.torture.weather import WEATHER, Weather

NONE = "none"
REACHED = "/root/reached"
CONFIG = "/var/lib/ganeti/config.data"
RECORD = "/var/lib/ganeti/queue/candidates"
LOST_DATA = "rm -rf /var/lib/ganeti/config.data /var/lib/ganeti/queue/*"
TAKE_OVER = """\
ip neigh flush dev gbr
echo 50 > /proc/sys/net/ipv4/neigh/gbr/retrans_time_ms
exec gnt-cluster master-failover
"""
"""It waits until nobody has the cluster's address, which a host notices after three attempts."""
ROUND_S = 180
VERIFY_S = 120
MOST_ARCHIVED = 1000
CATCH_UP_S, AGAIN_S = 40.0, 0.5
LONGEST_S = 1.5
POINT_S = 2.0
"""A point that was not reached so soon is given up."""
EVER_S = 60.0
WORK_BEGINS_S = 0.3
BEHIND = "is behind"
FEW_CANDIDATES = re.compile(r"there are \d+ master candidates, there should be")
HOOK = """#!/bin/sh
echo "$GANETI_HOOKS_PATH $GANETI_INSTANCE_NAME" >> /root/hooks.log
"""
CODE = "/srv/ganeti/shared-file-storage/torture"
ENV = ["env", f"PYTHONPATH=/usr/share/ganeti:{CODE}"]
UTIL = "/usr/lib/ganeti/daemon-util"


def inside(module: str, *words: str) -> list[str]:
    """What runs a module of `inside` in a host."""
    return [*ENV, "/usr/bin/python3", "-s", "-m", f"test.torture.inside.{module}", *words]


class Torture:
    """A cluster, and what it has promised."""

    def __init__(self, lab: Lab, seed: int, sabotage: str) -> None:
        self._lab, self._random, self._seed = lab, random.Random(seed), seed
        self._sabotage = sabotage
        self._master = lab.hosts[0]
        self.ledger, self.what, self.lines = Ledger(), "", list[str]()
        self.kinds, self.weathers = Counter[str](), Counter[str]()
        self.tried, self.reached = Counter[str](), Counter[str]()
        self.most: dict[str, int] = {}

    def prepare(self) -> None:
        """Bring our programs; hooks on each host write down what is executed."""
        shared = self._lab.place.shared / "torture"
        for source in Path(TREE, "test").glob("torture/**/*.py"):
            target = shared / source.relative_to(TREE)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        (shared / "test/__init__.py").touch()
        places = [f"/etc/ganeti/hooks/{path}-pre.d" for path in HOOKS.values()]
        script = f"mkdir -p {' '.join(places)}; tee {'/torture '.join(places)}/torture >/dev/null"
        script += f"; chmod 755 {'/torture '.join(places)}/torture; sync"
        for host in self._lab.hosts:
            host.run(["sh", "-c", script], stdin=HOOK)
        self._master.run(["gnt-cluster", "modify", "-H", "kvm:kernel_path="])
        self._master.run([UTIL, "stop", "ganeti-masterd"], timeout_s=ROUND_S)
        self._start()
        self.ledger.know(self._look())

    def round(self, number: int) -> list[str]:
        """Work, kill, start again; what is wrong afterwards."""
        kinds: dict[Callable[[int], list[str]], int] = {
            self._kill: 3,
            self._point: 4,
            self._power_cut: 1,
            self._weather: 1,
            self._failover: 1,
        }
        [kind] = self._random.choices(list(kinds), list(kinds.values()))
        self.what = kind.__name__.strip("_").replace("_", " ")
        self.kinds[self.what] += 1
        if problems := kind(number):
            return problems
        seen = self._look()
        problems = self.ledger.check(seen)
        if seen.things["drain",]:
            self._undrain()
        if len(seen.archived) > MOST_ARCHIVED:
            self._clean(seen)
        return problems or self._complaints(seen)

    # How the master ends.

    def _kill(self, number: int) -> list[str]:
        """At any moment."""
        self._work(number, self._moment())
        return self._start()

    def _point(self, number: int) -> list[str]:
        """At a point that has a name; it may be one of the start, or not be reached."""
        point = self._random.choice(list(POINTS))
        count = self._random.randint(1, POINTS[point].often)
        self.what = f"{point}, {count}"
        self.tried[point] += 1
        self._master.run([UTIL, "stop", "ganeti-masterd"], timeout_s=ROUND_S)
        if not self._start_cutting(point, count).failed:
            self._work(number, 0, POINTS[point].favourite)
        self.reached[point] += not self._master.outcome(["rm", REACHED]).failed
        return self._start()

    def _power_cut(self, number: int) -> list[str]:
        """What was not synced is gone; guests end with their host, and nobody starts them again.

        Every other time the master ends a moment before, so that it syncs nothing any more by what it
        writes next."""
        if number % 2:
            self._work_until(number, lambda: faults.kill(self._lab, self._master))
        else:
            self._work(number, self._moment())
            faults.kill(self._lab, self._master)
        faults.boot(self._lab, self._master)
        self.ledger.powerless.add(self._master.address.fqdn)
        return self._start()

    def _failover(self, number: int) -> list[str]:
        """The master is lost with all it has, and a candidate that has all takes over."""
        lost = self._master
        self.ledger.all_there = False
        is_off = self._random.random() < 0.3
        if is_off:
            self.what = "failover, host off"
            self._work_until(number, lambda: faults.kill(self._lab, lost))
            self.ledger.powerless.add(lost.address.fqdn)
        else:
            self.what = "failover, data lost"
            self._work(number, self._moment())
            if not self._has_heir(lost):
                return self._live_on()
            lost.run(["sh", "-c", LOST_DATA])
        refusals = list[str]()
        taker = next((host for host in self._others() if self._takes_over(host, refusals)), None)
        if is_off:
            faults.boot(self._lab, lost)
        if taker is None:
            is_sad = not is_off or self._has_heir(lost)
            return refusals if is_sad else self._live_on()
        self._master = taker
        self.ledger.know_drained(False)
        if not lost.outcome([UTIL, "start", "ganeti-masterd"], timeout_s=ROUND_S).failed:
            return [f"{lost.name} was the master, and its daemon starts again"]
        return []

    def _has_heir(self, host: Host) -> bool:
        """Whether a candidate has all that the master promised: the one that had may be none any more."""
        in_sync = json.loads(host.run(["cat", RECORD]))["in_sync"]
        nodes = json.loads(host.run(["cat", CONFIG]))["nodes"].values()
        return any(node["master_candidate"] and node["uuid"] in in_sync for node in nodes)

    def _live_on(self) -> list[str]:
        self.what += ", but nobody else has all"
        return self._start()

    def _others(self) -> list[Host]:
        return [host for host in self._lab.hosts if host.name != self._master.name]

    def _takes_over(self, host: Host, refusals: list[str]) -> bool:
        """False if it is no candidate, or the other one has something newer."""
        done = host.outcome(["sh", "-c", TAKE_OVER], timeout_s=ROUND_S)
        if done.failed:
            refusals.append(f"{host.name} cannot take over: {done.output}")
            if "newer" not in done.output and "candidate" not in done.output:
                raise LabError(refusals[-1])
        return not done.failed

    def _weather(self, number: int) -> list[str]:
        name = self._random.choice(list(WEATHER))
        self.what = name
        self.weathers[name] += 1
        self.ledger.all_there = False
        weather = WEATHER[name]
        host = self._master if weather.of_master else self._random.choice(self._others())
        problems: list[str] = []
        with weather.climate(self._lab, host):
            self._work(number, self._moment())
            if not weather.before_start:
                problems = self._start() or self._is_named(host, weather)
        if weather.ends_guests:
            self.ledger.powerless.add(host.address.fqdn)
        return problems or (self._start() if weather.before_start else [])

    def _is_named(self, host: Host, weather: Weather) -> list[str]:
        """A candidate that lacks something is named by verify, unless it was made none."""
        if not weather.leaves_behind:
            return []
        name = host.address.fqdn
        found = self._now()
        if found["nodes"][name][0] != "candidate":
            return []
        try:
            wait_until(lambda: f"{name} {BEHIND}" in self._named(), CATCH_UP_S, f"{name} named")
        except LabError:
            return [f"verify does not say that {name} {BEHIND}: {self._named()}"]
        return []

    def _named(self) -> str:
        return self._master.run(inside("named"), timeout_s=VERIFY_S)

    # What it does, and starting it.

    def _moment(self) -> float:
        return self._random.uniform(0.02, LONGEST_S)

    def _start(self) -> list[str]:
        done = self._start_honest() if self._sabotage == NONE else self._start_liar()
        return [f"the master daemon does not start: {done.output}"] if done.failed else []

    def _start_honest(self) -> Result:
        return self._master.outcome([UTIL, "start", "ganeti-masterd"], timeout_s=ROUND_S)

    def _start_liar(self) -> Result:
        """Where the host has booted an honest one runs."""
        self._master.run([UTIL, "stop", "ganeti-masterd"], timeout_s=ROUND_S)
        return self._start_cutting()

    def _start_cutting(self, point: str = "", count: int = 0) -> Result:
        """Start the master daemon that ends at a point, or lies; it fails if that is one of its start."""
        words = ["ganeti-masterd", point, str(count), self._sabotage, "--no-voting", "--yes-do-it"]
        return self._master.outcome(inside("cutting", *words), timeout_s=ROUND_S)

    def _work(self, number: int, kill_after_s: float, favourite: str = "") -> None:
        done = self._load(number, kill_after_s, POINT_S, favourite)
        if done.failed:
            raise LabError(f"the clients broke off: {done.output}")

    def _load(self, number: int, kill_after_s: float, patience_s: float, favourite: str) -> Result:
        words = [str(number), f"{self._seed}-{number}", str(kill_after_s), str(patience_s)]
        done = self._master.outcome(inside("load", *words, favourite), timeout_s=ROUND_S)
        self.lines = done.stdout.splitlines(keepends=True)
        for line in self.lines:
            if line.endswith("\n"):  # a power cut may cut the last one
                self.ledger.note(json.loads(line))
        return done

    def _work_until(self, number: int, end: Callable[[], None]) -> None:
        """Work that ends with its host."""
        moment_s = WORK_BEGINS_S + self._moment()
        work = threading.Thread(target=self._load, args=(number, 0, EVER_S, ""))
        work.start()
        time.sleep(moment_s)
        end()
        work.join()

    def _undrain(self) -> None:
        self._master.run(["gnt-cluster", "queue", "undrain"])
        self.ledger.know_drained(False)

    def _clean(self, seen: Seen) -> None:
        """Somebody has to, or each takeover would send thousands of old jobs to who lost its own."""
        last = max(seen.archived)
        for host in self._lab.hosts:
            host.run(inside("clean", str(last)))
        self.ledger.forget_archived(last)

    # What there is.

    def _now(self) -> Any:
        return json.loads(self._master.run(inside("look"), timeout_s=ROUND_S))

    def _look(self) -> Seen:
        found = self._now()
        self._keep_most("jobs in the queue", len(found["jobs"]))
        self._keep_most("instances", len(found["instances"]))
        for daemon, size_kb in found["memory_kb"].items():
            self._keep_most(f"kB of {daemon}", size_kb)
        return Seen(
            jobs={job: status for job, (status, _) in found["jobs"]},
            priorities={job: priorities for job, (_, priorities) in found["jobs"]},
            archived=frozenset(found["archived"]),
            things=_things(found),
            homes=found["homes"],
            hooks={(path, name): count for path, name, count in found["hooks"]},
            serials=found["serials"],
            held_locks=found["held_locks"],
            wrong=found["wrong"],
            memory_kb=found["memory_kb"],
        )

    def _keep_most(self, what: str, number: int) -> None:
        self.most[what] = max(self.most.get(what, 0), number)

    def _complaints(self, seen: Seen) -> list[str]:
        """What verify complains of; a candidate that was away may take a moment to catch up."""
        deadline = time.monotonic() + CATCH_UP_S
        while (found := self._verify(seen)) and time.monotonic() < deadline:
            time.sleep(AGAIN_S)
        return found

    def _verify(self, seen: Seen) -> list[str]:
        """What verify complains of and no interrupted job explains."""
        done = self._master.outcome(["gnt-cluster", "verify", "--error-codes"], timeout_s=VERIFY_S)
        if "checking the state of the nodes" not in done.stdout:
            return [f"verify did not run: {done.output}"]
        lines = [line for line in done.stdout.splitlines() if "- ERROR:" in line]
        return [line for line in lines if not self._is_explained(line, seen)]

    def _is_explained(self, line: str, seen: Seen) -> bool:
        _, _, told = line.partition("- ERROR:")
        code, kind, name, text = told.split(":", 3)
        if BEHIND in text:
            return False
        if self.ledger.explains(kind, name, seen):
            return True
        if FEW_CANDIDATES.search(text):  # a job was to make one a regular node
            return any(thing[0] == "node" and "regular" in v for thing, v in seen.things.items())
        # These are about one object, and name another.
        is_about_another = code == "ENODESSH" or not name
        return is_about_another and any(one in text for one in self.ledger.interrupted)


def _things(found: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    things: dict[tuple[str, ...], Any] = {("tag", tag): True for tag in found["tags"]}
    things |= {("filter", uuid): priority for uuid, priority in found["filters"].items()}
    things |= {("instance", name): value for name, value in found["instances"].items()}
    things |= {("node", name): value for name, value in found["nodes"].items()}
    return {**things, ("cpus",): found["cpus"], ("drain",): found["is_drained"]}
