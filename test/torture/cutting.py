#!/usr/bin/python3 -Es
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs inside the master's host: a master daemon that kills itself at a named point, or that lies.

    cutting.py COUNT SABOTAGE [OPTIONS OF GANETI-MASTERD]

The points are before and after each step of a durable write, each send to a node and each answer to a
client; it ends at the one with this number (0: at none), and leaves its name in a file. A sabotage is a
promise that it does not keep, to see that the torture finds it; `none` keeps all. Needs only the installed
product.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

sys.path.insert(0, "/usr/share/ganeti")

from ganeti.master import daemon
from ganeti.master.luxi_requests import Reply, Requests
from ganeti.master.parts import Parts
from ganeti.rpc.transport import Answer, Request, Transport
from ganeti.utils.files import Disk, Primitives, Write

REACHED = "/root/reached"
LATE_S = 0.2
STEPS = ("write_temporary", "sync_file", "rename", "unlink", "sync_directory")


class Points:
    """Counts them, in all threads."""

    def __init__(self, count: int) -> None:
        self._left, self._lock = count, threading.Lock()

    def at(self, name: str) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                with open(REACHED, "w") as file:
                    file.write(name)
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
    """Says that it has written, and does it later."""

    def write_many(self, items: Iterable[Write]) -> None:
        late = threading.Timer(LATE_S, super().write_many, [list(items)])
        late.daemon = True
        late.start()


def disk_with(points: Points, sabotage: str) -> Disk:
    kinds = {"no-fsync": NoFsync, "skip-directory-fsync": SkipDirectoryFsync}
    primitives = kinds.get(sabotage, Primitives)()
    for name in STEPS:
        setattr(primitives, name, points.around(name, getattr(primitives, name)))
    return (AnswerBeforeWrite if sabotage == "answer-before-write" else Disk)(primitives)


def parts_with(points: Points, sabotage: str) -> Parts:
    class CuttingTransport(Transport):
        def send(self, request: Request) -> Future[Answer]:
            name = f"send {request.url.rpartition('/')[2]}"
            sent: Future[Answer] = points.around(name, super().send)(request)
            return sent

    class CuttingRequests(Requests):
        def __call__(self, data: bytes, reply: Reply) -> None:
            super().__call__(data, points.around("answer", reply))

    return Parts(disk_with(points, sabotage), CuttingTransport, CuttingRequests)


def main() -> int:
    points = Points(int(sys.argv[1]))
    return daemon.main(sys.argv[3:], parts=parts_with(points, sys.argv[2]))


if __name__ == "__main__":
    sys.exit(main())
