# SPDX-License-Identifier: GPL-2.0-or-later
"""External commands: the only module that starts processes.

Commands are argv lists, never shell lines; nothing secret may stand in one, because `ps` shows it and the
debug log has it. Each command has a deadline, and a session of its own, so that its children end with it
when the time is over. It counts as ended when its own process ends: a child that lives on with the
streams in its hands holds nobody up.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, NamedTuple

from ganeti.errors import CommandError

log = logging.getLogger(__name__)

CANNOT_START = 127
_KILL_GRACE_S = 5.0
_LAST_WORDS_S = 1.0
_SHOWN_LINES = 20
_CHUNK = 64 * 1024
_OUTPUT_MODE = 0o600


@dataclass(frozen=True)
class Command:
    """What is to be run; `env` is added to the environment, or is all of it with `reset_env`."""

    argv: tuple[str, ...]
    input: str | None = None
    env: Mapping[str, str] | None = None
    reset_env: bool = False
    cwd: str | None = None
    output_file: str | None = None
    timeout_s: float | None = None
    pass_fds: tuple[int, ...] = ()


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
    def signal(self) -> int | None:
        """The signal that ended the command."""
        return -self.returncode if self.returncode < 0 else None

    @property
    def output(self) -> str:
        """Both streams, for people."""
        return self.stdout + self.stderr

    @property
    def fail_reason(self) -> str:
        if self.timed_out:
            return "ran out of time"
        if self.signal is not None:
            return f"killed by signal {self.signal}"
        return f"exited with code {self.returncode}"

    def error_text(self) -> str:
        """The command, why it failed and its last lines."""
        lines = self.output.strip().splitlines()[-_SHOWN_LINES:]
        return f"{shlex.join(self.argv)} {self.fail_reason}" + (
            ": " + "\n".join(lines) if lines else ""
        )


class Runner:
    """Runs commands. `grace_s`: how long one that must end may take to do so by itself."""

    def __init__(self, *, grace_s: float = 5.0) -> None:
        self._grace_s = grace_s

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

        With `output_file` both streams are appended there. A command that cannot be started has
        code 127, as in a shell.
        """
        result = self._run(
            Command(
                tuple(argv), input, env, reset_env, cwd, output_file, timeout_s, tuple(pass_fds)
            )
        )
        if check and result.failed:
            raise CommandError(result.error_text())
        return result

    def _run(self, command: Command) -> Result:
        try:
            with _sink(command.output_file) as sink:
                process = _start(command, sink)
        except OSError as err:
            return Result(command.argv, CANNOT_START, "", f"cannot be started: {err}")
        return _finish(process, command, self._grace_s)

    def start_detached(
        self,
        argv: Sequence[str],
        *,
        output_file: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        pass_fds: Sequence[int] = (),
    ) -> int:
        """Start a process that outlives this one, in a session of its own; returns its PID.

        A program that cannot be executed raises CommandError. While this process lives, a thread waits
        for the other one, so that it leaves no zombie.
        """
        return self._detach(
            Command(tuple(argv), None, env, False, cwd, output_file, pass_fds=tuple(pass_fds))
        )

    def _detach(self, command: Command) -> int:
        try:
            with _sink(command.output_file or os.devnull) as sink:
                process = _start(command, sink)
        except OSError as err:
            raise CommandError(f"{command.argv[0]} cannot be started: {err}") from err
        _reap_later(process)
        return process.pid

    def interactive(self, argv: Sequence[str]) -> int:
        """Run a command on this terminal and return its exit code, 128 more than the signal if killed.

        Ctrl-C is for the command, not for this process.
        """
        try:
            process = subprocess.Popen(list(argv))
        except OSError as err:
            raise CommandError(f"{argv[0]} cannot be started: {err}") from err
        before = {number: signal.signal(number, signal.SIG_IGN) for number in _KEYBOARD}
        try:
            code = process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return 128 - code if code < 0 else code


_KEYBOARD = (signal.SIGINT, signal.SIGQUIT)


@contextlib.contextmanager
def _sink(path: str | None) -> Iterator[int | None]:
    """A descriptor that appends to the file, while the process is started."""
    if path is None:
        yield None
        return
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _OUTPUT_MODE)
    try:
        yield fd
    finally:
        os.close(fd)


def _environment(env: Mapping[str, str] | None, reset: bool) -> dict[str, str]:
    base = {} if reset else {**os.environ, "LC_ALL": "C"}
    return {**base, **(env or {})}


def _start(command: Command, sink: int | None) -> subprocess.Popen[bytes]:
    log.debug("running %s", shlex.join(command.argv))
    return subprocess.Popen(
        command.argv,
        stdin=subprocess.DEVNULL if command.input is None else subprocess.PIPE,
        stdout=subprocess.PIPE if sink is None else sink,
        stderr=subprocess.PIPE if sink is None else sink,
        bufsize=0,
        env=_environment(command.env, command.reset_env),
        cwd=command.cwd,
        pass_fds=command.pass_fds,
        start_new_session=True,
    )


def _finish(process: subprocess.Popen[bytes], command: Command, grace_s: float) -> Result:
    with contextlib.closing(_Conversation(process, (command.input or "").encode())) as talk:
        try:
            timed_out = not talk.until_end(command.timeout_s)
        except BaseException:
            talk.end(grace_s)
            talk.reap()
            raise
        if timed_out:
            talk.end(grace_s)
        talk.last_words(min(grace_s, _LAST_WORDS_S))
        returncode = talk.reap()
    out, err = (bytes(stream).decode("utf-8", "replace") for stream in talk.printed)
    result = Result(command.argv, returncode, out, err, timed_out)
    if result.failed:
        log.debug("%s %s", command.argv[0], result.fail_reason)
    return result


class _Conversation:
    """Feeds a process and collects what it prints, until the process ends.

    The end is seen on a pidfd, not on the streams: those may have been inherited. Until `reap` the process
    is at least a zombie, so its PID and process group are certainly its own.
    """

    def __init__(self, process: subprocess.Popen[bytes], data: bytes) -> None:
        self._process = process
        self._unsent = memoryview(data)
        self._selector = selectors.DefaultSelector()
        self._has_ended = False
        self.printed = (bytearray(), bytearray())
        self._pidfd = os.pidfd_open(process.pid)
        self._selector.register(self._pidfd, selectors.EVENT_READ, self._note_end)
        for stream, kept in zip((process.stdout, process.stderr), self.printed, strict=True):
            if stream is not None:
                self._listen(stream, kept)
        if process.stdin is not None:
            self._speak(process.stdin)

    def _note_end(self) -> None:
        self._has_ended = True
        self._selector.unregister(self._pidfd)

    def _listen(self, stream: IO[bytes], kept: bytearray) -> None:
        def read() -> None:
            chunk = os.read(stream.fileno(), _CHUNK)
            kept.extend(chunk)
            if not chunk:
                self._selector.unregister(stream)

        self._selector.register(stream, selectors.EVENT_READ, read)

    def _speak(self, stream: IO[bytes]) -> None:
        def write() -> None:
            try:
                self._unsent = self._unsent[os.write(stream.fileno(), self._unsent) :]
            except BrokenPipeError:  # it does not want to hear more
                self._unsent = memoryview(b"")
            if not self._unsent:
                self._selector.unregister(stream)
                stream.close()

        os.set_blocking(stream.fileno(), False)
        self._selector.register(stream, selectors.EVENT_WRITE, write)

    def until_end(self, timeout_s: float | None) -> bool:
        """Talk until the process ends; False if the time is over before."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._has_ended:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return False
            self._turn(left)
        return True

    def _turn(self, timeout_s: float | None) -> None:
        for key, _ in self._selector.select(timeout_s):
            key.data()

    def end(self, grace_s: float) -> None:
        """End the process and its children: politely first."""
        _signal_group(self._process.pid, signal.SIGTERM)
        self.until_end(grace_s)
        _signal_group(self._process.pid, signal.SIGKILL)
        self.until_end(_KILL_GRACE_S)

    def last_words(self, most_s: float) -> None:
        """What is in the pipes still; somebody who inherited them is not waited for."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._selector.unregister(self._process.stdin)
        deadline = time.monotonic() + most_s
        while self._has_ended and self._selector.get_map() and time.monotonic() < deadline:
            self._turn(deadline - time.monotonic())

    def reap(self) -> int:
        """The return code; a process that even SIGKILL does not end, because its disk hangs, is left."""
        if self._has_ended:
            return self._process.wait()
        log.error("process %d cannot be ended", self._process.pid)
        _reap_later(self._process)
        return -signal.SIGKILL

    def close(self) -> None:
        self._selector.close()
        os.close(self._pidfd)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


def _reap_later(process: subprocess.Popen[bytes]) -> None:
    threading.Thread(target=process.wait, name=f"Reaper{process.pid}", daemon=True).start()
