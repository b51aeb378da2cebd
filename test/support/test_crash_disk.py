# SPDX-License-Identifier: GPL-2.0-or-later
"""The harness of the crash tests: it must show losses, and it must notice sabotage."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganeti.utils.files import Disk, Write
from test.support.crash_disk import CrashDisk, Cut, Sabotage
from test.support.crash_files import Entry, Kept, snapshot


def save(disk: CrashDisk, root: Path, name: str, data: bytes) -> None:
    """What a careful program does: promise only after the write."""
    disk.write(str(root / name), data)
    disk.mark("acknowledged", name)


def losses(disk: CrashDisk) -> list[Cut]:
    """Cuts after which something acknowledged is not there as it was written (all files hold b'new')."""
    return [
        cut
        for cut in disk.cuts()
        for name in cut.marked("acknowledged")
        if cut.state.get(str(name), Entry(0, b"")).content != b"new"
    ]


def test_an_honest_disk_loses_nothing(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path)
    for name in ("a", "b", "a"):
        save(disk, tmp_path, name, b"new")
    assert losses(disk) == []
    assert any(cut.marked("acknowledged") == ["a", "b", "a"] for cut in disk.cuts())


@pytest.mark.parametrize(
    "sabotage", [Sabotage.NO_FSYNC, Sabotage.SKIP_DIRECTORY_FSYNC, Sabotage.ANSWER_BEFORE_WRITE]
)
@pytest.mark.parametrize("before", [None, b"old"])
def test_sabotage_is_noticed(tmp_path: Path, sabotage: Sabotage, before: bytes | None) -> None:
    if before is not None:
        (tmp_path / "a").write_bytes(before)
    disk = CrashDisk(tmp_path, sabotage)
    save(disk, tmp_path, "a", b"new")
    assert losses(disk)
    assert (tmp_path / "a").read_bytes() == b"new"  # while the power is on, nobody can tell


def test_without_fsync_of_the_file_the_name_may_be_there_and_empty_or_torn(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path, Sabotage.NO_FSYNC)
    save(disk, tmp_path, "a", b"new")
    assert {cut.state["a"].content for cut in losses(disk)} == {b"", b"n"}


def test_without_fsync_of_the_directory_the_old_file_may_be_back(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    disk = CrashDisk(tmp_path, Sabotage.SKIP_DIRECTORY_FSYNC)
    save(disk, tmp_path, "a", b"new")
    assert {cut.state["a"].content for cut in losses(disk)} == {b"old"}


def test_a_cut_may_keep_more_than_was_synced(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path, Sabotage.SKIP_DIRECTORY_FSYNC)
    disk.write(str(tmp_path / "a"), b"new")
    last = len(disk.steps)
    assert disk.state_after(last, Kept.NOTHING) == {}
    assert disk.state_after(last, Kept.EVERYTHING) == {"a": Entry(0o640, b"new")}
    assert {frozenset(cut.state) for cut in disk.cuts() if cut.after == last} >= {
        frozenset(),
        frozenset({"a"}),
    }


def test_names_may_survive_without_their_contents(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path, Sabotage.NO_FSYNC)
    disk.write_many([Write(str(tmp_path / name), b"new") for name in "ab"])
    renames = [n for n, step in enumerate(disk.steps) if step.kind == "rename"]
    state = disk.state_after(renames[-1] + 1, Kept.NAMES)
    assert state == {"a": Entry(0o640, b""), "b": Entry(0o640, b"")}


def test_a_write_may_be_torn(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path, Sabotage.NO_FSYNC)
    disk.write(str(tmp_path / "a"), b"new content")
    torn = disk.state_after(len(disk.steps), Kept.HALVES)
    assert torn == {"a": Entry(0o640, b"new c")}
    assert torn in [cut.state for cut in disk.cuts()]


def test_what_was_synced_is_never_torn(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path)
    disk.write(str(tmp_path / "a"), b"new content")
    contents = {e.content for cut in disk.cuts() for name, e in cut.state.items() if name == "a"}
    assert contents == {b"new content"}


def test_the_outcomes_at_one_point_are_those_of_all_cuts(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path)
    for name in ("a", "b"):
        save(disk, tmp_path, name, b"new")
    points = [disk.outcomes(point) for point in range(disk.points + 1)]
    assert [cut for outcomes in points for cut in outcomes] == list(disk.cuts())


def test_steps_survive_in_any_order(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path)
    disk.write_many([Write(str(tmp_path / name), b"new") for name in "ab"])
    states = [cut.state for cut in disk.cuts()]
    only_b = [state for state in states if "b" in state and "a" not in state]
    assert only_b, "a cut may keep the second rename and not the first"


def test_a_temporary_file_may_be_left(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path)
    disk.write(str(tmp_path / "a"), b"new")
    names = {name for cut in disk.cuts() for name in cut.state}
    assert len(names) == 2
    assert any(name.startswith(".a.") for name in names)


def test_a_rename_between_directories_is_one_step(tmp_path: Path) -> None:
    for name in ("from", "to"):
        (tmp_path / name).mkdir()
    (tmp_path / "from/x").write_bytes(b"new")
    disk = CrashDisk(tmp_path)
    disk.rename(str(tmp_path / "from/x"), str(tmp_path / "to/x"))
    for cut in disk.cuts():
        assert ("from/x" in cut.state) != ("to/x" in cut.state), cut
    assert "to/x" in disk.state_after(len(disk.steps))


def test_what_lies_in_a_lost_directory_is_lost(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path)
    disk.ensure_dir(str(tmp_path / "d"), mode=0o755)
    disk.write(str(tmp_path / "d/x"), b"new")
    assert [step.kind for step in disk.steps[:2]] == ["mkdir", "sync-directory"]
    careless = CrashDisk(tmp_path / "d", Sabotage.SKIP_DIRECTORY_FSYNC)
    careless.ensure_dir(str(tmp_path / "d/e"), mode=0o755)
    careless.write(str(tmp_path / "d/e/y"), b"new")
    assert "e/y" not in careless.state_after(len(careless.steps))
    assert "e/y" in careless.state_after(len(careless.steps), Kept.EVERYTHING)


def test_a_removal_may_not_have_happened_before_it_is_synced(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    disk = CrashDisk(tmp_path)
    disk.remove(str(tmp_path / "a"))
    assert [step.kind for step in disk.steps] == ["unlink", "sync-directory"]
    assert "a" in disk.state_after(1)
    assert "a" not in disk.state_after(1, Kept.EVERYTHING)
    assert "a" not in disk.state_after(2)


def test_what_was_replaced_before_it_was_safe_does_not_come_back(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path)
    disk.write(str(tmp_path / "a"), b"1")
    disk.write(str(tmp_path / "a"), b"2")
    last = len(disk.steps)
    assert {disk.state_after(last, kept)["a"].content for kept in Kept} == {b"2"}


def test_directories_can_be_renamed_with_all_that_is_in_them(tmp_path: Path) -> None:
    (tmp_path / "queue").mkdir()
    disk = CrashDisk(tmp_path)
    disk.write(str(tmp_path / "queue/job-1"), b"new")
    disk.rename(str(tmp_path / "queue"), str(tmp_path / "queue.superseded"))
    assert set(disk.state_after(len(disk.steps))) == {"queue.superseded", "queue.superseded/job-1"}


def test_what_was_there_before_counts_as_safe(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir(mode=0o700)
    (tmp_path / "d/x").write_bytes(b"x")
    (tmp_path / "d/x").chmod(0o600)
    disk = CrashDisk(tmp_path)
    assert disk.state_after(0) == {"d": Entry(0o700, None), "d/x": Entry(0o600, b"x")}


def test_a_state_can_be_restored_and_read_again(tmp_path: Path) -> None:
    root, copy = tmp_path / "root", tmp_path / "copy"
    root.mkdir()
    disk = CrashDisk(root)
    disk.ensure_dir(str(root / "d"), mode=0o750)
    disk.write(str(root / "d/x"), b"new", mode=0o440)
    copy.mkdir()
    (copy / "stale").write_text("of another cut")
    cut = list(disk.cuts())[-1]
    cut.restore(copy)
    assert snapshot(copy) == snapshot(root) == cut.state


def test_the_last_optimistic_state_is_what_everybody_sees(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path)
    disk.ensure_dir(str(tmp_path / "a/b"), mode=0o755)
    disk.write_many([Write(str(tmp_path / f"a/{n}"), b"%d" % n, 0o600) for n in range(9)])
    disk.rename_many([(str(tmp_path / f"a/{n}"), str(tmp_path / f"a/b/{n}")) for n in (1, 3)])
    disk.remove(str(tmp_path / "a/5"))
    assert disk.state_after(len(disk.steps), Kept.EVERYTHING) == snapshot(tmp_path)


def test_marks_belong_to_their_kind_and_place(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path)
    disk.mark("started", 1)
    disk.write(str(tmp_path / "a"), b"")
    disk.mark("acknowledged", 1)
    cuts = list(disk.cuts())
    assert cuts[0].marked("started") == []
    assert all(cut.marked("started") == [1] for cut in cuts if cut.after > 0)
    assert {cut.after for cut in cuts if cut.marked("acknowledged")} == {len(disk.steps)}


def test_outcomes_of_a_cut_differ(tmp_path: Path) -> None:
    disk = CrashDisk(tmp_path)
    disk.write_many([Write(str(tmp_path / name), b"x") for name in "abc"])
    cuts = list(disk.cuts())
    for cut in cuts:
        same = [other for other in cuts if other.after == cut.after and other.state == cut.state]
        assert same == [cut]


def test_it_is_a_disk_for_whoever_writes(tmp_path: Path) -> None:
    plain, recorded = tmp_path / "plain", tmp_path / "recorded"
    for root, kind in ((plain, Disk), (recorded, None)):
        root.mkdir()
        disk = kind() if kind else CrashDisk(root)
        disk.ensure_dir(str(root / "d"), mode=0o711)
        disk.write(str(root / "d/x"), b"1", mode=0o604)
        disk.rename(str(root / "d/x"), str(root / "y"))
    assert snapshot(plain) == snapshot(recorded)


def test_writing_elsewhere_is_a_mistake_of_the_test(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    disk = CrashDisk(tmp_path / "root")
    with pytest.raises(AssertionError, match="outside"):
        disk.write(str(tmp_path / "x"), b"")
