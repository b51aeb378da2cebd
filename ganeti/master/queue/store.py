# SPDX-License-Identifier: GPL-2.0-or-later
"""The queue directory and its one writer.

What is to be written collects in a round. A round is written here and sent to the candidates side by
side; when both are done it is durable, and all who wait for it are told at once. Meanwhile the next
round collects. What nobody waits for (a job that waits, log lines) rides along, or is written after a
second.

Disk form: ``serial`` (last job id), ``version``, ``drain`` (there is one or not), ``job-<id>``,
``archive/<id div 10000>/job-<id>``; and ``candidates``, ours alone: the epoch of this master and which
candidates have all that was acknowledged, so that a restart need not send everything again. Job files
of one round bear the same time, later than that of all before, whatever the clock does: after a crash
it tells which ones the candidates may lack.

The round that collects has one lock, under which nothing is written or called. Directory and candidate
set are touched by the writer thread alone, but for `open` before it starts and reading the archive.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ganeti import errors, queue_files, queue_record
from ganeti.master.alarms import Alarms
from ganeti.master.candidates import CandidateSet
from ganeti.master.queue.changes import RECORD, Changes, merge
from ganeti.master.queue.job import Job, Status
from ganeti.paths import Paths
from ganeti.queue_record import Record
from ganeti.rpc.runner import Deposed
from ganeti.utils import files
from ganeti.utils.clock import Clock
from ganeti.utils.filelock import FileLock

log = logging.getLogger(__name__)

VERSION = "1"
LAZY_S = 1.0
QUEUED_IN_ROUND = 64
"""So a thousand new jobs do not hold up those that run, and may begin before they are written."""
MOST_UNSENT = 20_000
"""A candidate that lacks more changes gets everything instead: they would pile up in memory."""
_DIRECTORY_MODE = 0o750
_STEP_NS = 1000

Then = Callable[[Exception | None], None]
"""Called on the writer thread when a round is durable, or with the reason why it is not."""


@dataclass(frozen=True)
class Found:
    """What is in the queue directory when the master starts: job files, and the round of each (a time
    in nanoseconds)."""

    files: Mapping[int, bytes]
    written: Mapping[int, int]
    serial: int
    is_drained: bool


@dataclass
class _Item:
    """A job to be written. Nobody waits for it if `then` is empty."""

    job: Job
    for_candidates: bool = False
    then: list[Then] = field(default_factory=list)


@dataclass
class _Round:
    """What is to be written next."""

    items: dict[int, _Item] = field(default_factory=dict)
    serial: int | None = None
    archived: list[int] = field(default_factory=list)
    drained: bool | None = None
    members: frozenset[str] | None = None
    left: frozenset[str] = frozenset()
    then: list[Then] = field(default_factory=list)
    is_urgent: bool = False

    def put(self, job: Job, *, for_candidates: bool, then: Iterable[Then] = ()) -> None:
        """Write this state of a job, instead of one that was not written yet."""
        item = self.items.setdefault(job.id, _Item(job))
        item.job = job
        item.for_candidates |= for_candidates
        item.then += then

    def split(self) -> _Round:
        """Take out what can wait: of the jobs that have not begun only some are written in a round."""
        queued = [n for n, item in self.items.items() if item.job.status is Status.QUEUED]
        later = _Round({n: self.items.pop(n) for n in queued[QUEUED_IN_ROUND:]})
        later.is_urgent = bool(later.items)
        return later

    def outcomes(self) -> Iterator[Then]:
        """All who wait for this round."""
        for item in self.items.values():
            yield from item.then
        yield from self.then


class QueueStore:
    """Owns the queue directory from `open` to `close`."""

    def __init__(
        self,
        paths: Paths,
        disk: files.Disk,
        candidates: CandidateSet[Changes],
        alarms: Alarms,
        *,
        epoch: int,
        owner: files.Owner | None = None,
        clock: Clock | None = None,
        most_unsent: int = MOST_UNSENT,
    ) -> None:
        self._paths, self._disk, self._alarms = paths, disk, alarms
        self._candidates, self._owner = candidates, owner
        self._most_unsent = most_unsent
        self._record, self._is_recorded = Record(epoch), False
        self._members = frozenset[str]()
        self._round = _Round()
        self._serial = 0
        self._durable_serial: int | None = None  # nobody knows what a crash has left where
        self._clock = clock or Clock()
        self._stamp, self._is_stamp_used = 0, True
        self._is_settled = False
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="QueueWriter", daemon=True)
        candidates.when_caught_up = self._hurry

    # Reading.

    def open(self, members: Iterable[str]) -> Found:
        """Lock the directory, read it, and start the writer; `members` are the other candidates."""
        self._lock = FileLock(self._paths.queue_lock)
        self._lock.acquire()
        self._check_version()
        self._serial = self._read_serial()
        files.sweep_temporaries(self._paths.queue_dir)
        found_record = queue_record.read(self._paths.queue_candidates)
        if found_record.epoch == self._record.epoch:  # else another one was master since
            self._record = found_record
        for name in self._record.in_sync.intersection(members):
            self._candidates.join(name)
        live = sorted(queue_files.live(self._paths))
        found = Found(
            {number: self._read(f"job-{number}") for number in live},
            {number: os.stat(self._paths.job(number)).st_mtime_ns for number in live},
            self._serial,
            os.path.exists(self._paths.queue_drain),
        )
        self._stamp = max(found.written.values(), default=0)
        self._thread.start()
        self.set_members(members)
        return found

    def _check_version(self) -> None:
        found = _text(self._paths.queue_version)
        if found is None:
            new = {"serial": b"0\n", "version": f"{VERSION}\n".encode()}
            if os.path.exists(self._paths.queue_serial):  # a candidate's, which counts on
                del new["serial"]
            self._disk.write_many(self._write(name, data) for name, data in new.items())
        elif found != VERSION:
            raise errors.JobQueueError(
                f"{self._paths.queue_version} says {found!r}, this program knows {VERSION!r};"
                " the queue was made by another release"
            )

    def _read_serial(self) -> int:
        text = _text(self._paths.queue_serial) or "0"
        if not text.isdecimal():
            raise errors.JobQueueError(
                f"{self._paths.queue_serial} says {text!r:.80} instead of the number of the last job;"
                " write a number there that no job has had yet"
            )
        return int(text)

    def _read(self, name: str) -> bytes:
        with open(os.path.join(self._paths.queue_dir, name), "rb") as file:
            return file.read()

    def archived(self, job_id: int) -> bytes | None:
        """The file of an archived job, if there is one."""
        try:
            return self._read(self._archive_name(job_id))
        except FileNotFoundError:
            return None

    def archived_ids(self) -> list[int]:
        """The numbers of all archived jobs."""
        return sorted(queue_files.archived(self._paths))

    def _archive_name(self, job_id: int) -> str:
        return os.path.relpath(self._paths.archived_job(job_id), self._paths.queue_dir)

    # Asking for changes.

    def count_from(self, last_id: int) -> None:
        """Job ids up to this one are used up."""
        self._serial = last_id

    def allocate(self, count: int) -> int:
        """The first of so many new job ids; they are durable with the next round."""
        with self._changed:
            first = self._serial + 1
            self._serial += count
        return first

    @property
    def last_id(self) -> int:
        """The last job id that was given out."""
        return self._serial

    def put(self, job: Job, then: Then) -> None:
        """Make a job durable, here and on the candidates."""
        with self._changed:
            self._round.put(job, for_candidates=True, then=[then])
            self._hasten()

    def put_lazily(self, job: Job, *, replicate: bool) -> None:
        """Write a job with the next round, or after a second; it may be lost."""
        with self._changed:
            is_first = not self._round.items
            self._round.put(job, for_candidates=replicate)
        if is_first:
            self._alarms.after(LAZY_S, self._hurry)

    def archive(self, job_ids: Iterable[int], then: Then) -> None:
        """Move job files to the archive."""
        with self._changed:
            self._round.archived += job_ids
            self._ask(then)

    def set_drained(self, flag: bool, then: Then) -> None:
        with self._changed:
            self._round.drained = flag
            self._ask(then)

    def set_members(self, names: Iterable[str]) -> None:
        """Other nodes are candidates now; who is new gets everything, also who left only just before."""
        with self._changed:
            members = frozenset(names)
            self._round.left |= self._members - members
            self._round.members = self._members = members
            self._ask(lambda _error: None)

    def _ask(self, then: Then) -> None:
        self._round.then.append(then)
        self._hasten()

    def _hasten(self) -> None:
        self._round.is_urgent = True
        self._changed.notify()

    def _hurry(self) -> None:
        with self._changed:
            self._hasten()

    def behind(self) -> Mapping[str, str]:
        """Candidates that lack something, and why."""
        return self._candidates.behind()

    def close(self) -> None:
        """Write what is left, stop the writer and unlock the directory."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        self._lock.close()

    # The writer thread.

    def _run(self) -> None:
        while (round_ := self._next_round()) is not None:
            error = self._carry_out(round_)
            for then in round_.outcomes():
                then(error)

    def _next_round(self) -> _Round | None:
        with self._changed:
            while not self._round.is_urgent and not self._closing:
                self._changed.wait()
            if self._closing and self._round == _Round():
                return None
            round_ = self._round
            self._round = round_.split()
            if self._serial != self._durable_serial:
                round_.serial = self._serial
            return round_

    def _carry_out(self, round_: _Round) -> Exception | None:
        try:
            self._update_members(round_)
            self._choose_stamp()
            changes = self._changes(round_)
            if changes.is_empty:
                self._write_here(round_)
            else:
                self._write_everywhere(round_, changes)
            self._record_who_has_all()
            self._is_stamp_used = self._is_settled = True
        except (OSError, Deposed) as err:
            log.error("the job queue cannot be written: %s", err)
            self._keep_members(round_)
            return err
        return None

    def _choose_stamp(self) -> None:
        """A new one only when the candidates have, or are known to lack, all that bears the old one."""
        if self._is_stamp_used:
            now_ns = int(self._clock.now() * 1e6) * _STEP_NS
            self._stamp, self._is_stamp_used = max(now_ns, self._stamp + _STEP_NS), False

    def _keep_members(self, failed: _Round) -> None:
        """Nobody asks a second time; so the next round does. At the end there is none: it would fail
        for ever."""
        with self._changed:
            if self._closing:
                return
            if self._round.members is None:
                self._round.members = failed.members
            self._round.left |= failed.left

    def _write_everywhere(self, round_: _Round, changes: Changes) -> None:
        commit = self._candidates.commit(changes)
        try:
            self._write_here(round_)
        finally:
            commit.wait()
        if round_.serial is not None:
            self._durable_serial = round_.serial

    def _update_members(self, round_: _Round) -> None:
        if round_.members is not None:
            self._candidates.keep_only(round_.members - round_.left)
            self._record_who_has_all()
        strangers = self._strangers(round_.members or ())
        everything = self._everything() if strangers else None
        for name in strangers:
            self._candidates.join(name, everything)

    def _strangers(self, members: Iterable[str]) -> set[str]:
        """To whom everything is sent: who is new, and who was away for very long."""
        unsent = self._candidates.unsent().items()
        away = {name for name, changes in unsent if changes.count > self._most_unsent}
        return away | (set(members) - self._candidates.names())

    def _everything(self) -> Changes:
        live = sorted(queue_files.live(self._paths))
        content = {f"job-{number}": self._read(f"job-{number}") for number in live}
        content["serial"] = f"{self._serial}\n".encode()
        content[RECORD] = self._record.encoded()
        drained = os.path.exists(self._paths.queue_drain)
        archived = frozenset(queue_files.archived(self._paths))
        return Changes(content, drained=drained, everything=True, archived=archived)

    def _changes(self, round_: _Round) -> Changes:
        """What the candidates are to know; the serial first, it must not be behind a job."""
        content = {} if round_.serial is None else {"serial": f"{round_.serial}\n".encode()}
        items = sorted(round_.items.items())
        content |= {f"job-{n}": item.job.encoded for n, item in items if item.for_candidates}
        renames = tuple((f"job-{n}", self._archive_name(n)) for n in round_.archived)
        changes = Changes(content, renames, round_.drained)
        return changes if self._is_settled else merge(self._what_there_is(), changes)

    def _what_there_is(self) -> Changes:
        """Candidates may have what a crash has kept from this disk: jobs that nobody knows of would
        begin after a takeover."""
        return Changes(
            drained=os.path.exists(self._paths.queue_drain),
            known=frozenset(queue_files.live(self._paths)),
            archived=frozenset(queue_files.archived(self._paths)),
        )

    def _write_here(self, round_: _Round) -> None:
        writes = []
        if round_.serial is not None:
            writes.append(self._write("serial", f"{round_.serial}\n".encode()))
        for number, item in sorted(round_.items.items()):
            write = self._write(f"job-{number}", item.job.encoded)
            writes.append(write._replace(mtime_ns=self._stamp))
        if writes:
            self._disk.write_many(writes)
        if round_.archived:
            pairs = [(self._paths.job(n), self._paths.archived_job(n)) for n in round_.archived]
            pairs = [pair for pair in pairs if os.path.exists(pair[0])]
            self._disk.rename_many(
                pairs, make_dirs_mode=_DIRECTORY_MODE, make_dirs_owner=self._owner
            )
        if round_.drained:
            self._disk.write_many([self._write("drain", b"")])
        elif round_.drained is not None:
            self._disk.remove(self._paths.queue_drain, missing_ok=True)

    def _record_who_has_all(self) -> None:
        """Before anything is acknowledged that a candidate lacks, that is written down here and on all
        that have it; at a start once more, for nobody knows who got the last record."""
        while (in_sync := self._in_sync()) != self._record.in_sync or not self._is_recorded:
            record = self._record.next(in_sync)
            self._disk.write_many([self._write(RECORD, record.encoded())])
            self._record = record
            self._candidates.commit(Changes({RECORD: record.encoded()})).wait()
            self._is_recorded = True

    def _in_sync(self) -> frozenset[str]:
        return frozenset(self._candidates.names() - self._candidates.behind().keys())

    def _write(self, name: str, data: bytes) -> files.Write:
        return files.Write(os.path.join(self._paths.queue_dir, name), data, owner=self._owner)


def _text(path: str) -> str | None:
    try:
        return files.read_text(path).strip()
    except FileNotFoundError:
        return None
