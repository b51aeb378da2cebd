# SPDX-License-Identifier: GPL-2.0-or-later
"""Undo: newest first, only on failure, and the first error is the one that is told."""

from __future__ import annotations

import pytest

from ganeti.utils.rollback import Rollback


def test_nothing_is_undone_when_all_went_well() -> None:
    undone: list[int] = []
    with Rollback() as undo:
        undo.on_failure(undone.append, 1)
    assert undone == []


def test_newest_steps_are_undone_first_and_the_error_goes_on() -> None:
    undone: list[int] = []
    with pytest.raises(ValueError, match="broken"), Rollback() as undo:
        undo.on_failure(undone.append, 1)
        undo.on_failure(undone.append, 2)
        raise ValueError("broken")
    assert undone == [2, 1]


def test_an_interruption_undoes_too() -> None:
    undone: list[int] = []
    with pytest.raises(KeyboardInterrupt), Rollback() as undo:
        undo.on_failure(undone.append, 1)
        raise KeyboardInterrupt
    assert undone == [1]


def test_what_was_committed_stays() -> None:
    undone: list[int] = []
    with pytest.raises(ValueError), Rollback() as undo:
        undo.on_failure(undone.append, 1)
        undo.commit()
        undo.on_failure(undone.append, 2)
        raise ValueError
    assert undone == [2]


def test_an_undo_that_fails_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    undone: list[int] = []

    def remove_disk() -> None:
        raise OSError("busy")

    with pytest.raises(ValueError, match="first"), Rollback() as undo:
        undo.on_failure(undone.append, 1)
        undo.on_failure(remove_disk)
        undo.on_failure(undone.append, 3)
        raise ValueError("first")
    assert undone == [3, 1]
    assert undo.failed == ["remove_disk: busy"]
    assert "remove_disk" in caplog.text
