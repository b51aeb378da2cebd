# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may be master: more than half of all nodes, no ties."""

import pytest

from ganeti.master.voting import Verdict, verdict

ME, OTHER, SILENT = "me", "other", None


@pytest.mark.parametrize(
    ("others", "outcome"),
    [
        ([], Verdict.WON),
        ([ME], Verdict.WON),
        ([SILENT], Verdict.OPEN),
        ([OTHER], Verdict.LOST),
        ([ME, SILENT], Verdict.WON),
        ([ME, OTHER], Verdict.WON),
        ([SILENT, SILENT], Verdict.OPEN),
        ([OTHER, SILENT], Verdict.OPEN),
        ([OTHER, OTHER], Verdict.LOST),
        ([ME, OTHER, OTHER], Verdict.LOST),
        ([ME, SILENT, SILENT], Verdict.OPEN),
        ([ME, ME, OTHER, OTHER], Verdict.WON),
        (["", SILENT, SILENT, ""], Verdict.OPEN),
    ],
)
def test_the_table(others: list[str | None], outcome: Verdict) -> None:
    votes = {"me": ME, **{f"n{i}": vote for i, vote in enumerate(others)}}
    assert verdict(ME, votes) is outcome
