# SPDX-License-Identifier: GPL-2.0-or-later
"""External commands: the only module that starts processes.

Commands are argv lists, never shell lines. Each has a deadline; what it prints is kept for the error.
A command runs in a session of its own, so that its children end with it when the time is over.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ganeti.errors import CommandError

_TERM_GRACE_S = 5
_SHOWN_LINES = 20


class Result(NamedTuple):
    """What became of a command."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str
    timed_out: bool = False

    @property
    def failed(self) -> bool:
        return self.returncode != 0 or self.timed_out

    @property
    def output(self) -> str:
        """Both streams, for people."""
        return self.stdout + self.stderr

    @property
    def fail_reason(self) -> str:
        if self.timed_out:
            return "ran out of time"
        if self.returncode < 0:
            return f"killed by signal {-self.returncode}"
        return f"exited with code {self.returncode}"

    def error_text(self) -> str:
        """The command, why it failed and its last lines."""
        lines = self.output.strip().splitlines()[-_SHOWN_LINES:]
        return f"{shlex.join(self.argv)} {self.fail_reason}" + (
            ": " + "\n".join(lines) if lines else ""
        )


class Runner:
    """Runs commands."""

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float | None,
        input: str | None = None,
        env: Mapping[str, str] | None = None,
        reset_env: bool = False,
        cwd: str | None = None,
        output_file: str | None = None,
        pass_fds: Sequence[int] = (),
        check: bool = False,
    ) -> Result:
        """Run a command to its end; `check` raises CommandError if it fails.

        `env` is added to the environment, or is all of it with `reset_env`. With `output_file` both
        streams are appended there.
        """
        sink = self._sink(output_file)
        try:
            result = self._finish(
                self._start(argv, input, _environment(env, reset_env), cwd, sink, pass_fds),
                argv,
                input,
                timeout_s,
            )
        except OSError as err:
            result = Result(tuple(argv), 127, "", f"cannot be started: {err}")
        finally:
            if sink is not None:
                os.close(sink)
        if check and result.failed:
            raise CommandError(result.error_text())
        return result

    @staticmethod
    def _sink(path: str | None) -> int | None:
        if path is None:
            return None
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @staticmethod
    def _start(
        argv: Sequence[str],
        text: str | None,
        env: Mapping[str, str],
        cwd: str | None,
        sink: int | None,
        pass_fds: Sequence[int],
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
            stdout=subprocess.PIPE if sink is None else sink,
            stderr=subprocess.PIPE if sink is None else sink,
            env=dict(env),
            cwd=cwd,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )

    @staticmethod
    def _finish(
        process: subprocess.Popen[bytes],
        argv: Sequence[str],
        text: str | None,
        timeout_s: float | None,
    ) -> Result:
        data = None if text is None else text.encode()
        timed_out = False
        try:
            out, err = process.communicate(data, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            timed_out = True
            out, err = _end(process)
        except BaseException:
            _end(process)
            raise
        return Result(tuple(argv), process.returncode, _text(out), _text(err), timed_out)

    def start_detached(
        self,
        argv: Sequence[str],
        *,
        output_file: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        pass_fds: Sequence[int] = (),
    ) -> int:
        """Start a process that outlives this one, without terminal; returns its PID.

        A program that cannot be executed raises CommandError.
        """
        sink = self._sink(output_file or os.devnull)
        try:
            process = self._start(argv, None, _environment(env, False), cwd, sink, pass_fds)
        except OSError as err:
            raise CommandError(f"{argv[0]} cannot be started: {err}") from err
        finally:
            if sink is not None:
                os.close(sink)
        process.returncode = 0  # it is nobody's to wait for: no warning when this object goes
        return process.pid

    def interactive(self, argv: Sequence[str]) -> int:
        """Run a command on this terminal and return its exit code."""
        try:
            return subprocess.call(list(argv))
        except OSError as err:
            raise CommandError(f"{argv[0]} cannot be started: {err}") from err


def _text(stream: bytes | None) -> str:
    return (stream or b"").decode("utf-8", "replace")


def _environment(env: Mapping[str, str] | None, reset: bool) -> dict[str, str]:
    base = {} if reset else {**os.environ, "LC_ALL": "C"}
    return {**base, **(env or {})}


def _end(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """End a process and its children: politely first."""
    _signal_group(process.pid, signal.SIGTERM)
    try:
        return process.communicate(timeout=_TERM_GRACE_S)
    except subprocess.TimeoutExpired:
        _signal_group(process.pid, signal.SIGKILL)
        return process.communicate()


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return
