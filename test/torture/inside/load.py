# SPDX-License-Identifier: GPL-2.0-or-later
"""Random work for the master daemon, until the daemon is gone.

    load ROUND SEED KILL_AFTER_S PATIENCE_S FAVOURITE

Some threads, each a client with things of its own (`work`). After so many seconds the daemon is killed;
with 0 it ends otherwise, and only if it has not after PATIENCE_S it is killed too.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from test.torture.inside.telling import tell
from test.torture.inside.work import Worker

THREADS = 4
PID_FILE = "/run/ganeti/ganeti-masterd.pid"
POLL_S = 0.002


def master_pid() -> int:
    with open(PID_FILE) as file:
        return int(file.read())


def is_alive(pid: int) -> bool:
    """What has ended and nobody has buried has no command line; but while another of its threads waits
    for the disk, it keeps its files and locks."""
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return bool(file.read()) or len(os.listdir(f"/proc/{pid}/task")) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_gone(pid: int, patience_s: float) -> None:
    """Until the process has ended."""
    deadline = time.monotonic() + patience_s
    while is_alive(pid):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(POLL_S)


def main() -> None:
    round_, seed, favourite = sys.argv[1], sys.argv[2], sys.argv[5]
    kill_after_s, patience_s = float(sys.argv[3]), float(sys.argv[4])
    pid = master_pid()
    workers = [Worker(round_, number, seed, favourite) for number in range(THREADS)]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    if kill_after_s:
        time.sleep(kill_after_s)
        os.kill(pid, signal.SIGKILL)
    wait_gone(pid, patience_s)
    tell(gone=True)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
