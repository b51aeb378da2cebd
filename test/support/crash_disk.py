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
names without the contents, and each step kept alone.

The harness must be able to fail: `Sabotage` spoils what is promised, and the tests that use this must notice.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from ganeti.utils.files import Disk, Owner, Primitives, Write


class Sabotage(StrEnum):
    """Ways to break durability. FORGET_CANDIDATE is for the doubles of distribution."""

    NO_FSYNC = "no-fsync"
    SKIP_DIRECTORY_FSYNC = "skip-directory-fsync"
    ANSWER_BEFORE_WRITE = "answer-before-write"
    FORGET_CANDIDATE = "forget-candidate"


class Kept(StrEnum):
    """What a cut keeps of that which was not synced."""

    NOTHING = "nothing"
    EVERYTHING = "everything"
    NAMES = "names"


class Step(NamedTuple):
    """One primitive operation, or a mark (paths are relative to the root)."""

    kind: str
    path: str
    other: str = ""
    data: bytes = b""
    mode: int = 0
    mtime_ns: int = 0


class Mark(NamedTuple):
    """Something the test wants to know of each cut: whether it lies before or after."""

    kind: str
    key: object


class Entry(NamedTuple):
    """A directory or file of a state; a directory's content is None. The time is what the writer said."""

    mode: int
    content: bytes | None
    mtime_ns: int = 0


State = dict[str, Entry]


@dataclass(eq=False)
class _File:
    mode: int
    content: bytes
    safe_content: bytes = b""
    mtime_ns: int = 0


@dataclass(eq=False)
class _Directory:
    mode: int
    names: dict[str, _Node] = field(default_factory=dict)
    safe_names: dict[str, _Node] = field(default_factory=dict)


_Node = _File | _Directory


class _Change(NamedTuple):
    """What a step did to one name of one directory; None takes it away."""

    directory: _Directory
    name: str
    node: _Node | None


@dataclass(eq=False)
class _Pending:
    """A step whose names are not safe yet."""

    number: int
    changes: list[_Change]


class _Model:
    """The file system: what everybody sees now, and what is safe."""

    def __init__(self, state: State) -> None:
        self._root = _Directory(0o755)
        self._pending: list[_Pending] = []
        self._written: dict[int, _File] = {}
        for path, entry in sorted(state.items()):
            self._adopt(path, entry)

    def _adopt(self, path: str, entry: Entry) -> None:
        directory, name = self._place(path)
        node: _Node = _Directory(entry.mode)
        if entry.content is not None:
            node = _File(entry.mode, entry.content, entry.content)
        directory.names[name] = directory.safe_names[name] = node

    def _node(self, path: str) -> _Node:
        node: _Node = self._root
        for name in Path(path).parts:
            assert isinstance(node, _Directory), f"{path} lies below a file"
            node = node.names[name]
        return node

    def _place(self, path: str) -> tuple[_Directory, str]:
        directory = self._node(os.path.dirname(path))
        assert isinstance(directory, _Directory)
        return directory, os.path.basename(path)

    def apply(self, number: int, step: Step) -> None:
        match step.kind:
            case "write":
                self._written[number] = node = _File(step.mode, step.data, mtime_ns=step.mtime_ns)
                self._change(number, _Change(*self._place(step.path), node))
            case "mkdir":
                self._change(number, _Change(*self._place(step.path), _Directory(step.mode)))
            case "unlink":
                self._change(number, _Change(*self._place(step.path), None))
            case "rename":
                moved = _Change(*self._place(step.other), self._node(step.path))
                self._change(number, _Change(*self._place(step.path), None), moved)
            case "sync-file":
                self._sync_file(self._node(step.path))
            case "sync-directory":
                self._sync_directory(self._node(step.path))

    def _change(self, number: int, *changes: _Change) -> None:
        for change in changes:
            _carry_out(change.directory.names, change)
        self._pending.append(_Pending(number, list(changes)))

    def _sync_file(self, node: _Node) -> None:
        assert isinstance(node, _File)
        node.safe_content = node.content
        self._written = {n: file for n, file in self._written.items() if file is not node}

    def _sync_directory(self, directory: _Node) -> None:
        """Steps are whole: a rename is safe with either of its directories."""
        for pending in list(self._pending):
            if any(change.directory is directory for change in pending.changes):
                self._make_safe(pending)

    def _make_safe(self, pending: _Pending) -> None:
        for change in pending.changes:
            _carry_out(change.directory.safe_names, change)
        place = self._pending.index(pending)
        names = [(change.directory, change.name) for change in pending.changes]
        for older in self._pending[:place]:
            older.changes = [c for c in older.changes if (c.directory, c.name) not in names]
        del self._pending[place]

    def unsafe(self, kept: Kept) -> frozenset[int]:
        """The numbers of the steps that are not safe, as far as `kept` keeps them."""
        names = {pending.number for pending in self._pending if pending.changes}
        match kept:
            case Kept.NOTHING:
                return frozenset()
            case Kept.EVERYTHING:
                return frozenset(names | self._written.keys())
            case Kept.NAMES:
                return frozenset(names - self._written.keys())

    def state(self, kept: Iterable[int]) -> State:
        """What a cut leaves if of the steps that are not safe those in `kept` survive."""
        survivors = frozenset(kept)
        names: dict[_Directory, dict[str, _Node]] = {}
        for pending in self._pending:
            if pending.number in survivors:
                for change in pending.changes:
                    safe = change.directory.safe_names
                    _carry_out(names.setdefault(change.directory, dict(safe)), change)
        whole = {file for number, file in self._written.items() if number in survivors}
        return dict(_listing(self._root, "", names, whole))


def _carry_out(names: dict[str, _Node], change: _Change) -> None:
    if change.node is None:
        names.pop(change.name, None)
    else:
        names[change.name] = change.node


def _listing(
    directory: _Directory,
    prefix: str,
    changed: dict[_Directory, dict[str, _Node]],
    whole: set[_File],
) -> Iterator[tuple[str, Entry]]:
    for name, node in changed.get(directory, directory.safe_names).items():
        path = f"{prefix}{name}"
        if isinstance(node, _Directory):
            yield path, Entry(node.mode, None)
            yield from _listing(node, f"{path}/", changed, whole)
        else:
            content = node.content if node in whole else node.safe_content
            yield path, Entry(node.mode, content, node.mtime_ns)


def snapshot(root: Path) -> State:
    """Directories and files below `root`; sockets and links are no matter of durability."""
    state: State = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            continue
        content = None if path.is_dir() else path.read_bytes()
        state[str(path.relative_to(root))] = Entry(path.stat().st_mode & 0o7777, content)
    return state


def restore(state: State, directory: Path) -> None:
    """Make `directory` hold exactly the state."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for path, entry in sorted(state.items()):
        target = directory / path
        if entry.content is None:
            target.mkdir()
        else:
            target.write_bytes(entry.content)
        target.chmod(entry.mode | (0o700 if entry.content is None else 0o400))


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
        model = _Model(self._recorder.before)
        for number, step in enumerate(self.steps[:steps]):
            model.apply(number, step)
        return model.state(model.unsafe(kept) if isinstance(kept, Kept) else kept)

    def cuts(self) -> Iterator[Cut]:
        """Every outcome of a cut after every step; equal ones under equal marks only once."""
        model = _Model(self._recorder.before)
        marks: tuple[Mark, ...] = ()
        number = 0
        yield from _outcomes(model, number, marks)
        for item in self._recorder.record:
            if isinstance(item, Mark):
                marks = (*marks, item)
            else:
                model.apply(number, item)
                number += 1
            yield from _outcomes(model, number, marks)


def _outcomes(model: _Model, after: int, marks: tuple[Mark, ...]) -> Iterator[Cut]:
    everything = model.unsafe(Kept.EVERYTHING)
    choices = {str(kept): model.unsafe(kept) for kept in Kept}
    choices |= {f"step {number} alone": frozenset({number}) for number in sorted(everything)}
    seen: list[State] = []
    for name, survivors in choices.items():
        state = model.state(survivors)
        if state not in seen:
            seen.append(state)
            yield Cut(after, name, state, marks)
