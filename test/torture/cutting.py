#!/usr/bin/python3 -Es
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs inside the master's host: a master daemon that kills itself at a named point.

    cutting.py COUNT [OPTIONS OF GANETI-MASTERD]

The points are before and after each step of a durable write, each send to a node and each answer to a
client; it ends at the one with this number, and leaves its name in a file. Needs only the installed product.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

sys.path.insert(0, "/usr/share/ganeti")

from ganeti.master import daemon
from ganeti.master.luxi_requests import Reply, Requests
from ganeti.master.parts import Parts
from ganeti.rpc.transport import Answer, Request, Transport
from ganeti.utils.files import Disk, Primitives

REACHED = "/root/reached"
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


def parts_with(points: Points) -> Parts:
    primitives = Primitives()
    for name in STEPS:
        setattr(primitives, name, points.around(name, getattr(primitives, name)))

    class CuttingTransport(Transport):
        def send(self, request: Request) -> Future[Answer]:
            name = f"send {request.url.rpartition('/')[2]}"
            sent: Future[Answer] = points.around(name, super().send)(request)
            return sent

    class CuttingRequests(Requests):
        def __call__(self, data: bytes, reply: Reply) -> None:
            super().__call__(data, points.around("answer", reply))

    return Parts(Disk(primitives), CuttingTransport, CuttingRequests)


def main() -> int:
    points = Points(int(sys.argv[1]))
    return daemon.main(sys.argv[2:], parts=parts_with(points))


if __name__ == "__main__":
    sys.exit(main())
