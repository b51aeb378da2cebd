# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands, tried with real ones: ends, streams, deadlines, and what becomes of children."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ganeti.errors import CommandError
from ganeti.utils import process, retry
from ganeti.utils.clock import Clock
from ganeti.utils.process import Result, Runner
from test.support.runner import Call, FakeRunner

SOON_S = 0.05
LONG_S = 30.0


@pytest.fixture
def runner() -> Runner:
    return Runner(grace_s=SOON_S)


def shell(runner: Runner, line: str, *arguments: str, timeout_s: float = LONG_S) -> Result:
    return runner.run(["/bin/sh", "-c", line, "sh", *arguments], timeout_s=timeout_s)


def soon(is_true: Callable[[], bool]) -> bool:
    return retry.until(is_true, timeout_s=10, clock=Clock())


def has_ended(pid: int) -> bool:
    """Whether the process runs no more; a zombie is its new parent's business."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


# Ends.


def test_success(runner: Runner) -> None:
    result = shell(runner, "echo out; echo err >&2")
    assert (result.returncode, result.stdout, result.stderr) == (0, "out\n", "err\n")
    assert not result.failed
    assert result.output == "out\nerr\n"


def test_a_code(runner: Runner) -> None:
    result = shell(runner, "exit 3")
    assert result.failed
    assert result.fail_reason == "exited with code 3"
    assert result.signal is None


def test_a_signal(runner: Runner) -> None:
    result = shell(runner, "kill -USR1 $$")
    assert result.failed
    assert result.signal == signal.SIGUSR1
    assert result.fail_reason == f"killed by signal {int(signal.SIGUSR1)}"


def test_arguments_are_not_seen_by_a_shell(runner: Runner) -> None:
    argument = "$(echo x); 'y\" *\n"
    assert runner.run(["printf", "%s", argument], timeout_s=LONG_S).stdout == argument


@pytest.mark.parametrize("program", ["/nonexistent/program", "no-such-program", "/etc"])
def test_what_cannot_be_started(runner: Runner, program: str) -> None:
    result = runner.run([program], timeout_s=LONG_S)
    assert result.failed
    assert result.returncode == process.CANNOT_START
    assert program in result.error_text()
    with pytest.raises(CommandError, match="cannot be started"):
        runner.run([program], timeout_s=LONG_S, check=True)


def test_check_raises_with_the_last_lines(runner: Runner) -> None:
    line = "seq 100; echo 'no such volume' >&2; exit 5"
    with pytest.raises(CommandError) as caught:
        runner.run(["sh", "-c", line], timeout_s=LONG_S, check=True)
    text = str(caught.value)
    assert text.startswith("sh -c 'seq 100; ")
    assert "exited with code 5" in text
    assert text.endswith("no such volume")
    assert "\n100\n" in text
    assert "\n50\n" not in text


# Streams.


def test_input_and_output_larger_than_pipes(runner: Runner) -> None:
    data = "0123456789abcde\n" * 60_000
    result = runner.run(["cat"], timeout_s=LONG_S, input=data)
    assert result.stdout == data


def test_input_that_is_not_read(runner: Runner) -> None:
    assert not runner.run(["true"], timeout_s=LONG_S, input="x" * 1_000_000).failed


def test_empty_input_is_the_end_of_it(runner: Runner) -> None:
    assert runner.run(["cat"], timeout_s=LONG_S, input="").stdout == ""


def test_without_input_there_is_none(runner: Runner) -> None:
    assert runner.run(["cat"], timeout_s=LONG_S).stdout == ""


def test_output_that_is_not_utf8_can_be_shown(runner: Runner) -> None:
    assert shell(runner, r"printf 'a\377b'").stdout == "a\ufffdb"


def test_output_to_a_file_is_appended_in_order(runner: Runner, tmp_path: Path) -> None:
    log = tmp_path / "add.log"
    for word in ("one", "two"):
        line = f"echo {word}; echo {word} >&2"
        result = runner.run(["sh", "-c", line], timeout_s=LONG_S, output_file=str(log))
        assert (result.stdout, result.stderr) == ("", "")
    assert log.read_text() == "one\none\ntwo\ntwo\n"
    assert log.stat().st_mode & 0o777 == 0o600


def test_an_output_file_that_cannot_be_made(runner: Runner, tmp_path: Path) -> None:
    result = runner.run(["true"], timeout_s=LONG_S, output_file=str(tmp_path / "no/log"))
    assert result.failed


def test_a_child_that_keeps_the_streams_holds_nobody_up(runner: Runner) -> None:
    start = time.monotonic()
    result = shell(runner, "echo before; sleep 100 & echo $!", timeout_s=LONG_S)
    before, pid = result.stdout.split()
    os.kill(int(pid), signal.SIGKILL)
    assert (result.returncode, before) == (0, "before")
    assert time.monotonic() - start < LONG_S / 2


def test_a_command_that_ends_properly_is_not_waited_for() -> None:
    start = time.monotonic()
    for _ in range(5):
        Runner().run(["true"], timeout_s=LONG_S, input="x")
    assert time.monotonic() - start < 4  # one grace period each would be five seconds


# Surroundings.


def test_the_environment_is_extended(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "1")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    out = runner.run(["env"], timeout_s=LONG_S, env={"MORE": "2"}).stdout.splitlines()
    assert {"FROM_OUTSIDE=1", "MORE=2", "LC_ALL=C"} <= set(out)


def test_the_environment_is_replaced(runner: Runner) -> None:
    out = runner.run(["/usr/bin/env"], timeout_s=LONG_S, env={"ONLY": "1"}, reset_env=True).stdout
    assert out == "ONLY=1\n"


def test_the_directory(runner: Runner, tmp_path: Path) -> None:
    assert runner.run(["pwd"], timeout_s=LONG_S, cwd=str(tmp_path)).stdout == f"{tmp_path}\n"


def test_descriptors_are_passed_only_if_asked_for(runner: Runner) -> None:
    read_end, write_end = os.pipe()
    try:
        line = f"echo x >/proc/self/fd/{write_end}"
        assert shell(runner, line).failed
        result = runner.run(["sh", "-c", line], timeout_s=LONG_S, pass_fds=[write_end])
        assert not result.failed
        assert os.read(read_end, 10) == b"x\n"
    finally:
        os.close(read_end)
        os.close(write_end)


def test_a_command_has_a_session_of_its_own(runner: Runner) -> None:
    pid, session = shell(runner, "echo $$; cut -d' ' -f6 /proc/$$/stat").stdout.split()
    assert pid == session
    assert int(session) != os.getsid(0)


def test_commands_are_in_the_debug_log(runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    runner.run(["true", "two words"], timeout_s=LONG_S)
    assert "running true 'two words'" in caplog.text


# Deadlines.


def test_out_of_time(runner: Runner) -> None:
    result = shell(runner, "echo started; exec sleep 100", timeout_s=SOON_S)
    assert result.timed_out
    assert result.failed
    assert result.stdout == "started\n"
    assert result.fail_reason == "ran out of time"
    assert result.signal == signal.SIGTERM


def test_out_of_time_is_a_failure_even_with_a_good_code(runner: Runner) -> None:
    line = "trap 'exit 0' TERM; sleep 100 & wait"
    result = shell(runner, line, timeout_s=SOON_S)
    assert result.returncode == 0
    assert result.failed


def test_children_end_too(runner: Runner) -> None:
    result = shell(runner, "sleep 100 & echo $!; wait", timeout_s=SOON_S)
    pid = int(result.stdout)
    assert soon(lambda: has_ended(pid))


def test_who_ignores_the_request_is_killed(runner: Runner) -> None:
    line = "trap '' TERM; (sleep 100 & echo $!; wait); echo $!"
    result = shell(runner, line, timeout_s=SOON_S)
    assert result.timed_out
    assert result.signal == signal.SIGKILL
    pid = int(result.stdout.split()[0])
    assert soon(lambda: has_ended(pid))


class Interrupted(Exception):
    """Raised by a signal handler."""


def test_an_interruption_ends_the_command(runner: Runner, tmp_path: Path) -> None:
    def interrupt(number: int, frame: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, interrupt)
    path = tmp_path / "pid"
    try:
        with pytest.raises(Interrupted):
            # It reads first: what is written to it tells that the runner has begun to wait.
            line = 'read x; echo $$ >"$1"; kill -USR1 $PPID; exec sleep 100'
            argv = ["/bin/sh", "-c", line, "sh", str(path)]
            runner.run(argv, timeout_s=LONG_S, input="go\n")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert has_ended(int(path.read_text()))


def test_no_limit_means_no_limit(runner: Runner) -> None:
    assert runner.run(["true"], timeout_s=None).returncode == 0


def test_nothing_stays_behind(runner: Runner) -> None:
    """What an earlier test has started may still be on its way out."""
    children = Path("/proc/thread-self/children")
    others = set(children.read_text().split())
    descriptors = set(os.listdir("/proc/self/fd"))
    shell(runner, "exit 1")
    shell(runner, "exec sleep 100", timeout_s=SOON_S)
    runner.run(["cat"], timeout_s=LONG_S, input="x")
    runner.run(["/nonexistent"], timeout_s=LONG_S, input="x")
    assert set(os.listdir("/proc/self/fd")) == descriptors
    assert set(children.read_text().split()) <= others


def test_many_at_once(runner: Runner) -> None:
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(shell(runner, f"echo {n}").stdout))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, results)) == list(range(20))


# Detached processes and the terminal.


def test_a_detached_process_lives_on_and_leaves_no_zombie(runner: Runner, tmp_path: Path) -> None:
    out = tmp_path / "log"
    line = "echo $MORE; readlink /proc/self/fd/0; pwd; echo err >&2; exec sleep 100"
    pid = runner.start_detached(["sh", "-c", line], output_file=str(out), env={"MORE": "more"})
    try:
        assert os.getsid(pid) == pid
        assert soon(lambda: out.read_text() == "more\n/dev/null\n/\nerr\n")
    finally:
        os.kill(pid, signal.SIGKILL)
    assert soon(lambda: not os.path.exists(f"/proc/{pid}"))


def test_a_detached_process_that_cannot_be_started(runner: Runner) -> None:
    with pytest.raises(CommandError, match="/nonexistent cannot be started"):
        runner.start_detached(["/nonexistent"])


def test_interactive_gives_the_code(runner: Runner) -> None:
    assert runner.interactive(["sh", "-c", "exit 4"]) == 4
    assert runner.interactive(["sh", "-c", "kill -TERM $$"]) == 128 + signal.SIGTERM
    with pytest.raises(CommandError):
        runner.interactive(["/nonexistent"])


def test_interactive_leaves_ctrl_c_to_the_command(runner: Runner) -> None:
    before = signal.getsignal(signal.SIGINT)
    ignored = f"grep -q 'SigIgn:.*6$' /proc/{os.getpid()}/status"  # bits of SIGINT and SIGQUIT
    line = f"until {ignored}; do :; done; kill -INT {os.getpid()}; exit 7"
    assert runner.interactive(["sh", "-c", line]) == 7
    assert signal.getsignal(signal.SIGINT) is before


# The double that other tests use.


def test_the_longest_arranged_beginning_answers() -> None:
    fake = FakeRunner()
    fake.on("lvs", stdout="all")
    fake.on("lvs", "--units=m", stdout="in MiB")
    assert fake.run(["lvs", "--units=m", "vg"], timeout_s=1).stdout == "in MiB"
    assert fake.run(["lvs"], timeout_s=1).stdout == "all"
    assert fake.commands == [("lvs", "--units=m", "vg"), ("lvs",)]


def test_the_double_fails_as_the_real_one() -> None:
    fake = FakeRunner()
    fake.on("drbdsetup", returncode=10, stderr="no resource")
    fake.missing("xl")
    with pytest.raises(CommandError, match="drbdsetup down exited with code 10: no resource"):
        fake.run(["drbdsetup", "down"], timeout_s=1, check=True)
    assert fake.run(["xl"], timeout_s=1).returncode == process.CANNOT_START
    with pytest.raises(CommandError):
        fake.start_detached(["xl"])


def test_the_double_refuses_what_nobody_arranged() -> None:
    with pytest.raises(AssertionError, match="nobody arranged"):
        FakeRunner().run(["rm", "-r", "/"], timeout_s=1)


def test_the_double_can_act_and_keeps_the_call(tmp_path: Path) -> None:
    fake = FakeRunner()

    def create(call: Call) -> str:
        Path(call.argv[-1]).write_text(call.input or "")
        return "done"

    fake.on("make-image", do=create)
    log = tmp_path / "log"
    path = tmp_path / "image"
    result = fake.run(["make-image", str(path)], timeout_s=5, input="x", output_file=str(log))
    assert (path.read_text(), log.read_text(), result.stdout) == ("x", "done", "")
    assert fake.calls[0].timeout_s == 5
    pid = fake.start_detached(["make-image", str(path)])
    assert pid != fake.start_detached(["make-image", str(path)])
    assert [call.detached for call in fake.calls] == [False, True, True]
    assert fake.interactive(["make-image", str(path)]) == 0
