# SPDX-License-Identifier: GPL-2.0-or-later
"""A runner that starts nothing: answers are arranged by the first words of a command.

    runner = FakeRunner()
    runner.on("lvs", stdout="xenvg")                    # any command beginning with `lvs`
    runner.on("drbdsetup", "down", returncode=10)       # a longer beginning counts before a shorter
    runner.on("qemu-img", do=lambda call: make_image(call.argv[-1]))

Every command is kept in `calls`. One that nobody arranged fails the test. Equal beginnings: the newest counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ganeti.errors import CommandError
from ganeti.utils.process import Command, Result, Runner


@dataclass(frozen=True)
class Call(Command):
    """One command as it was asked for, and the way it was to be run."""

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

    def _run(self, command: Command) -> Result:
        result = self._answer(Call(**vars(command)))
        if command.output_file is None:
            return result
        with open(command.output_file, "a", encoding="utf-8") as file:
            file.write(result.output)
        return result._replace(stdout="", stderr="")

    def _detach(self, command: Command) -> int:
        result = self._answer(Call(**vars(command), detached=True))
        if result.failed:
            raise CommandError(result.error_text())
        self._next_pid += 1
        return self._next_pid

    def interactive(self, argv: Sequence[str]) -> int:
        return self._answer(Call(tuple(argv), interactive=True)).returncode
