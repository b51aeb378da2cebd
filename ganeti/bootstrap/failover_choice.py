# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether this host may become master, from what the nodes say of themselves.

Pure functions. A node that is silent is missing in `answers`, which has this host's own answer too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple


class Standing(NamedTuple):
    """What a node has: highest epoch seen, serial numbers of configuration and queue, its master.

    `record` is the epoch and number of its record of who has all of the queue, which `has_all` if it is
    one of them.
    """

    epoch: int
    serial: int
    queue: int
    master: str
    record: tuple[int, int] = (0, 0)
    has_all: bool = True

    @property
    def rank(self) -> tuple[int | bool, ...]:
        """Of two nodes the one with the higher rank has more of what was acknowledged.

        A higher serial number can be of something that was not; a record never is.
        """
        return self.epoch, *self.record, self.has_all, self.serial, self.queue


Answers = Mapping[str, Standing]


def silent(asked: Collection[str], answers: Collection[str]) -> list[str]:
    return sorted(set(asked) - set(answers))


def is_majority(asked: Collection[str], answers: Collection[str]) -> bool:
    """More than half; a tie is none, for the other half may think the same."""
    return 2 * len(set(asked) & set(answers)) > len(asked)


def outvoted_by(me: str, old: str, answers: Answers) -> str | None:
    """Whom more nodes take for the master than `old`, whom this host takes for it.

    Votes for this host are of an attempt that was broken off.
    """
    votes = Counter(s.master for s in answers.values() if s.master not in ("", me))
    winner, count = max(votes.items(), key=lambda vote: vote[1], default=(old, 0))
    return winner if count > votes[old] else None


def newer_than(me: str, answers: Answers) -> list[str]:
    """The nodes with more than this host has, the newest first."""
    found = [name for name, standing in answers.items() if standing.rank > answers[me].rank]
    return sorted(found, key=lambda name: (answers[name].rank, name), reverse=True)


def with_lost_changes(me: str, answers: Answers) -> list[str]:
    """The nodes with changes of the configuration that this host lacks, but with less on the whole."""
    mine = answers[me]
    return sorted(
        name
        for name, theirs in answers.items()
        if theirs.serial > mine.serial and theirs.epoch == mine.epoch and theirs.rank < mine.rank
    )


def next_epoch(answers: Answers) -> int:
    return max(standing.epoch for standing in answers.values()) + 1


def next_serial(answers: Answers) -> int:
    """One number is left out: a master that died may have left it on a node that is silent now."""
    return max(standing.serial for standing in answers.values()) + 2
