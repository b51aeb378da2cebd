# SPDX-License-Identifier: GPL-2.0-or-later
"""Which queued jobs may start, given those that have started: filter rules and rate limits counted.

Belongs to the scheduler and is protected by its lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ganeti.master.queue import filters
from ganeti.master.queue.filters import Decision
from ganeti.master.queue.job import Job
from ganeti.model.filter import FilterRule


class Admission:
    """Counts started jobs by the rule that decides for them and by the limits they name."""

    def __init__(self) -> None:
        self._rules: list[FilterRule] = []
        self._deciding: dict[int, FilterRule | None] = {}
        self._started: dict[int, Job] = {}
        self._by_rule: Counter[str] = Counter()
        self._by_bucket: Counter[str] = Counter()

    def use(self, rules: Iterable[FilterRule]) -> None:
        """The rules have changed; jobs that have started are counted anew."""
        self._rules = filters.in_order(rules)
        self._deciding.clear()
        self._by_rule = Counter(
            rule.uuid for job in self._started.values() if (rule := self._rule_for(job))
        )

    def _rule_for(self, job: Job) -> FilterRule | None:
        if not self._rules:
            return None
        if job.id not in self._deciding:
            self._deciding[job.id] = filters.deciding(self._rules, job)
        return self._deciding[job.id]

    def rejects(self, job: Job) -> bool:
        """True if a rule says so for a job that was not started yet, or only waits."""
        return self.by_rules(job) is Decision.REJECT

    def by_rules(self, job: Job) -> Decision:
        """What the filter rules say."""
        return filters.decide(self._rule_for(job), self._by_rule)

    def decide(self, job: Job) -> Decision:
        """What limits in the reason trail and filter rules say together."""
        limits = filters.buckets(job)
        if any(self._by_bucket[label] >= limit for label, limit in limits.items()):
            return Decision.HOLD
        return self.by_rules(job)

    def has_started(self, job: Job) -> bool:
        return job.id in self._started

    def start(self, job: Job) -> None:
        """The job counts from now on."""
        self._started[job.id] = job
        self._count(job, 1)

    def end(self, job_id: int) -> None:
        """The job has ended, or was never started."""
        job = self._started.pop(job_id, None)
        if job is not None:
            self._count(job, -1)
        self._deciding.pop(job_id, None)

    def _count(self, job: Job, step: int) -> None:
        for label in filters.buckets(job):
            self._by_bucket[label] += step
            if not self._by_bucket[label]:
                del self._by_bucket[label]  # there are as many labels as people invent
        rule = self._rule_for(job)
        if rule is not None:
            self._by_rule[rule.uuid] += step
