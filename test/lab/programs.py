# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the system's programs for the lab, and wait for what they bring about."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path

from ganeti.utils import process

PYTHON = "/usr/bin/python3"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TREE = Path(__file__).resolve().parents[2]
RUNNER = process.Runner()
POLL_S = 0.02


class LabError(Exception):
    """The lab cannot do it; the message says what, where, and what to do."""


def run(
    argv: Sequence[str],
    *,
    stdin: str | None = None,
    timeout_s: float = 60,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    output_file: Path | None = None,
    good: Container[int] = (0,),
) -> str:
    """Run a program that must succeed, and return what it printed; `env` is all of its environment."""
    done = RUNNER.run(
        argv,
        input=stdin,
        timeout_s=timeout_s,
        env=env,
        reset_env=env is not None,
        cwd=None if cwd is None else str(cwd),
        output_file=None if output_file is None else str(output_file),
    )
    if done.timed_out or done.returncode not in good:
        raise LabError(done.error_text())
    return done.stdout


def wait_until(true: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Return as soon as `true()` holds; raise when it does not in time."""
    end = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > end:
            raise LabError(f"{what}: not within {timeout_s:g} s")
        time.sleep(POLL_S)
