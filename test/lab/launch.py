# SPDX-License-Identifier: GPL-2.0-or-later
"""launch CGROUP OUTPUT PROGRAM [ARGUMENT...]: start a program that outlives its caller, inside a control group.

It joins the group before anything else, so that nothing the lab starts can ever be outside the record.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from test.lab import programs
from test.lab.cgroup import Cgroup


def launch(cgroup: Cgroup, output: Path, argv: list[str]) -> None:
    """Start `argv` detached, with its output appended to a file."""
    programs.run(
        [programs.PYTHON, "-B", "-m", "test.lab.launch", str(cgroup.path), str(output), *argv],
        cwd=programs.TREE,
        env={"PATH": programs.PATH},
    )


def main() -> None:
    cgroup, output, *argv = sys.argv[1:]
    Cgroup(Path(cgroup)).join()
    if os.fork():
        os._exit(0)
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    log = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.execvp(argv[0], argv)


if __name__ == "__main__":
    main()
