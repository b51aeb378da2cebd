# SPDX-License-Identifier: GPL-2.0-or-later
"""Logs: the form of lines, reopening, and that logging never waits."""

from __future__ import annotations

import io
import logging
import os
import queue
import re
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganeti.utils import log, log_queue
from ganeti.utils.log_syslog import Syslog
from ganeti.utils.process import Runner

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"
logger = logging.getLogger("test.some.module")


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    for handler in list(root.handlers):
        root.removeHandler(handler)
    for handler in before:
        root.addHandler(handler)
    root.setLevel(level)


def started(path: Path, **options: bool) -> log.Log:
    made = log.Log("ganeti-masterd", **options)
    made.to_file(str(path))
    made.start()
    return made


def test_the_form_of_a_line(tmp_path: Path) -> None:
    started(tmp_path / "log")
    logger.info("text %d", 1)
    logger.debug("not shown")
    line = (tmp_path / "log").read_text()
    assert re.fullmatch(rf"{STAMP}: ganeti-masterd pid={os.getpid()} INFO text 1\n", line)


def test_threaded_daemons_show_the_thread(tmp_path: Path) -> None:
    started(tmp_path / "log", threads=True)
    worker = threading.Thread(target=lambda: logger.error("text"), name="Jq3/Job12")
    worker.start()
    worker.join()
    assert f"pid={os.getpid()}/Jq3/Job12 ERROR text\n" in (tmp_path / "log").read_text()


def test_debug_shows_where(tmp_path: Path) -> None:
    started(tmp_path / "log", debug=True)
    logger.debug("text")
    assert re.search(
        rf"pid={os.getpid()} test_log:\d+ DEBUG text\n$", (tmp_path / "log").read_text()
    )


def test_an_exception_is_told_with_its_trace(tmp_path: Path) -> None:
    made = log.for_daemon(
        "ganeti-noded",
        str(tmp_path / "log"),
        debug=False,
        syslog="no",
        foreground=True,
        queued=True,
    )
    try:
        raise ValueError("bug")
    except ValueError:
        logger.exception("it broke")
    made.stop()
    text = (tmp_path / "log").read_text()
    assert "ERROR it broke\nTraceback" in text
    assert text.endswith("ValueError: bug\n")


def test_the_file_is_appended_to_and_private(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for _ in range(2):
        made = started(path)
        logger.info("text")
        made.stop()
    assert len(path.read_text().splitlines()) == 2
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_mode_of_the_commands_log(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        log.Log("gnt-node add").to_file(str(tmp_path / "commands.log"), mode=0o644)
    finally:
        os.umask(before)
    assert (tmp_path / "commands.log").stat().st_mode & 0o777 == 0o644


def test_odd_texts_do_not_break_it(tmp_path: Path) -> None:
    started(tmp_path / "log")
    logger.info("ä \udc80")
    assert "ä \\udc80" in (tmp_path / "log").read_text()


def test_after_rotation_a_new_file_is_written(tmp_path: Path) -> None:
    made = started(tmp_path / "log")
    logger.info("first")
    (tmp_path / "log").rename(tmp_path / "log.1")
    logger.info("still the old one")
    made.reopen()
    logger.info("second")
    assert "still the old one" in (tmp_path / "log.1").read_text()
    assert (tmp_path / "log").read_text().endswith("second\n")
    assert "second" not in (tmp_path / "log.1").read_text()


def test_if_there_is_no_new_file_the_old_one_goes_on(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    made = started(tmp_path / "logs/log")
    (tmp_path / "logs").rename(tmp_path / "away")
    made.reopen()
    logger.info("after")
    text = (tmp_path / "away/log").read_text()
    assert "cannot reopen" in text
    assert text.endswith("after\n")


def test_output_of_the_process_follows_the_log(tmp_path: Path) -> None:
    program = f"""
import os, sys
sys.path.insert(0, os.getcwd())
from ganeti.utils import log
path = {str(tmp_path / "log")!r}
made = log.for_daemon("x", path, debug=False, syslog="no", foreground=False)
os.system("echo first")
os.rename(path, path + ".1")
made.reopen()
os.system("echo second >&2")
"""
    result = Runner().run([sys.executable, "-c", program], timeout_s=30)
    assert (result.returncode, result.output) == (0, "")
    assert (tmp_path / "log.1").read_text() == "first\n"
    assert (tmp_path / "log").read_text() == "second\n"


def test_what_cannot_be_written_goes_to_the_fallback(tmp_path: Path) -> None:
    made = log.Log("ganeti-noded")
    made.to_file("/dev/full", fallback=str(tmp_path / "console"))
    made.start()
    logger.error("the disk is dead")
    assert "ERROR the disk is dead\n" in (tmp_path / "console").read_text()


def test_without_a_fallback_it_is_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    made = log.Log("ganeti-noded")
    made.to_file("/dev/full")
    made.start()
    logger.error("the disk is dead")
    assert capsys.readouterr() == ("", "")


def test_a_file_on_a_full_disk_is_reopened(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.symlink_to("/dev/full")
    made = started(path)
    logger.error("lost")
    path.unlink()
    made.reopen()
    logger.error("kept")
    assert path.read_text().endswith("ERROR kept\n")
    assert "lost" not in path.read_text()


def test_syslog_is_heard_once_it_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "log")
    handler = Syslog(path)
    handler.emit(logging.makeLogRecord({"msg": "lost", "levelname": "INFO"}))
    for _ in range(2):  # it may be started again, too
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
            syslog.bind(path)
            handler.emit(logging.makeLogRecord({"msg": "heard", "levelname": "WARNING"}))
            assert syslog.recv(100) == b"<28>heard\0"
        os.unlink(path)
    handler.close()
    assert capsys.readouterr().err == ""


def test_only_syslog_means_no_file(tmp_path: Path) -> None:
    log.for_daemon("x", str(tmp_path / "log"), debug=False, syslog="only", foreground=True)
    logger.info("text")
    assert not (tmp_path / "log").exists()


def test_in_the_foreground_the_terminal_hears_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.for_daemon("x", str(tmp_path / "log"), debug=False, syslog="no", foreground=True)
    logger.info("text")
    assert capsys.readouterr().err.endswith("INFO text\n")
    assert (tmp_path / "log").read_text().endswith("INFO text\n")


def test_the_queue_keeps_the_order_and_the_thread_name(tmp_path: Path) -> None:
    made = log.for_daemon(
        "x", str(tmp_path / "log"), debug=False, syslog="no", foreground=True, queued=True
    )
    for number in range(100):
        logger.info("line %d", number)
    made.stop()
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line.rpartition(" ")[2] for line in lines] == [str(n) for n in range(100)]
    assert all("/MainThread INFO" in line for line in lines)


def test_a_full_queue_drops_and_tells_how_many() -> None:
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(2)
    handler = log_queue.DroppingQueue(waiting)
    out = logging.Logger("x")
    out.addHandler(handler)
    for number in range(5):
        out.info("line %d", number)  # returns at once, though nobody reads
    first = [waiting.get().getMessage() for _ in range(2)]
    out.info("later")
    second = [waiting.get() for _ in range(2)]
    assert first == ["line 0", "line 1"]
    assert [record.getMessage() for record in second] == ["3 log messages were dropped", "later"]
    assert [record.levelname for record in second] == ["WARNING", "INFO"]


def test_a_full_queue_can_be_ended() -> None:
    written = io.StringIO()
    taken, gate = threading.Event(), threading.Event()

    class Stuck(logging.StreamHandler[io.StringIO]):
        def emit(self, record: logging.LogRecord) -> None:
            taken.set()
            gate.wait()
            super().emit(record)

    waiting: queue.Queue[logging.LogRecord] = queue.Queue(2)
    writer = log_queue.Writer(waiting, [Stuck(written)])
    out = logging.Logger("x")
    out.addHandler(log_queue.DroppingQueue(waiting))
    writer.start()
    out.info("line 0")
    taken.wait()
    for number in range(1, 10):
        out.info("line %d", number)
    threading.Timer(0.01, gate.set).start()
    writer.stop()
    assert written.getvalue().startswith("line 0\n")
