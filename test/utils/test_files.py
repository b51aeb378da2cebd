# SPDX-License-Identifier: GPL-2.0-or-later
"""Durable writes: what is replaced, when it is promised, and what remains after a failure.

That nothing promised is lost is tried at every cut of recorded runs; `test/support/test_crash_disk.py` shows
that the record can see it.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from ganeti.utils import files
from ganeti.utils.files import Disk, Primitives, Write
from test.support.crash_disk import CrashDisk
from test.support.crash_files import Entry, Kept


class Failing(Primitives):
    """A device that refuses one kind of step, from the given time on."""

    def __init__(self, step: str, *, after: int = 0) -> None:
        self._step, self._left = step, after

    def _maybe(self, step: str) -> None:
        if step == self._step:
            self._left -= 1
            if self._left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")

    def write_temporary(self, path: str, item: Write) -> None:
        super().write_temporary(path, item)
        self._maybe("write")

    def sync_file(self, path: str) -> os.stat_result:
        self._maybe("sync-file")
        return super().sync_file(path)

    def rename(self, old: str, new: str) -> None:
        self._maybe("rename")
        super().rename(old, new)

    def sync_directory(self, path: str) -> None:
        self._maybe("sync-directory")
        super().sync_directory(path)


def content(directory: Path) -> dict[str, str]:
    return {p.name: p.read_text() for p in directory.iterdir() if p.is_file()}


def test_a_file_is_made_with_its_mode_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        Disk().write(str(tmp_path / "ssconf_x"), b"value\n", mode=0o444)
    finally:
        os.umask(before)
    assert (tmp_path / "ssconf_x").stat().st_mode & 0o7777 == 0o444
    assert content(tmp_path) == {"ssconf_x": "value\n"}


def test_the_default_mode_is_not_for_everybody(tmp_path: Path) -> None:
    Disk().write(str(tmp_path / "x"), b"")
    assert (tmp_path / "x").stat().st_mode & 0o7777 == 0o640


def test_owner_and_group_are_set(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give files away")
    Disk().write(str(tmp_path / "x"), b"", owner=(12, 34))
    state = (tmp_path / "x").stat()
    assert (state.st_uid, state.st_gid) == (12, 34)


def test_a_file_is_replaced_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    with path.open() as reader:
        Disk().write(str(path), b"new")
        assert reader.read() == "old"
    assert path.read_text() == "new"


def test_before_rename_sees_the_new_file_before_others_do(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    seen: list[os.stat_result] = []

    def look(state: os.stat_result) -> None:
        assert path.read_text() == "old"
        seen.append(state)

    Disk().write(str(path), b"new", before_rename=look)
    state = path.stat()
    assert (seen[0].st_ino, seen[0].st_mtime_ns) == (state.st_ino, state.st_mtime_ns)


def test_before_rename_can_forbid_it(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")

    def forbid(_: os.stat_result) -> None:
        raise RuntimeError("somebody edited it")

    with pytest.raises(RuntimeError):
        Disk().write(str(path), b"new", before_rename=forbid)
    assert content(tmp_path) == {"x": "old"}


@pytest.mark.parametrize("step", ["write", "sync-file", "rename"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, step: str) -> None:
    (tmp_path / "x").write_text("old")
    with pytest.raises(OSError, match="No space"):
        Disk(Failing(step)).write(str(tmp_path / "x"), b"new")
    assert content(tmp_path) == {"x": "old"}


@pytest.mark.parametrize("step", ["write", "sync-file"])
def test_a_failed_write_names_the_file(tmp_path: Path, step: str) -> None:
    """The system call had a descriptor only, or the name of a file that is gone by now."""
    with pytest.raises(OSError) as failed:
        Disk(Failing(step)).write(str(tmp_path / "x"), b"new")
    assert failed.value.filename == str(tmp_path / "x")


def test_a_missing_directory_is_told_by_the_file_that_was_wanted(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing/x'$"):
        Disk().write(str(tmp_path / "missing" / "x"), b"new")


def test_a_directory_that_cannot_be_synced_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError) as failed:
        Disk(Failing("sync-directory")).write(str(tmp_path / "x"), b"new")
    assert failed.value.filename == str(tmp_path)


def test_a_failure_in_the_middle_leaves_whole_files(tmp_path: Path) -> None:
    items = [Write(str(tmp_path / name), b"new") for name in "abcd"]
    with pytest.raises(OSError, match="No space"):
        Disk(Failing("rename", after=2)).write_many(items)
    assert content(tmp_path) == {"a": "new", "b": "new"}


def test_a_directory_that_cannot_be_synced_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        Disk(Failing("sync-directory")).write(str(tmp_path / "x"), b"new")


def test_many_files_sync_each_directory_once(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path)
    disk.ensure_dir(str(tmp_path / "sub"), mode=0o750)
    made = len(disk.steps)
    names = ["a", "b", "sub/c", "d", "sub/e"]
    disk.write_many(Write(str(tmp_path / name), name.encode()) for name in names)
    kinds = [step.kind for step in disk.steps[made:]]
    assert kinds[:5] == ["write"] * 5
    assert kinds[5:] == ["sync-file"] * 5 + ["rename"] * 5 + ["sync-directory"] * 2
    assert [step.other for step in disk.steps[made:] if step.kind == "rename"] == names


def test_all_is_written_before_the_first_file_is_waited_for(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path)
    disk.write_many(Write(str(tmp_path / name), b"") for name in "abc")
    kinds = [step.kind for step in disk.steps]
    assert kinds == ["write"] * 3 + ["sync-file"] * 3 + ["rename"] * 3 + ["sync-directory"]


def test_nothing_to_write_is_no_step(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path)
    disk.write_many([])
    disk.rename_many([])
    assert disk.steps == []


def test_large_contents_arrive_whole(tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    Disk().write(str(tmp_path / "x"), data)
    assert (tmp_path / "x").read_bytes() == data


def test_the_longest_names_can_be_written(tmp_path: Path) -> None:
    for name in ("n" * 255, "ä" * 127):
        Disk().write(str(tmp_path / name), b"1")
        assert (tmp_path / name).read_bytes() == b"1"


def test_relative_paths_lie_in_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    disk = Disk()
    disk.ensure_dir("sub", mode=0o755)
    disk.write("x", b"1")
    disk.rename("x", "sub/y")
    disk.remove("sub/y")
    assert list((tmp_path / "sub").iterdir()) == []


def test_a_written_file_survives_every_later_cut(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("old")
    disk = CrashDisk(tmp_path)
    disk.write(str(tmp_path / "x"), b"new", mode=0o600)
    disk.mark("acknowledged", "x")
    for cut in disk.cuts():
        allowed = {b"new"} if cut.marked("acknowledged") else {b"old", b"new"}
        assert cut.state["x"].content in allowed, cut


def test_a_rename_is_durable_in_new_directories_too(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path)
    disk.write(str(tmp_path / "job-1"), b"{}")
    disk.rename(str(tmp_path / "job-1"), str(tmp_path / "archive/0/job-1"), make_dirs_mode=0o750)
    last = len(disk.steps)
    for kept in Kept:
        assert disk.state_after(last, kept) == {
            "archive": Entry(0o750, None),
            "archive/0": Entry(0o750, None),
            "archive/0/job-1": Entry(0o640, b"{}"),
        }


def test_a_rename_syncs_the_new_directory_and_then_the_old_one(tmp_path: Path) -> None:
    """A journal makes one enough; not every file system has one."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / "old" / name).write_text("")
    disk = CrashDisk(tmp_path)
    disk.rename_many(
        [(str(tmp_path / f"old/{n}"), str(tmp_path / f"new/{n}")) for n in ("old", "new")]
    )
    assert [(step.kind, step.path) for step in disk.steps[2:]] == [
        ("sync-directory", "new"),
        ("sync-directory", "old"),
    ]


def test_a_job_is_never_in_both_places_or_none(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path)
    disk.write(str(tmp_path / "job-1"), b"{}")
    start = len(disk.steps)
    disk.rename(str(tmp_path / "job-1"), str(tmp_path / "archive/job-1"), make_dirs_mode=0o750)
    for cut in disk.cuts():
        if cut.after >= start:
            assert ("job-1" in cut.state) != ("archive/job-1" in cut.state), cut


def test_renaming_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Disk().rename(str(tmp_path / "x"), str(tmp_path / "y"))


def test_a_removed_file_does_not_come_back(tmp_path: Path) -> None:
    (tmp_path / "drain").write_text("")
    disk = CrashDisk(tmp_path)
    disk.remove(str(tmp_path / "drain"))
    for kept in Kept:
        assert disk.state_after(len(disk.steps), kept) == {}


def test_removing_what_is_not_there(tmp_path: Path) -> None:
    path = str(tmp_path / "x")
    Disk().remove(path, missing_ok=True)
    with pytest.raises(FileNotFoundError):
        Disk().remove(path)


def test_the_files_of_a_directory_are_removed_for_good(tmp_path: Path) -> None:
    for name in ("job-1", "job-2", "serial"):
        (tmp_path / name).write_text("")
    (tmp_path / "archive").mkdir()
    disk = CrashDisk(tmp_path)
    disk.remove_files(str(tmp_path), names=re.compile(r"job-\d+"))
    for kept in Kept:
        assert set(disk.state_after(len(disk.steps), kept)) == {"serial", "archive"}
    disk.remove_files(str(tmp_path))
    for kept in Kept:
        assert set(disk.state_after(len(disk.steps), kept)) == {"archive"}


def test_a_missing_directory_has_no_files_to_remove(tmp_path: Path) -> None:
    Disk().remove_files(str(tmp_path / "x"))


def test_a_directory_whose_owner_is_refused_is_not_left_half_made(tmp_path: Path) -> None:
    """Otherwise it would count as finished when it is asked for again."""
    path = tmp_path / "a"
    with pytest.raises(OverflowError):
        Disk().ensure_dir(str(path), mode=0o755, owner=(2**32, 0))
    assert not path.exists()


def test_a_directory_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o700)
    Disk().ensure_dir(str(tmp_path / "a"), mode=0o755)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700


def test_a_file_in_the_place_of_a_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(OSError):
        Disk().ensure_dir(str(tmp_path / "a"), mode=0o755)
    with pytest.raises(OSError):
        Disk().ensure_dir(str(tmp_path / "a/b"), mode=0o755)


def test_new_directories_get_their_owner(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give directories away")
    Disk().ensure_dir(str(tmp_path / "a/b"), mode=0o2750, owner=(12, 34))
    for path in (tmp_path / "a", tmp_path / "a/b"):
        state = path.stat()
        assert (state.st_uid, state.st_gid, state.st_mode & 0o7777) == (12, 34, 0o2750)


class Dying(Primitives):
    """The process is gone before it can clean up."""

    def rename(self, old: str, new: str) -> None:
        raise KeyboardInterrupt

    def unlink(self, path: str) -> None:
        raise OSError


def leave_leftovers(directory: Path) -> None:
    """What a crash between write and rename leaves; one file has a name like a leftover's."""
    for name in ("serial", "job-1", ".odd.0123456789ab.new"):
        (directory / name).write_text("old")
        with pytest.raises(KeyboardInterrupt):
            Disk(Dying()).write(str(directory / name), b"new")
    assert len(content(directory)) == 6


def test_leftovers_of_one_file_are_swept(tmp_path: Path) -> None:
    leave_leftovers(tmp_path)
    before = set(content(tmp_path))
    files.sweep_temporaries(str(tmp_path), "job-1")
    gone = before - set(content(tmp_path))
    assert len(gone) == 1
    assert gone.pop().startswith(".job-1.")


def test_all_leftovers_are_swept_and_nothing_else(tmp_path: Path) -> None:
    leave_leftovers(tmp_path)
    kept = {"serial", "job-1", ".hidden", "job-1.new", ".x.new", ".config.data.abc.new"}
    for name in kept:
        (tmp_path / name).write_text("old")
    files.sweep_temporaries(str(tmp_path))
    assert set(content(tmp_path)) == kept


def test_reading(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes("ä\nb\n\nc".encode())
    assert files.read_text(str(tmp_path / "x")) == "ä\nb\n\nc"
    assert files.read_lines(str(tmp_path / "x")) == ["ä", "b", "", "c"]
