# SPDX-License-Identifier: GPL-2.0-or-later
"""Becoming a daemon, tried with processes of their own: what the starter is told, and what remains."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from pathlib import Path

import pytest

from ganeti.errors import GenericError, PidFileLockError
from ganeti.utils import daemon, retry
from ganeti.utils.clock import Clock
from ganeti.utils.process import Result, Runner

LONG_S = 30.0
PROGRAM = """
import os, sys, time
sys.path.insert(0, os.getcwd())
from ganeti.errors import PidFileLockError
from ganeti.utils import daemon
output, path = sys.argv[1:]
{}
"""


def start(lines: str, output: Path, path: Path) -> Result:
    """Run a program that becomes a daemon; the result is that of the starter."""
    program = PROGRAM.format(textwrap.dedent(lines))
    argv = [sys.executable, "-c", program, str(output), str(path)]
    return Runner().run(argv, timeout_s=LONG_S)


def soon(path: Path, wanted: str) -> bool:
    """Whether the daemon writes what is wanted; it does when the starter is gone already."""
    return retry.until(
        lambda: path.exists() and wanted in path.read_text(), timeout_s=LONG_S, clock=Clock()
    )


def test_the_starter_waits_until_the_daemon_is_ready(tmp_path: Path) -> None:
    result = start(
        """
        here = daemon.detach(output)
        time.sleep(0.05)
        open(path, "w").write("work before ready")
        here.ready()
        """,
        tmp_path / "log",
        tmp_path / "made",
    )
    assert (result.returncode, result.output) == (0, "")
    assert (tmp_path / "made").read_text() == "work before ready"


def test_the_starter_tells_why_it_failed(tmp_path: Path) -> None:
    result = start(
        """
        here = daemon.detach(output)
        here.failed("the port 1811 is taken by 'another'")
        here.ready()
        """,
        tmp_path / "log",
        tmp_path / "x",
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        "Error when starting daemon process: \"the port 1811 is taken by 'another'\"\n"
    )


def test_a_daemon_that_dies_without_a_word_has_failed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    result = start("daemon.detach(output); raise ValueError('bug')", log, tmp_path / "x")
    assert result.returncode == 1
    assert "it died while starting" in result.stderr
    assert soon(log, "ValueError: bug")


def test_an_output_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    result = start("daemon.detach(output).ready()", tmp_path / "no/log", tmp_path / "x")
    assert result.returncode == 1
    assert "no/log" in result.stderr


def test_the_surroundings_of_a_daemon(tmp_path: Path) -> None:
    log, made = tmp_path / "log", tmp_path / "made"
    start(
        """
        pid = os.getpid()
        here = daemon.detach(output)
        print("printed", flush=True)
        os.system("echo of a child >&2")
        facts = [os.getcwd(), os.readlink("/proc/self/fd/0"), oct(os.umask(0)),
                 os.getsid(0) != os.getpid(), os.getsid(0) != os.getsid(pid) ]
        open(path, "w").write(repr(facts))
        here.ready()
        """,
        log,
        made,
    )
    assert made.read_text() == "['/', '/dev/null', '0o77', True, True]"
    assert log.read_text() == "printed\nof a child\n"
    assert log.stat().st_mode & 0o777 == 0o600


def test_in_the_foreground_nobody_waits(capsys: pytest.CaptureFixture[str]) -> None:
    before = os.umask(0o022)
    try:
        here = daemon.foreground()
        here.failed("not told twice")
        here.ready()
        assert os.umask(before) == daemon.UMASK
    finally:
        os.umask(before)
    assert capsys.readouterr() == ("", "")


# The PID file.


def test_the_pid_file(tmp_path: Path) -> None:
    path = tmp_path / "ganeti-noded.pid"
    path.write_text("a longer line of a process that died\n")
    path.chmod(0o600)
    with daemon.PidFile(str(path)):
        assert path.read_text() == f"{os.getpid()}\n"
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(PidFileLockError, match="runs already"):
            daemon.PidFile(str(path))
        assert path.read_text() == f"{os.getpid()}\n"
    assert not path.exists()


def test_a_daemon_that_does_not_start_leaves_no_pid_file(tmp_path: Path) -> None:
    path = tmp_path / "ganeti-noded.pid"
    with pytest.raises(GenericError), daemon.PidFile(str(path)):
        raise GenericError("no certificate")
    assert not path.exists()


def test_the_pid_file_is_free_when_its_process_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    program = f"""
        daemon.PidFile({str(path)!r})
        try:
            daemon.PidFile({str(path)!r})
        except PidFileLockError:
            print("locked")
        """
    result = start(program, tmp_path / "log", tmp_path / "x")
    assert result.stdout == "locked\n"
    assert re.fullmatch(r"\d+\n", path.read_text())
    with daemon.PidFile(str(path)):
        assert path.read_text() == f"{os.getpid()}\n"


# Signals, users, memory.


def test_signals(tmp_path: Path) -> None:
    made = tmp_path / "made"
    result = start(
        """
        import signal, threading
        lock, stopped = threading.Lock(), threading.Event()
        heard = []
        def reopen():
            with lock:
                heard.append("reopen")
        def stop():
            with lock:
                heard.append("stop")
            if len(heard) == 3:
                stopped.set()
        daemon.on_signals(stop, reopen)
        with lock:  # a handler that took it here would wait for ever
            signal.raise_signal(signal.SIGHUP)
        while not heard:
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGTERM)
        while len(heard) < 2:
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)
        stopped.wait()
        heard.append(signal.getsignal(signal.SIGPIPE).name)
        open(path, "w").write(" ".join(heard))
        """,
        tmp_path / "log",
        made,
    )
    assert result.returncode == 0, result.stderr
    assert made.read_text() == "reopen stop stop SIG_IGN"


def test_asked_twice_to_stop_nothing_that_hangs_keeps_a_daemon(tmp_path: Path) -> None:
    made = tmp_path / "made"
    result = start(
        """
        import logging, signal, threading
        logging.basicConfig(filename=path)
        hangs = threading.Event()
        daemon.AT_ONCE_S = daemon.FLUSH_S = 0.05
        asked = []
        daemon.on_signals(daemon.stopper(lambda: asked.append(1), hangs.wait), print)
        os.kill(os.getpid(), signal.SIGTERM)
        while not asked:
            time.sleep(0.001)
        hangs.wait(0.5)
        logging.error("asked once, it goes on")
        os.kill(os.getpid(), signal.SIGINT)
        hangs.wait(30)
        """,
        tmp_path / "log",
        made,
    )
    assert result.returncode == 1
    once, twice = made.read_text().splitlines()
    assert "asked once, it goes on" in once
    assert "the daemon ends without it" in twice


def test_no_daemon_lives_on_without_one_of_its_threads(tmp_path: Path) -> None:
    made = tmp_path / "made"
    result = start(
        """
        import logging, threading
        logging.basicConfig(filename=path)
        def fail():
            raise OSError("no more sockets")
        here = daemon.foreground()
        daemon.end_with_any_thread(threading.Event().wait)  # its disk hangs
        daemon.FLUSH_S = 0.05
        threading.Thread(target=fail, name="Transport").start()
        time.sleep(30)
        """,
        tmp_path / "log",
        made,
    )
    assert result.returncode == 1
    assert "thread Transport failed, the daemon ends" in made.read_text()
    assert "OSError: no more sockets" in made.read_text()


def test_the_wrong_user_is_refused() -> None:
    me = os.getuid()
    daemon.check_user("ganeti-rapi", me)
    with pytest.raises(GenericError) as caught:
        daemon.check_user("ganeti-rapi", me + 1)
    assert str(caught.value) == (
        f"ganeti-rapi started using wrong user ID ({me}), expected {me + 1}"
    )


def test_memory_can_be_locked(tmp_path: Path) -> None:
    lines = """
        locked = daemon.lock_memory()
        line = [l for l in open("/proc/self/status") if l.startswith("VmLck")][0]
        print(locked == (int(line.split()[1]) > 0))
        """
    assert start(lines, tmp_path / "log", tmp_path / "x").stdout == "True\n"
