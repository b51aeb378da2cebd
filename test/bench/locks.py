# SPDX-License-Identifier: GPL-2.0-or-later
"""Jobs that want the locks of all 10,000 instances: the queue with its scheduler, in this process.

    locks.py DIRECTORY       prints a JSON object of figures; the directory is to be on a disk

One job holds a single instance for a moment, so that all others wait in rank: half of them want
everything for themselves, the others share it; every fifth is opportunistic, some are cancelled while
they wait, and each has one of three priorities. Meanwhile jobs without locks come and go.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganeti.master.alarms import AlarmClock
from ganeti.master.candidates import CandidateSet
from ganeti.master.locks.plan import Held, Level, Want, exclusive, free_ones, shared
from ganeti.master.query import fields_job
from ganeti.master.queue import changes
from ganeti.master.queue.execution import Feedback, Run
from ganeti.master.queue.jobqueue import JobQueue, Settings
from ganeti.master.queue.store import QueueStore
from ganeti.master.queue.watch import Answer, Known
from ganeti.opcodes.base import OpCode, param
from ganeti.paths import Paths
from ganeti.utils.clock import Clock
from ganeti.utils.files import Disk

INSTANCES = 10_000
JOBS = 20
HOLD_S = 1.0
NAMES = tuple(f"inst{n}.lab" for n in range(INSTANCES))
WANTS = {
    "one": exclusive(NAMES[0]),
    "all": exclusive(*NAMES),
    "shared": shared(*NAMES),
    "free": free_ones(NAMES, 0),
}
SENT_BY_NOBODY = "there are no candidates"


class OpBenchLocks(OpCode):
    """Holds what it wants, and may take its time."""

    SUBJECT = "wants"
    wants: str = param("Key of a request, or empty")
    hold_s: float = param("How long", default=0.0)


@dataclass
class Attempt:
    opcode: OpBenchLocks

    def want(self, level: Level, held: Held) -> Want | None:
        return WANTS.get(self.opcode.wants) if level is Level.INSTANCE else None

    def names_of(self, level: Level) -> Iterable[str]:
        return NAMES

    def run(self, run: Run) -> None:
        run.until_durable()
        time.sleep(self.opcode.hold_s)

    def second(self) -> OpCode | None:
        return None

    def close(self) -> None:
        pass


class Executor:
    def begin(self, job_id: int, op_index: int, opcode: OpCode, feedback: Feedback) -> Attempt:
        assert isinstance(opcode, OpBenchLocks)
        return Attempt(opcode)


class Nobody:
    """The transport to no candidates."""

    def send(self, candidate: str, content: Any, done: Any) -> None:
        raise AssertionError(SENT_BY_NOBODY)


def make_queue(paths: Paths) -> JobQueue:
    alarms, clock = AlarmClock(), Clock()
    candidates = CandidateSet(Nobody(), changes.merge, alarms)
    store = QueueStore(paths, Disk(), candidates, alarms, epoch=1)
    settings = Settings(lambda: JOBS, lambda: ())
    return JobQueue(store, Executor(), alarms, clock, settings=settings, row=fields_job.values)


def wait_final(queue: JobQueue, job_id: int) -> None:
    while True:
        snapshot = queue.job(job_id)
        assert snapshot is not None
        if snapshot.job.is_final:
            return
        changed = threading.Event()
        known = Known(["status"], fields_job.values(snapshot.job, ["status"]), -1)

        def answer(_news: Answer, tell: threading.Event = changed) -> None:
            tell.set()

        queue.wait_for_change(job_id, known, 60, answer)
        changed.wait()


def others(queue: JobQueue, is_over: threading.Event) -> list[float]:
    """How long jobs without locks take meanwhile."""
    taken = []
    while not is_over.is_set():
        started = time.perf_counter()
        wait_final(queue, queue.submit([OpBenchLocks(wants="")]))
        taken.append(time.perf_counter() - started)
        is_over.wait(0.01)
    return taken


def opcode(number: int) -> OpBenchLocks:
    kind = "free" if number % 5 == 4 else ("all", "shared")[number % 2]
    return OpBenchLocks(wants=kind).replace(priority=(0, -10, 10)[number % 3])


def contend(queue: JobQueue) -> float:
    """Seconds from the first until the last is final, without the time for which they are kept waiting."""
    started = time.perf_counter()
    holder = queue.submit([OpBenchLocks(wants="one", hold_s=HOLD_S)])
    ids = [queue.submit([opcode(number)]) for number in range(JOBS)]
    for job_id in ids[::7]:
        queue.cancel(job_id)
    for job_id in [holder, *ids]:
        wait_final(queue, job_id)
    return time.perf_counter() - started - HOLD_S


def figures(queue: JobQueue) -> dict[str, float]:
    queue.start(())
    is_over, taken = threading.Event(), list[float]()
    meanwhile = threading.Thread(target=lambda: taken.extend(others(queue, is_over)))
    meanwhile.start()
    try:
        seconds = contend(queue)
    finally:
        is_over.set()
        meanwhile.join()
    return {"locks_10000_s": seconds, "locks_10000_other_job_s": max(taken)}


def main() -> None:
    sys.setswitchinterval(0.001)
    with tempfile.TemporaryDirectory(dir=sys.argv[1]) as directory:
        paths = Paths(directory)
        Path(paths.queue_archive_dir).mkdir(parents=True)
        queue = make_queue(paths)
        found = figures(queue)
        queue.shutdown()
        queue.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
