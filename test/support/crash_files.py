# SPDX-License-Identifier: GPL-2.0-or-later
"""A file system as a power cut sees it: what everybody sees now, what is safe, and what may survive.

The rules are those of `crash_disk`, which records the steps that are applied here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple


class Kept(StrEnum):
    """What a cut keeps of that which was not synced."""

    NOTHING = "nothing"
    EVERYTHING = "everything"
    NAMES = "names"
    HALVES = "names and half of the contents"


class Step(NamedTuple):
    """One primitive operation, or a mark (paths are relative to the root)."""

    kind: str
    path: str
    other: str = ""
    data: bytes = b""
    mode: int = 0
    mtime_ns: int = 0


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


class FileSystem:
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
            case Kept.NAMES:
                return frozenset(names - self._written.keys())
        return frozenset(names | self._written.keys())

    def state(self, kept: Iterable[int], *, torn: bool = False) -> State:
        """What a cut leaves if of the steps that are not safe those in `kept` survive.

        `torn`: of what they wrote there is only half.
        """
        survivors = frozenset(kept)
        names: dict[_Directory, dict[str, _Node]] = {}
        for pending in self._pending:
            if pending.number in survivors:
                for change in pending.changes:
                    safe = change.directory.safe_names
                    _carry_out(names.setdefault(change.directory, dict(safe)), change)
        files = [file for number, file in self._written.items() if number in survivors]
        contents = {f: f.content[: len(f.content) // 2] if torn else f.content for f in files}
        return dict(_listing(self._root, "", names, contents))


def _carry_out(names: dict[str, _Node], change: _Change) -> None:
    if change.node is None:
        names.pop(change.name, None)
    else:
        names[change.name] = change.node


def _listing(
    directory: _Directory,
    prefix: str,
    changed: dict[_Directory, dict[str, _Node]],
    unsynced: dict[_File, bytes],
) -> Iterator[tuple[str, Entry]]:
    for name, node in changed.get(directory, directory.safe_names).items():
        path = f"{prefix}{name}"
        if isinstance(node, _Directory):
            yield path, Entry(node.mode, None)
            yield from _listing(node, f"{path}/", changed, unsynced)
        else:
            content = unsynced.get(node, node.safe_content)
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
            if entry.mtime_ns:
                os.utime(target, ns=(entry.mtime_ns, entry.mtime_ns))
        target.chmod(entry.mode | (0o700 if entry.content is None else 0o400))
