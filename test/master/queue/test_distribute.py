# SPDX-License-Identifier: GPL-2.0-or-later
"""The calls by which a candidate gets changes of the queue."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import simplejson

from ganeti import errors
from ganeti.contracts.node.packed import Packed
from ganeti.contracts.node.sender import DEPOSED_STATUS
from ganeti.master.queue.changes import Changes
from ganeti.master.queue.distribute import QueueTransport
from ganeti.paths import Paths
from ganeti.rpc.runner import Deposed, Rpc, Target
from ganeti.rpc.transport import Answer, Request

SUCCESS = Answer(200, b"[true, null]")


class Wire:
    """Answers calls by their names, at once or when it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.answers: dict[str, Answer] = {}

    def send(self, request: Request) -> Future[Answer]:
        call = request.url.rpartition("/")[2]
        self.calls.append((call, simplejson.loads(request.body)))
        future: Future[Answer] = Future()
        future.set_result(self.answers.get(call, SUCCESS))
        return future


class World:
    def __init__(self, root: Path) -> None:
        self.wire, self.paths = Wire(), Paths(str(root))
        self.transport = QueueTransport(Rpc(self.wire, self.resolve, port=1811), self.paths)
        self.outcomes: list[Exception | None] = []

    @staticmethod
    def resolve(uuid: str) -> Target:
        if uuid != "uuid-2":
            raise errors.ConfigurationError(f"there is no node {uuid}")
        return Target(uuid, "n2", "192.0.2.2")

    def send(self, content: Changes, candidate: str = "uuid-2") -> list[str]:
        self.transport.send(candidate, content, self.outcomes.append)
        return [name for name, _ in self.wire.calls]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_round_is_one_call(world: World) -> None:
    assert world.send(Changes({"serial": b"3\n", "job-3": b"{}"})) == ["jobqueue_update_many"]
    queue = world.paths.queue_dir
    arguments = [[[f"{queue}/serial", [0, "3\n"]], [f"{queue}/job-3", [0, "{}"]]]]
    assert world.wire.calls[0][1] == arguments
    assert world.outcomes == [None]


def test_everything_comes_before_what_is_old_is_removed(world: World) -> None:
    """So nothing is missing at the candidate while it gets what it lacks."""
    renames = (("job-1", "archive/0/job-1"),)
    content = Changes({"job-1": b"{}", "serial": b"9"}, renames, drained=False, everything=True)
    world.wire.answers["jobqueue_keep"] = Answer(200, b"[true, []]")
    assert world.send(content) == [
        *("jobqueue_update_many", "jobqueue_keep", "jobqueue_rename", "jobqueue_set_drain_flag"),
    ]
    assert world.wire.calls[1][1] == [[1], []]
    assert world.wire.calls[3][1] == [False]
    assert world.outcomes == [None]


def test_the_archive_is_completed(world: World) -> None:
    """But for what has been cleaned away since."""
    for number in range(1, 61):
        path = Path(world.paths.archived_job(number))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(number))
    lacking = [*range(2, 61), 99]
    world.wire.answers["jobqueue_keep"] = Answer(200, simplejson.dumps([True, lacking]).encode())
    archived = frozenset({1, *lacking})
    assert world.send(Changes({"serial": b"99\n"}, everything=True, archived=archived)) == [
        *("jobqueue_update_many", "jobqueue_keep", "jobqueue_update_many", "jobqueue_update_many"),
    ]
    sent = [row for _, (rows,) in world.wire.calls[2:] for row in rows]
    assert [path for path, _ in sent] == [world.paths.archived_job(n) for n in range(2, 61)]
    assert Packed.from_raw(sent[0][1]).data == b"2"
    assert world.outcomes == [None]


def test_a_candidate_learns_which_jobs_there_are(world: World) -> None:
    Path(world.paths.queue_dir).mkdir(parents=True)
    Path(world.paths.job(4)).write_text("four")
    world.wire.answers["jobqueue_keep"] = Answer(200, b"[true, [4, 6]]")
    content = Changes({"job-5": b"{}"}, known=frozenset({4, 6}), archived=frozenset({1}))
    assert world.send(content) == [
        *("jobqueue_update_many", "jobqueue_keep", "jobqueue_update_many"),
    ]
    assert world.wire.calls[1][1] == [[4, 5, 6], [1]]
    [[path, data]] = world.wire.calls[2][1][0]
    assert (path, Packed.from_raw(data).data) == (world.paths.job(4), b"four")


def test_the_record_of_who_has_all_comes_last(world: World) -> None:
    world.send(Changes({"candidates": b"{}", "serial": b"1", "job-1": b"{}"}))
    assert [path.rpartition("/")[2] for path, _ in world.wire.calls[0][1][0]] == [
        *("serial", "job-1", "candidates"),
    ]


def test_the_first_failure_ends_it(world: World) -> None:
    world.wire.answers["jobqueue_update_many"] = Answer(0, error="connection refused")
    assert world.send(Changes({"job-1": b"{}"}, everything=True)) == ["jobqueue_update_many"]
    (error,) = world.outcomes
    assert "connection refused" in str(error)


def test_a_node_that_obeys_another_master_says_so(world: World) -> None:
    world.wire.answers["jobqueue_update_many"] = Answer(DEPOSED_STATUS, b"n9 is master")
    world.send(Changes({"job-1": b"{}"}))
    assert isinstance(world.outcomes[0], Deposed)


def test_a_node_that_is_gone_is_a_failure_too(world: World) -> None:
    assert world.send(Changes({"job-1": b"{}"}), candidate="uuid-9") == []
    assert "uuid-9" in str(world.outcomes[0])
