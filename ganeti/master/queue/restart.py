# SPDX-License-Identifier: GPL-2.0-or-later
"""What to do with the job files that a starting master finds: values in, values out.

| status found | action |
|---|---|
| queued | take it up again |
| waiting | back to queued, take it up again |
| running, canceling | it is not known how far it got: what has not ended becomes an error |
| canceled, success, error | nothing |
| not readable | move it to the archive, as if it were not there |

The round that a crash cut short may have been written here and on no candidate. So the jobs of the last
round are written again, everywhere, before anybody sees them or a job that depends on them goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ganeti import errors
from ganeti.master.queue import depends, filters
from ganeti.master.queue import job as jobs
from ganeti.master.queue.job import Job, Stamp, Status


@dataclass(frozen=True)
class Restart:
    """The queue to begin with.

    `to_write` holds jobs that ended now, or whose last state may be known to nobody else; `unreadable`
    those whose files are moved away.
    """

    jobs: Mapping[int, Job]
    to_write: tuple[int, ...]
    unreadable: Mapping[int, str]
    last_id: int


def plan(
    files: Mapping[int, bytes], written: Mapping[int, int], serial: int, now: Stamp
) -> Restart:
    """`files` has the content of every job file, by the number in its name; `written` its round: the
    later, the greater.

    The serial may be behind a job file that was written in the same round when the power failed; its
    number is not given out again.
    """
    found: dict[int, Job] = {}
    unreadable: dict[int, str] = {}
    for number in sorted(files):
        try:
            found[number] = _decoded(number, files[number])
        except errors.JobFileCorrupted as err:
            unreadable[number] = str(err)
    after = {number: resumed(job, now) for number, job in found.items()}
    ended = {number for number, job in after.items() if job.is_final and job != found[number]}
    last_round = max(written.values(), default=0)
    unsure = {number for number in found if written[number] == last_round}
    to_write = sorted(ended | unsure)
    return Restart(after, tuple(to_write), unreadable, max([serial, *files], default=0))


def _decoded(number: int, content: bytes) -> Job:
    job = jobs.decode(content)
    if job.id != number:
        raise errors.JobFileCorrupted(f"the file of job {number} holds job {job.id}")
    try:  # what the queue needs of opcodes that nobody has decoded
        depends.job_ids(job.ops)
        filters.buckets(job)
    except (TypeError, ValueError, LookupError) as err:
        raise errors.JobFileCorrupted(f"an opcode's dependencies or reasons: {err}") from err
    return job


def resumed(job: Job, now: Stamp) -> Job:
    """The job as it goes on after the master daemon has started."""
    match job.status:
        case Status.QUEUED | Status.WAITING:
            return jobs.requeued(job)
        case Status.RUNNING | Status.CANCELING:
            return jobs.broken_off(job, errors.OpExecError(jobs.UNCLEAN_TEXT), now)
    return job
