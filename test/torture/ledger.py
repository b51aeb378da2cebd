# SPDX-License-Identifier: GPL-2.0-or-later
"""What the master has acknowledged, and so what must be true after it was killed.

For each thing that can be changed (`effects`) the ledger keeps the values that are possible: an attempt
that succeeded leads from each to the next, one of unknown fate, or that ended with an error, may have done
so, one that was cancelled has not. What is then seen must be possible, and is the one possible value from
there on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from test.torture.effects import CANDIDATE, KINDS, Thing, Value, effects

FINAL = frozenset({"success", "error", "canceled"})
HOOKS = {
    "add": "instance-add",
    "remove": "instance-remove",
    "start": "instance-start",
    "stop": "instance-stop",
    "resize": "instance-modify",
}
MORE_MEMORY_KB = 64 * 1024
RESERVED = "is reserved by another job"


@dataclass
class Attempt:
    """One change that was asked for, mostly by a job."""

    what: list[Any]
    needs: str | None = None
    """The key of the attempt whose job must have succeeded before."""
    job: int | None = None
    end: str | None = None
    error: str | None = None
    is_archived: bool = False
    is_forgotten: bool = False
    """It may have been removed from the archive."""
    must_be_cancelled: bool = False
    priority: int | None = None


@dataclass
class Seen:
    """The cluster, as `inside.look` found it when all was quiet."""

    jobs: Mapping[int, str] = field(default_factory=dict)
    priorities: Mapping[int, list[int]] = field(default_factory=dict)
    archived: frozenset[int] = frozenset()
    things: Mapping[Thing, Value] = field(default_factory=dict)
    homes: Mapping[str, str] = field(default_factory=dict)
    """The primary node of each instance."""
    hooks: Mapping[tuple[str, str], int] = field(default_factory=dict)
    serials: Mapping[str, int] = field(default_factory=dict)
    held_locks: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    memory_kb: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Ledger:
    """All attempts since the cluster was made."""

    attempts: dict[str, Attempt] = field(default_factory=dict)
    possible: dict[Thing, list[Value]] = field(default_factory=dict)
    powerless: set[str] = field(default_factory=set)
    """Nodes whose power failed since the last check: guests that should run there do not."""
    all_there: bool = True
    """No host was away since the last check."""
    interrupted: set[str] = field(default_factory=set)
    """Instances and nodes a job about which did not end well, and none since has; verify may find
    something to say about them."""
    _of_job: dict[int, Attempt] = field(default_factory=dict)
    _fresh: list[Attempt] = field(default_factory=list)
    _serials: dict[str, int] = field(default_factory=dict)
    _first_memory_kb: dict[str, int] = field(default_factory=dict)

    def know(self, seen: Seen) -> None:
        """What there is before anything is asked."""
        self.possible = {thing: [value] for thing, value in seen.things.items()}

    def know_drained(self, flag: bool) -> None:
        """Somebody else has made the queue so: a takeover, or the torture itself."""
        self.possible["drain",] = [flag]

    def forget_archived(self, last: int) -> None:
        """Archived jobs up to this number were removed."""
        for job, attempt in self._of_job.items():
            attempt.is_forgotten |= attempt.is_archived and job <= last

    def note(self, event: Mapping[str, Any]) -> None:
        """A line of `inside.work`."""
        match event:
            case {"attempt": key, "what": what}:
                self.attempts[key] = Attempt(what, event.get("needs"))
                self._fresh.append(self.attempts[key])
            case {"attempt": key, "job": job}:
                self.attempts[key].job = job
                self._of_job[job] = self.attempts[key]
            case {"attempt": key, "done": True}:
                self.attempts[key].end = "success"
            case {"job": job, "end": end}:
                self._of_job[job].end = end
                self._of_job[job].error = str(event.get("error"))
            case {"job": job, "cancelled": True}:
                self._of_job[job].must_be_cancelled = True
            case {"job": job, "priority": priority}:
                self._of_job[job].priority = priority
            case {"archiving": job}:
                self._of_job[job].is_archived = True
            case {"archiving_old": True}:
                for attempt in self._of_job.values():
                    attempt.is_archived = True

    def check(self, seen: Seen) -> list[str]:
        """What is wrong; afterwards what was seen is what is known."""
        problems = [text for attempt in self.attempts.values() for text in self._job(attempt, seen)]
        self._follow_jobs(seen)
        problems += self._thing_problems(seen)
        self._forgive_guests(seen)
        problems += self._hook_problems(seen)
        problems += self._serial_problems(seen)
        problems += self._memory_problems(seen)
        problems += [f"{name} is locked, though nothing runs" for name in seen.held_locks]
        return problems + seen.wrong

    def explains(self, kind: str, name: str, seen: Seen) -> bool:
        """Whether a complaint of verify about an object comes from an interruption."""
        role, _ = seen.things.get(("node", seen.homes.get(name, "")), ("", False))
        return (kind == "instance" and role == "offline") or name in self.interrupted

    def _job(self, attempt: Attempt, seen: Seen) -> Iterator[str]:
        """An acknowledged job exists, is final when all is quiet, and its end stays what it was."""
        job = attempt.job
        if job is None or (attempt.is_archived and job in seen.archived):
            return
        if attempt.is_forgotten and job not in seen.jobs:
            return
        if job not in seen.jobs:
            yield f"job {job} was acknowledged and does not exist"
            return
        status = seen.jobs[job]
        if status not in FINAL:
            yield f"job {job} is {status}, though nothing runs"
        elif attempt.end not in (None, status):
            yield f"job {job} ended as {attempt.end} and is {status} now"
        if attempt.must_be_cancelled and status == "success":
            yield f"job {job} was cancelled and has succeeded"
        if attempt.priority not in (None, *seen.priorities.get(job, [])):
            yield f"job {job} was given the priority {attempt.priority}: {seen.priorities[job]}"
        if status == "success" and attempt.needs is not None:
            yield from self._dependency(attempt, self.attempts[attempt.needs], seen)
        if RESERVED in (attempt.error or ""):
            yield f"job {job} failed, though all names are used once: {attempt.error}"

    def _dependency(self, attempt: Attempt, needed: Attempt, seen: Seen) -> Iterator[str]:
        end = needed.end or seen.jobs.get(needed.job or 0, "success")
        if end != "success":
            yield f"job {attempt.job} ran, but {needed.job} on which it depends is {end}"

    def _follow_jobs(self, seen: Seen) -> None:
        for attempt in self._fresh:
            end = attempt.end or seen.jobs.get(attempt.job or 0)
            if end == "canceled":
                continue
            for thing, step in effects(attempt.what).items():
                before = self.possible.get(thing, [None])
                after = [step(value) for value in before]
                self.possible[thing] = after if end == "success" else _union(before, after)
                if thing[0] in ("instance", "node"):
                    self._remember(thing, attempt, end, after if after != before else [])
        self._fresh = []

    def _remember(
        self, thing: Thing, attempt: Attempt, end: str | None, changed: list[Value]
    ) -> None:
        """Keys of nodes are whole again when one becomes a candidate: a job that finds a node to be what
        is wanted does not look after them, a demotion takes its own away, and one that cannot reach
        another node with them only warns."""
        kind, name = thing
        if end != "success" or (kind == "node" and changed and not self.all_there):
            self.interrupted.add(name)
        elif attempt.what[0] in ("start", "stop", "remove") or (
            kind == "node" and [role for role, _ in changed] == [CANDIDATE]
        ):
            self.interrupted.discard(name)

    def _forgive_guests(self, seen: Seen) -> None:
        self.interrupted |= {name for name, node in seen.homes.items() if node in self.powerless}
        self.powerless = set()
        self.all_there = True

    def _thing_problems(self, seen: Seen) -> list[str]:
        problems = []
        for thing, values in self.possible.items():
            value = seen.things.get(thing)
            if value not in values:
                problems.append(f"{' '.join(thing)} is {value}; possible: {values}")
            self.possible[thing] = [value]
        return problems

    def _hook_problems(self, seen: Seen) -> list[str]:
        """An opcode that was executed twice has run its hooks twice; power cuts leave half lines."""
        most: Counter[tuple[str, str]] = Counter()
        for attempt in self.attempts.values():
            if attempt.what[0] in HOOKS:
                most[HOOKS[attempt.what[0]], attempt.what[1]] += 1
        return [
            f"{path} was executed {count} times for {name}, asked for {most[path, name]} times"
            for (path, name), count in seen.hooks.items()
            if path in HOOKS.values() and count > most[path, name]
        ]

    def _serial_problems(self, seen: Seen) -> list[str]:
        problems = [
            f"the serial of {name} went back from {self._serials[name]} to {serial}"
            for name, serial in seen.serials.items()
            if serial < self._serials.get(name, 0)
        ]
        self._serials.update(seen.serials)
        return problems

    def _memory_problems(self, seen: Seen) -> Iterator[str]:
        for daemon, size_kb in seen.memory_kb.items():
            first = self._first_memory_kb.setdefault(daemon, size_kb)
            if first and size_kb > first + MORE_MEMORY_KB:
                yield f"{daemon} has grown from {first} to {size_kb} kB"

    def ends(self) -> Mapping[str, int]:
        """How many jobs ended how."""
        jobs = [attempt for attempt in self.attempts.values() if attempt.job is not None]
        return Counter(attempt.end or "unseen" for attempt in jobs)

    def wishes(self) -> Mapping[str, int]:
        """What else was asked of jobs, and acknowledged."""
        jobs = self._of_job.values()
        return {
            "to be cancelled": sum(job.must_be_cancelled for job in jobs),
            "another priority": sum(job.priority is not None for job in jobs),
            "to wait for another": sum(job.needs is not None for job in jobs),
            "to be archived": sum(job.is_archived for job in jobs),
        }

    def idle(self) -> list[str]:
        """What nobody has done, as if the clients did not know how to."""
        done = {**dict.fromkeys(KINDS, 0), **self.kinds(), **self.wishes()}
        return [
            f"nothing of this kind was acknowledged: {kind}" for kind, n in done.items() if not n
        ]

    def kinds(self) -> Mapping[str, int]:
        """How many attempts of each kind succeeded, as far as was seen."""
        done = [attempt for attempt in self.attempts.values() if attempt.end == "success"]
        return Counter(attempt.what[0] for attempt in done)


def _union(first: list[Value], second: list[Value]) -> list[Value]:
    return first + [value for value in second if value not in first]
