# SPDX-License-Identifier: GPL-2.0-or-later
"""A power cut at any moment: what was acknowledged is there, and numbers do not go back.

The harness proves itself: with any of the ways to cheat switched in, it must find something.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ganeti.errors import ConfigurationError, GenericError
from ganeti.master.config.store import Ticket
from test.support.cluster import a_cluster
from test.support.config_world import ConfigWorld, tagged
from test.support.crash_disk import CrashDisk, Cut, Sabotage

CFG = a_cluster().with_nodes("n1", "n2", "n3").with_instance("web", template="plain").build()
OTHERS = [CFG.node("n2").uuid, CFG.node("n3").uuid]
ON_CANDIDATE, ACKNOWLEDGED = "on candidate", "acknowledged"


class Generation(NamedTuple):
    serial: int
    tags: tuple[str, ...]

    @classmethod
    def of(cls, data: bytes) -> Generation:
        raw = json.loads(data)
        return cls(raw["serial_no"], tuple(raw["cluster"].get("tags", ())))


class Answer(NamedTuple):
    """What a client was told, and which candidates counted as in sync then."""

    in_sync: tuple[str, ...]
    made: Generation


NOTHING = Generation(0, ())


def recorded(root: Path, sabotage: Sabotage | None = None) -> CrashDisk:
    """Some changes, one of which loses a candidate; the disk remembers every step."""
    ConfigWorld(root, CFG)
    disk = CrashDisk(root, sabotage)
    world = ConfigWorld(root, disk=disk)
    if sabotage is Sabotage.FORGET_CANDIDATE:
        world.candidates.forgetful.add(OTHERS[0])
    world.candidates.when_kept = lambda node, content: disk.mark(
        ON_CANDIDATE, (node, Generation.of(content.data))
    )
    world.round()
    for number in range(5):
        if number == 3:
            world.candidates.failures[OTHERS[1]] = OSError("no route")
        tickets = [world.stage(tagged(f"t{number}.{n}")) for n in range(1 + number % 2)]
        world.round()
        acknowledge(world, disk, tickets)
    return disk


def acknowledge(world: ConfigWorld, disk: CrashDisk, tickets: list[Ticket]) -> None:
    for ticket in tickets:
        ticket.wait()
    in_sync = tuple(uuid for uuid in OTHERS if uuid not in world.store.behind())
    generation = Generation(world.cfg.serial_no, world.cfg.cluster.tags)
    disk.mark(ACKNOWLEDGED, Answer(in_sync, generation))


def problems(cut: Cut, directory: Path) -> list[str]:
    """What a restart after the cut gets wrong."""
    cut.restore(directory)
    try:
        world = ConfigWorld(directory)
    except GenericError as err:
        return [f"does not load: {err}"]
    found = Generation(world.cfg.serial_no, world.cfg.cluster.tags)
    kept: list[tuple[str, Generation]] = typing.cast(Any, cut.marked(ON_CANDIDATE))
    answers: list[Answer] = typing.cast(Any, cut.marked(ACKNOWLEDGED))
    texts = [text for answer in answers for text in broken_promises(answer, found, dict(kept))]
    world.change(tagged("after"))
    used = {found.serial, *(generation.serial for _, generation in kept)}
    new = {Generation.of(content.data).serial for _, content in world.candidates.sent}
    if min(new) <= max(used):
        texts.append(f"number {min(new)} is used again")
    if not _begins(world.cfg.cluster.tags, (*found.tags, "after")):
        texts.append("the next change is not on top of what was found")
    return texts


def broken_promises(
    answer: Answer, found: Generation, on_candidates: dict[str, Generation]
) -> Iterator[str]:
    """An acknowledged change must be here, and on every candidate that was in sync."""
    if found.serial < answer.made.serial or not _begins(found.tags, answer.made.tags):
        yield f"{answer.made} is lost, there is {found}"
    for uuid in answer.in_sync:
        if not _begins(on_candidates.get(uuid, NOTHING).tags, answer.made.tags):
            yield f"{answer.made} is not on candidate {uuid}"


def _begins(tags: tuple[str, ...], start: tuple[str, ...]) -> bool:
    return tags[: len(start)] == start


def all_problems(disk: CrashDisk, directory: Path) -> list[str]:
    return [text for cut in disk.cuts() for text in problems(cut, directory)]


def test_nothing_acknowledged_is_lost_at_any_cut(tmp_path: Path) -> None:
    disk = recorded(tmp_path / "run")
    cuts = list(disk.cuts())
    assert len(cuts) > 50
    assert any(cut.marked(ACKNOWLEDGED) for cut in cuts)
    assert all_problems(disk, tmp_path / "again") == []


@pytest.mark.parametrize("sabotage", list(Sabotage))
def test_cheating_is_found(tmp_path: Path, sabotage: Sabotage) -> None:
    disk = recorded(tmp_path / "run", sabotage)
    assert all_problems(disk, tmp_path / "again") != []


def test_a_failed_write_and_a_cut_leave_one_content_for_each_number(tmp_path: Path) -> None:
    """The disk fails in the middle, then the power: the next master goes on above all of it."""
    world = ConfigWorld(tmp_path, CFG)
    world.round()
    for step in ("write", "rename", "sync-directory"):
        world.primitives.fails_at = step
        with pytest.raises(ConfigurationError):
            world.change(tagged(step))
        sent = {Generation.of(content.data).serial for _, content in world.candidates.sent}
        world = ConfigWorld(tmp_path)
        world.change(tagged("after"))
        assert world.cfg.serial_no > max(sent)
