# SPDX-License-Identifier: GPL-2.0-or-later
"""A terminal on a host, at which one types and sees what is shown."""

from __future__ import annotations

import contextlib
import os
import subprocess

from test.lab import programs
from test.lab.hosts import Host
from test.lab.programs import LabError

TRIES, TRY_S = 10, 3.0
SHOW_S, END_S = 60.0, 20.0


class Terminal:
    """A command on a terminal of a host; `leave` is what ends it when the block ends."""

    def __init__(self, host: Host, command: str, *, leave: bytes = b"") -> None:
        self._shown, self._leave = b"", leave
        argv = host.tool_command(["script", "-qec", command, "/dev/null"])
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, bufsize=0)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._keys, self._screen = self._process.stdin, self._process.stdout
        os.set_blocking(self._screen.fileno(), False)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._process.poll() is None:
                self._keys.write(self._leave)
                self._process.wait(END_S)
        finally:
            self._keys.close()
            self._screen.close()
            self._process.kill()
            self._process.wait()

    def answer(self, prompt: str, keys: str) -> str:
        """Type when the prompt is shown; what was shown before it."""
        programs.wait_until(lambda: prompt in self._read(), SHOW_S, f"{prompt} is shown")
        shown, _, rest = self._read().partition(prompt)
        self._shown = rest.encode()
        self._keys.write(f"{keys}\n".encode())
        return shown

    def type_until(self, keys: str, text: str) -> None:
        """Type, again where the guest was not listening yet, until it shows the text."""
        self._shown = b""
        for _ in range(TRIES):
            self._keys.write(keys.encode())
            with contextlib.suppress(LabError):
                programs.wait_until(lambda: text in self._read(), TRY_S, text)
                return
        raise AssertionError(f"no {text!r} but {self._shown!r}")

    def end(self) -> tuple[int, str]:
        """Wait for the command to end by itself: its exit code, and what it showed last."""
        programs.wait_until(self._has_ended, SHOW_S, "the command ends")
        return self._process.wait(), self._read()

    def _has_ended(self) -> bool:
        self._read()
        return self._process.poll() is not None

    def _read(self) -> str:
        self._shown += self._screen.read() or b""
        return self._shown.decode("utf-8", "replace")
