# SPDX-License-Identifier: GPL-2.0-or-later
"""Two changes in one."""

from ganeti.master.queue.changes import Changes, merge


def test_the_newer_content_wins_and_renames_follow() -> None:
    older = Changes({"job-1": b"a", "job-2": b"b"}, (("job-1", "archive/0/job-1"),), drained=True)
    newer = Changes({"job-2": b"c"}, (("job-2", "archive/0/job-2"),))
    assert merge(older, newer) == Changes(
        {"job-1": b"a", "job-2": b"c"},
        (("job-1", "archive/0/job-1"), ("job-2", "archive/0/job-2")),
        drained=True,
    )
    assert merge(older, Changes(drained=False)).drained is False


def test_everything_makes_what_was_before_needless_and_stays_everything() -> None:
    everything = Changes({"job-7": b"x"}, everything=True)
    assert merge(Changes({"job-1": b"a"}, drained=True), everything) == everything
    assert merge(everything, Changes({"job-8": b"y"})).everything


def test_what_changes_nothing() -> None:
    assert Changes().is_empty
    assert not Changes(drained=False).is_empty
    assert not Changes(everything=True).is_empty
