# SPDX-License-Identifier: GPL-2.0-or-later
"""Run the system's programs for the lab, and wait for what they bring about."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PYTHON = "/usr/bin/python3"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TREE = Path(__file__).resolve().parents[2]
POLL_S = 0.02
# Of a daemon's or a program's output, as much as helps to see what went wrong.
TAIL_LINES = 20


class LabError(Exception):
    """The lab cannot do it; the message says what, where, and what to do."""


@dataclass(frozen=True)
class Outcome:
    """How a program ended, and what it printed."""

    code: int
    output: bytes
    errors: bytes


def outcome(
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    timeout_s: float = 60,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Outcome:
    """Run a program to its end, whatever that is."""
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, timeout=timeout_s, env=env, cwd=cwd, check=False
        )
    except subprocess.TimeoutExpired:
        raise LabError(f"{' '.join(argv)}: not done within {timeout_s:g} s") from None
    return Outcome(done.returncode, done.stdout, done.stderr)


def run(
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    timeout_s: float = 60,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    good: Container[int] = (0,),
) -> bytes:
    """Run a program that must succeed, and return what it printed."""
    done = outcome(argv, stdin=stdin, timeout_s=timeout_s, env=env, cwd=cwd)
    if done.code not in good:
        raise LabError(
            f"{' '.join(argv)}: exit code {done.code}\n{tail(done.errors or done.output)}"
        )
    return done.output


def tail(output: bytes) -> str:
    """The last lines of a program's output."""
    return "\n".join(output.decode("utf-8", "replace").splitlines()[-TAIL_LINES:])


def wait_until(true: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Return as soon as `true()` holds; raise when it does not in time."""
    end = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > end:
            raise LabError(f"{what}: not within {timeout_s:g} s")
        time.sleep(POLL_S)
