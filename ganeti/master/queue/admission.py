# SPDX-License-Identifier: GPL-2.0-or-later
"""Which queued jobs may start, given those that have started: filter rules and rate limits counted.

Belongs to the scheduler and is protected by its lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NamedTuple

from ganeti.master.queue import filters
from ganeti.master.queue.job import Job
from ganeti.model.filter import FilterRule


class Shared(Enum):
    """What the jobs that a limit counts have in common."""

    LABEL = "a label in their reason trails"
    RULE = "the rule that decides for them"


class Limit(NamedTuple):
    """At most so many jobs of this label, or of this rule, may have started."""

    shared: Shared
    name: str
    most: float


class Admission:
    """Counts started jobs by the limits that hold for them."""

    def __init__(self) -> None:
        self._rules: list[FilterRule] = []
        self._deciding: dict[int, FilterRule | None] = {}
        self._started: dict[int, Job] = {}
        self._counts: Counter[Limit] = Counter()

    def use(self, rules: Iterable[FilterRule]) -> None:
        """The rules have changed; jobs that have started are counted anew."""
        self._rules = filters.in_order(rules)
        self._deciding.clear()
        self._counts.clear()
        for job in self._started.values():
            self._counts.update(self._limits(job))

    def _rule_for(self, job: Job) -> FilterRule | None:
        if not self._rules:
            return None
        if job.id not in self._deciding:
            self._deciding[job.id] = filters.deciding(self._rules, job)
        return self._deciding[job.id]

    def _limits(self, job: Job) -> Iterator[Limit]:
        for label, most in filters.buckets(job).items():
            yield Limit(Shared.LABEL, label, most)
        rule = self._rule_for(job)
        if rule is not None:
            yield Limit(Shared.RULE, rule.uuid, filters.most(rule))

    def rejects(self, job: Job) -> bool:
        """True if a rule says so for a job that was not started yet, or only waits."""
        rule = self._rule_for(job)
        return rule is not None and rule.action == "REJECT"

    def held_by(self, job: Job) -> Limit | None:
        """A limit for which the job has to wait."""
        return next((limit for limit in self._limits(job) if not self.has_room(limit)), None)

    def has_room(self, limit: Limit) -> bool:
        return self._counts[limit] < limit.most

    def has_started(self, job: Job) -> bool:
        return job.id in self._started

    def start(self, job: Job) -> None:
        """The job counts from now on."""
        self._started[job.id] = job
        self._counts.update(self._limits(job))

    def end(self, job_id: int) -> None:
        """The job has ended, or was never started."""
        job = self._started.pop(job_id, None)
        for limit in self._limits(job) if job is not None else ():
            self._counts[limit] -= 1
            if not self._counts[limit]:
                del self._counts[limit]  # there are as many labels as people invent
        self._deciding.pop(job_id, None)
