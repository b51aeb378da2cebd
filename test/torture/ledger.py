# SPDX-License-Identifier: GPL-2.0-or-later
"""What the master has acknowledged, and so what must be true after it was killed.

Everything a job can change is a *thing* with a value: a tag, a parameter, an instance (None, or admin state
and CPUs). For each thing the ledger keeps the values that are possible: a job that succeeded leads from
each to the next, one of unknown fate, or that ended with an error, may have done so, one that was cancelled
has not. What is then seen must be possible, and is the one possible value from there on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

FINAL = frozenset({"success", "error", "canceled"})
LEGAL = FINAL | {"queued", "waiting", "running", "canceling"}

Value = Any
Thing = tuple[str, ...]
Step = Callable[[Value], Value]


def effect(what: list[Any]) -> tuple[Thing, Step] | None:
    """What a job does to which thing, by the words that `load` tells; None if to nothing."""
    match what:
        case ["tag", tag]:
            return ("tag", tag), lambda _: True
        case ["cpus", value]:
            return ("cpus",), lambda _: value
        case ["add", name]:
            return ("instance", name), lambda was: was or ["down", None]
        case ["remove", name]:
            return ("instance", name), lambda _: None
        case ["start" | "stop" as kind, name]:
            state = {"start": "up", "stop": "down"}[kind]
            return ("instance", name), lambda was: was and [state, was[1]]
        case ["resize", name, value]:
            return ("instance", name), lambda was: was and [was[0], value]
    return None


HOOKS = {
    "add": "instance-add",
    "remove": "instance-remove",
    "start": "instance-start",
    "stop": "instance-stop",
    "resize": "instance-modify",
}


@dataclass
class Attempt:
    """One job that `load` wanted."""

    what: list[Any]
    job: int | None = None
    end: str | None = None
    is_archived: bool = False
    must_be_cancelled: bool = False


@dataclass
class Seen:
    """The cluster, as `look` found it when all was quiet."""

    jobs: Mapping[int, str]
    archived: frozenset[int]
    things: Mapping[Thing, Value]
    hooks: Mapping[tuple[str, str], int]
    serials: Mapping[str, int]
    held_locks: list[str]


@dataclass
class Ledger:
    """All attempts since the cluster was made."""

    attempts: dict[str, Attempt] = field(default_factory=dict)
    possible: dict[Thing, list[Value]] = field(default_factory=dict)
    guests_ended: bool = False
    """The power failed: those that should run do not."""
    interrupted: set[str] = field(default_factory=set)
    """Instances a job about which did not end well; verify may find something to say about them."""
    _of_job: dict[int, Attempt] = field(default_factory=dict)
    _fresh: list[Attempt] = field(default_factory=list)
    _serials: dict[str, int] = field(default_factory=dict)

    def know(self, seen: Seen) -> None:
        """What there is before anything is asked."""
        self.possible = {thing: [value] for thing, value in seen.things.items()}

    def note(self, event: Mapping[str, Any]) -> None:
        """A line of `load`."""
        match event:
            case {"attempt": key, "what": what}:
                self.attempts[key] = Attempt(what)
                self._fresh.append(self.attempts[key])
            case {"attempt": key, "job": job}:
                self.attempts[key].job = job
                self._of_job[job] = self.attempts[key]
            case {"job": job, "end": end}:
                self._of_job[job].end = end
            case {"job": job, "cancelled": True}:
                self._of_job[job].must_be_cancelled = True
            case {"archiving": job}:
                self._of_job[job].is_archived = True

    def check(self, seen: Seen) -> list[str]:
        """What is wrong; afterwards what was seen is what is known."""
        problems = [text for a in self.attempts.values() for text in _job_problems(a, seen)]
        self._follow_jobs(seen)
        problems += self._thing_problems(seen)
        self._forgive_guests()
        problems += self._hook_problems(seen)
        problems += self._serial_problems(seen)
        problems += [f"{name} is locked, though nothing runs" for name in seen.held_locks]
        return problems

    def _follow_jobs(self, seen: Seen) -> None:
        for attempt in self._fresh:
            found = effect(attempt.what)
            end = attempt.end or seen.jobs.get(attempt.job or 0)
            if found is None or end == "canceled":
                continue
            thing, step = found
            if end != "success" and thing[0] == "instance":
                self.interrupted.add(thing[1])
            before = self.possible.get(thing, [None])
            after = [step(value) for value in before]
            self.possible[thing] = after if end == "success" else _union(before, after)
        self._fresh = []

    def _forgive_guests(self) -> None:
        if self.guests_ended:
            there = [thing for thing, values in self.possible.items() if values != [None]]
            self.interrupted |= {thing[1] for thing in there if thing[0] == "instance"}
        self.guests_ended = False

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

    def ends(self) -> Mapping[str, int]:
        """How many attempts ended how."""
        counts: defaultdict[str, int] = defaultdict(int)
        for attempt in self.attempts.values():
            counts[attempt.end or ("unanswered" if attempt.job is None else "unseen")] += 1
        return dict(counts)


def _union(first: list[Value], second: list[Value]) -> list[Value]:
    return first + [value for value in second if value not in first]


def _job_problems(attempt: Attempt, seen: Seen) -> list[str]:
    """An acknowledged job exists, is final when all is quiet, and its end stays what it was."""
    job = attempt.job
    if job is None or (attempt.is_archived and job in seen.archived):
        return []
    if job not in seen.jobs:
        return [f"job {job} was acknowledged and does not exist"]
    status = seen.jobs[job]
    if status not in FINAL:
        return [f"job {job} is {status}, though nothing runs"]
    if attempt.end not in (None, status):
        return [f"job {job} ended as {attempt.end} and is {status} now"]
    if attempt.must_be_cancelled and status == "success":
        return [f"job {job} was cancelled and has succeeded"]
    return []
