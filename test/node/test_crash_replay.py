# SPDX-License-Identifier: GPL-2.0-or-later
"""The power fails on a node while the master writes there: what was answered is on its disk, and no more.

After each cut every file is as it was at the last answer, or as the call that was under way would have made it;
never something in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ganeti.contracts.node.packed import Packed
from ganeti.contracts.node.sender import Sender
from ganeti.node.fence import Fence
from ganeti.node.handlers.files import FileHandlers
from ganeti.node.handlers.jobs import JobHandlers
from ganeti.node.handlers.system import SystemHandlers
from ganeti.node.host import Host
from test.support.crash_disk import CrashDisk, Sabotage
from test.support.crash_files import State, snapshot
from test.support.node_host import NodeHost

ANSWERED = "answered"


def calls(host: Host) -> Iterator[Callable[[], object]]:
    """What a master has a node keep: queue, configuration, ssconf, flags; and a takeover."""
    paths = host.paths
    jobs, files, system = JobHandlers(host), FileHandlers(host), SystemHandlers(host)

    def upload(number: int) -> None:
        data = Packed(b'{"serial_no": %d}' % number)
        files.upload_file_single(paths.config_data, data, 0o640, "root", "root", 1.0, 2.0)

    def update(*rows: tuple[int, bytes]) -> None:
        number = max(job for job, _ in rows)
        content = [(paths.job(job), Packed(data)) for job, data in rows]
        jobs.jobqueue_update_many([(paths.queue_serial, Packed(b"%d\n" % number)), *content])

    yield lambda: update((1, b"queued"), (2, b"queued"))
    yield lambda: update((1, b"success"), (3, b"queued"))
    yield lambda: jobs.jobqueue_rename([(paths.job(1), paths.archived_job(1))])
    yield lambda: jobs.jobqueue_set_drain_flag(True)
    yield lambda: jobs.jobqueue_set_drain_flag(False)
    yield lambda: upload(1)
    yield lambda: files.write_ssconf_files({"master_node": "n1\n", "cluster_name": "c\n"})
    yield lambda: system.set_watcher_pause(1_700_000_000.0)
    yield lambda: upload(2)
    yield lambda: host.fence.obey(Sender("n2", 1))
    yield lambda: files.write_ssconf_files({"master_node": "n2\n", "cluster_name": "c\n"})
    yield lambda: jobs.jobqueue_keep([3], [])
    yield lambda: system.set_watcher_pause(None)


def recorded(root: Path, sabotage: Sabotage | None = None) -> CrashDisk:
    node = NodeHost(root)
    for directory in (node.paths.queue_dir, node.paths.queue_archive_dir):
        Path(directory).mkdir(exist_ok=True)
    disk = CrashDisk(root, sabotage)
    host = replace(node.host, disk=disk, fence=Fence(node.paths.master_epoch, disk))
    disk.mark(ANSWERED, kept(snapshot(root)))
    for call in calls(host):
        call()
        disk.mark(ANSWERED, kept(snapshot(root)))
    return disk


def kept(state: State) -> dict[str, bytes]:
    """The files, but for temporary ones and locks."""
    is_kept = {p: e.content for p, e in state.items() if not p.endswith((".new", "lock", ".LOCK"))}
    return {path: content for path, content in is_kept.items() if content is not None}


def problems(disk: CrashDisk) -> Iterator[str]:
    *_, last = disk.cuts()
    answers: list[Any] = last.marked(ANSWERED)
    after = {index: then for index, (_, then) in enumerate(pairwise(answers))}
    for cut in disk.cuts():
        count = len(cut.marked(ANSWERED))
        if not count:
            continue
        was, found = answers[count - 1], kept(cut.state)
        will_be = after.get(count - 1, was)
        for path in was.keys() | will_be.keys() | found.keys():
            if found.get(path) not in (was.get(path), will_be.get(path)):
                yield f"{path} after {count} answers, {cut.kept} kept: {found.get(path)!r}"


def test_a_node_has_what_it_has_answered_for(tmp_path: Path) -> None:
    disk = recorded(tmp_path)
    assert list(problems(disk)) == []
    assert len(list(disk.cuts())) > 100


@pytest.mark.parametrize(
    "sabotage",
    [Sabotage.NO_FSYNC, Sabotage.SKIP_DIRECTORY_FSYNC, Sabotage.ANSWER_BEFORE_WRITE],
)
def test_cheating_is_found(tmp_path: Path, sabotage: Sabotage) -> None:
    found = "\n".join(problems(recorded(tmp_path, sabotage)))
    for name in ("config.data", "serial", "job-1", "ssconf_master_node", "master-epoch"):
        assert f"/{name} " in found
