# SPDX-License-Identifier: GPL-2.0-or-later
"""The points at which the master daemon can be ended, before and after each.

They are the steps of a durable write (the names of `files.Primitives`), the calls to candidates and to
nodes, and answers to clients. `inside.cutting` counts how often each is passed; a point that is passed
seldom gets more of the work that leads there.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """`often`: the daemon ends when it comes here for the 1st to the nth time."""

    name: str
    often: int
    favourite: str = ""
    """The work (`inside.work`) that leads here."""


STEPS = (
    Step("write_temporary", 60),
    Step("sync_file", 60),
    Step("rename", 60),
    Step("sync_directory", 60),
    Step("unlink", 2, "drain"),
    Step("send jobqueue_update_many", 40),
    Step("send jobqueue_rename", 3, "archive"),
    Step("send jobqueue_set_drain_flag", 3, "drain"),
    Step("send jobqueue_keep", 1, "node"),
    Step("send upload_file", 20),
    Step("send write_ssconf_files", 10, "tag"),
    Step("send another call", 20, "start"),
    Step("answer", 150),
)
POINTS = {f"{side} {step.name}": step for step in STEPS for side in ("before", "after")}
