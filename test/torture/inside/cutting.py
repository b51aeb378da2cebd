# SPDX-License-Identifier: GPL-2.0-or-later
"""A master daemon that kills itself at a named point, or that lies.

    cutting ganeti-masterd POINT COUNT SABOTAGE [OPTIONS OF GANETI-MASTERD]

By the first word daemon-util knows it. It ends when it comes to the point (`points`; an empty one is never reached) for the COUNTth time, and
leaves a file that says so. A sabotage is a promise that it does not keep, to see that the torture finds
it; `none` keeps all.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from ganeti.master import daemon
from ganeti.master.luxi_requests import Reply, Requests
from ganeti.master.parts import Parts
from ganeti.rpc.transport import Answer, Request, Transport
from ganeti.utils.files import Disk, Primitives, Write
from test.torture.points import STEPS

REACHED = "/root/reached"
LATE_S = 0.2
ON_DISK = [step.name for step in STEPS if hasattr(Primitives, step.name)]
SENT = {step.name for step in STEPS if step.name.startswith("send ")}
ANOTHER_CALL = "send another call"
COPIES = {
    "upload_file": b"[true, null]",
    "jobqueue_update_many": b"[true, null]",
    "jobqueue_rename": b"[true, null]",
    "jobqueue_keep": b"[true, []]",
}
"""Calls by which candidates get copies, and how they answer."""


class Cutter:
    """Counts how often all threads together come to the point."""

    def __init__(self, point: str, count: int) -> None:
        self._point, self._left, self._lock = point, count, threading.Lock()

    def at(self, point: str) -> None:
        if point != self._point:
            return
        with self._lock:
            self._left -= 1
            if self._left == 0:
                open(REACHED, "w").close()
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        """The step, between two points."""

        def cut(*args: Any) -> Any:
            self.at(f"before {name}")
            result = step(*args)
            self.at(f"after {name}")
            return result

        return cut


class NoFsync(Primitives):
    """Nothing is ever synced."""

    def sync_file(self, path: str) -> os.stat_result:
        return os.stat(path)

    def sync_directory(self, path: str) -> None:
        pass


class SkipDirectoryFsync(Primitives):
    """Contents are synced, names are not."""

    def sync_directory(self, path: str) -> None:
        pass


class AnswerBeforeWrite(Disk):
    """Says that it has written the queue, and does it later."""

    def write_many(self, items: Iterable[Write]) -> None:
        items = list(items)
        if any(item.before_rename for item in items):
            super().write_many(items)
            return
        late = threading.Timer(LATE_S, super().write_many, [items])
        late.daemon = True
        late.start()


class CuttingTransport(Transport):
    """`forgets`: what candidates are to keep is not sent, and counts as answered."""

    cutter: Cutter
    forgets: bool

    def send(self, request: Request) -> Future[Answer]:
        call = request.url.rpartition("/")[2]
        name = f"send {call}" if f"send {call}" in SENT else ANOTHER_CALL
        self.cutter.at(f"before {name}")
        told: Future[Answer] = Future()
        if self.forgets and call in COPIES:
            told.set_result(Answer(200, COPIES[call]))
            return told

        def answered(sent: Future[Answer]) -> None:
            """The node has done it, and nobody here knows yet."""
            self.cutter.at(f"after {name}")
            told.set_result(sent.result())

        super().send(request).add_done_callback(answered)
        return told


class CuttingRequests(Requests):
    cutter: Cutter

    def __call__(self, data: bytes, reply: Reply) -> None:
        super().__call__(data, self.cutter.around("answer", reply))


SABOTAGES = ("none", "no-fsync", "skip-directory-fsync", "answer-before-write", "forget-candidate")


def disk_with(cutter: Cutter, sabotage: str) -> Disk:
    kinds = {"no-fsync": NoFsync, "skip-directory-fsync": SkipDirectoryFsync}
    primitives = kinds.get(sabotage, Primitives)()
    for name in ON_DISK:
        setattr(primitives, name, cutter.around(name, getattr(primitives, name)))
    return (AnswerBeforeWrite if sabotage == "answer-before-write" else Disk)(primitives)


def parts_with(cutter: Cutter, sabotage: str) -> Parts:
    CuttingTransport.cutter = CuttingRequests.cutter = cutter
    CuttingTransport.forgets = sabotage == "forget-candidate"
    return Parts(disk_with(cutter, sabotage), CuttingTransport, CuttingRequests)


def main() -> int:
    _name, point, count, sabotage, *options = sys.argv[1:]
    if sabotage not in SABOTAGES:
        raise SystemExit(f"there is no sabotage {sabotage!r}: {', '.join(SABOTAGES)}")
    return daemon.main(options, parts=parts_with(Cutter(point, int(count)), sabotage))


if __name__ == "__main__":
    sys.exit(main())
