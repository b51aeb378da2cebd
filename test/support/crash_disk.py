# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk that remembers each step, and shows what a power cut after any of them may leave.

    disk = CrashDisk(root)                       # what lies below root now counts as safe
    ... the code under test writes below root through disk ...
    disk.mark("acknowledged", 17)                # from here on job 17 must not be lost
    for cut in disk.cuts():
        cut.restore(directory)                   # the files as they are after the cut
        ... start again on directory: everything in cut.marked("acknowledged") must be there ...

Rules: content is safe after fsync of the file; a name (made, renamed, removed) after fsync of its directory; a
rename is one step, so a file is under its old or its new name, never both or none. What was not synced may
be lost or kept, in any order, so a cut has several outcomes: nothing of it kept, everything kept, the
names without the contents or with half of them (a torn write), and each step kept alone.

The harness must be able to fail: `Sabotage` spoils what is promised, and the tests that use this must notice.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from ganeti.utils.files import Disk, Owner, Primitives, Write
from test.support.crash_files import FileSystem, Kept, State, Step, restore, snapshot


class Sabotage(StrEnum):
    """Ways to break durability. FORGET_CANDIDATE is for the doubles of distribution."""

    NO_FSYNC = "no-fsync"
    SKIP_DIRECTORY_FSYNC = "skip-directory-fsync"
    ANSWER_BEFORE_WRITE = "answer-before-write"
    FORGET_CANDIDATE = "forget-candidate"


class Mark(NamedTuple):
    """Something the test wants to know of each cut: whether it lies before or after."""

    kind: str
    key: object


@dataclass(frozen=True)
class Cut:
    """One outcome of a power cut after `after` steps."""

    after: int
    kept: str
    state: State = field(repr=False)
    marks: tuple[Mark, ...] = field(repr=False)

    def marked(self, kind: str) -> list[object]:
        """The keys marked so before the cut."""
        return [mark.key for mark in self.marks if mark.kind == kind]

    def restore(self, directory: Path) -> None:
        restore(self.state, directory)


class Recorder(Primitives):
    """Carries out what it is told without waiting for the device, and writes it down.

    One lock around both, so that the record has the order in which things happened.
    """

    def __init__(self, root: Path, sabotage: Sabotage | None = None) -> None:
        self._root = os.path.realpath(root)
        self._sabotage = sabotage
        self._lock = threading.Lock()
        self._record: list[Step | Mark] = []
        self._held: list[Step | Mark] = []
        self.before = snapshot(root)

    @property
    def record(self) -> list[Step | Mark]:
        with self._lock:
            return [*self._record, *self._held]

    def mark(self, kind: str, key: object) -> None:
        with self._lock:
            self._record += [Mark(kind, key), *self._held]
            self._held.clear()

    def _note(self, kind: str, path: str, **more: object) -> None:
        """Steps that the sabotage does not swallow; a hasty answer comes before what it answers for."""
        step = Step(kind, self._relative(path), **more)  # type: ignore[arg-type]
        skipped = {
            Sabotage.NO_FSYNC: {"sync-file"},
            Sabotage.SKIP_DIRECTORY_FSYNC: {"sync-directory"},
        }
        if self._sabotage is not None and kind in skipped.get(self._sabotage, ()):
            return
        hasty = self._sabotage is Sabotage.ANSWER_BEFORE_WRITE
        (self._held if hasty else self._record).append(step)

    def _relative(self, path: str) -> str:
        full = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        found = os.path.relpath(full, self._root)
        assert not found.startswith(".."), f"{path} is written outside of {self._root}"
        return found

    def write_temporary(self, path: str, item: Write) -> None:
        with self._lock:
            super().write_temporary(path, item._replace(owner=None))
            more = {"mode": item.mode, "mtime_ns": item.mtime_ns or 0}
            self._note("write", path, data=bytes(item.data), **more)

    def sync_file(self, path: str) -> os.stat_result:
        with self._lock:
            self._note("sync-file", path)
            return os.stat(path)

    def rename(self, old: str, new: str) -> None:
        with self._lock:
            super().rename(old, new)
            self._note("rename", old, other=self._relative(new))

    def unlink(self, path: str) -> None:
        with self._lock:
            super().unlink(path)
            self._note("unlink", path)

    def mkdir(self, path: str, mode: int, owner: Owner | None) -> None:
        with self._lock:
            super().mkdir(path, mode, None)
            self._note("mkdir", path, mode=mode)

    def sync_directory(self, path: str) -> None:
        with self._lock:
            self._note("sync-directory", path)


class CrashDisk(Disk):
    """A `Disk` below one directory whose every step can be the last."""

    def __init__(self, root: Path, sabotage: Sabotage | None = None) -> None:
        self._recorder = Recorder(root, sabotage)
        super().__init__(self._recorder)

    def mark(self, kind: str, key: object) -> None:
        """Remember that this happened here, for instance that a client got its answer."""
        self._recorder.mark(kind, key)

    @property
    def steps(self) -> list[Step]:
        """All primitive operations so far, without the marks."""
        return [step for step in self._recorder.record if isinstance(step, Step)]

    def state_after(self, steps: int, kept: Kept | Iterable[int] = Kept.NOTHING) -> State:
        """What a cut after so many steps leaves; `kept` may also name surviving steps by number."""
        model = FileSystem(self._recorder.before)
        for number, step in enumerate(self.steps[:steps]):
            model.apply(number, step)
        if isinstance(kept, Kept):
            return model.state(model.unsafe(kept), torn=kept is Kept.HALVES)
        return model.state(kept)

    @property
    def points(self) -> int:
        """How many steps and marks there are so far."""
        return len(self._recorder.record)

    @property
    def points_after_marks(self) -> list[int]:
        """Where a cut must respect what was marked just before."""
        return [n for n, item in enumerate(self._recorder.record, 1) if isinstance(item, Mark)]

    def outcomes(self, point: int) -> list[Cut]:
        """What a cut after so many steps and marks may leave."""
        replay = _Replay(self._recorder.before)
        for item in self._recorder.record[:point]:
            replay.advance(item)
        return list(replay.outcomes())

    def cuts(self) -> Iterator[Cut]:
        """Every outcome of a cut after every step; equal ones under equal marks only once."""
        replay = _Replay(self._recorder.before)
        yield from replay.outcomes()
        for item in self._recorder.record:
            replay.advance(item)
            yield from replay.outcomes()


class _Replay:
    """The record, played up to some point."""

    def __init__(self, before: State) -> None:
        self._files, self._steps = FileSystem(before), 0
        self._marks: tuple[Mark, ...] = ()

    def advance(self, item: Step | Mark) -> None:
        if isinstance(item, Mark):
            self._marks = (*self._marks, item)
        else:
            self._files.apply(self._steps, item)
            self._steps += 1

    def outcomes(self) -> Iterator[Cut]:
        """Those that differ."""
        model = self._files
        everything = model.unsafe(Kept.EVERYTHING)
        states = {str(k): model.state(model.unsafe(k), torn=k is Kept.HALVES) for k in Kept}
        states |= {f"step {n} alone": model.state({n}) for n in sorted(everything)}
        seen: list[State] = []
        for name, state in states.items():
            if state not in seen:
                seen.append(state)
                yield Cut(self._steps, name, state, self._marks)
