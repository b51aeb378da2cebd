# SPDX-License-Identifier: GPL-2.0-or-later
"""A runner that starts nothing: answers are arranged by the first words of a command.

    runner = FakeRunner()
    runner.on("lvs", stdout="xenvg")                    # any command beginning with `lvs`
    runner.on("drbdsetup", "down", returncode=10)       # a longer beginning counts before a shorter
    runner.on("qemu-img", do=lambda call: make_image(call.argv[-1]))

Every command is kept in `calls`. One that nobody arranged fails the test. Equal beginnings: the newest counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ganeti.errors import CommandError
from ganeti.utils.process import Result, Runner


class Call(NamedTuple):
    """One command as it was asked for."""

    argv: tuple[str, ...]
    input: str | None = None
    env: Mapping[str, str] | None = None
    reset_env: bool = False
    cwd: str | None = None
    output_file: str | None = None
    timeout_s: float | None = None
    pass_fds: tuple[int, ...] = ()
    detached: bool = False
    interactive: bool = False


class FakeRunner(Runner):
    """Answers as arranged and remembers what was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self._answers: dict[tuple[str, ...], Callable[[Call], Result]] = {}
        self._next_pid = 4711

    @property
    def commands(self) -> list[tuple[str, ...]]:
        """The argument lists of all calls so far."""
        return [call.argv for call in self.calls]

    def on(
        self,
        *beginning: str,
        stdout: str = "",
        stderr: str = "",
        returncode: int = 0,
        timed_out: bool = False,
        do: Callable[[Call], str | None] | None = None,
    ) -> None:
        """Arrange an answer; `do` sees the call, may act on it, and may return what is printed."""

        def answer(call: Call) -> Result:
            printed = do(call) if do is not None else None
            out = stdout if printed is None else printed
            return Result(call.argv, returncode, out, stderr, timed_out)

        self._answers[beginning] = answer

    def missing(self, program: str) -> None:
        """The program is not installed."""
        self.on(program, returncode=127, stderr=f"cannot be started: no such file: {program}")

    def _answer(self, call: Call) -> Result:
        self.calls.append(call)
        for length in range(len(call.argv), -1, -1):
            answer = self._answers.get(call.argv[:length])
            if answer is not None:
                return answer(call)
        raise AssertionError(f"nobody arranged an answer to {list(call.argv)}")

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
        result = self._answer(
            Call(tuple(argv), input, env, reset_env, cwd, output_file, timeout_s, tuple(pass_fds))
        )
        if output_file is not None:
            with open(output_file, "a", encoding="utf-8") as file:
                file.write(result.output)
            result = result._replace(stdout="", stderr="")
        if check and result.failed:
            raise CommandError(result.error_text())
        return result

    def start_detached(
        self,
        argv: Sequence[str],
        *,
        output_file: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        pass_fds: Sequence[int] = (),
    ) -> int:
        call = Call(
            tuple(argv),
            env=env,
            cwd=cwd,
            output_file=output_file,
            pass_fds=tuple(pass_fds),
            detached=True,
        )
        result = self._answer(call)
        if result.failed:
            raise CommandError(result.error_text())
        self._next_pid += 1
        return self._next_pid

    def interactive(self, argv: Sequence[str]) -> int:
        return self._answer(Call(tuple(argv), interactive=True)).returncode
